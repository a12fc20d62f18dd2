# SPDX-License-Identifier: Apache-2.0
"""hawkBit's Direct Device Integration API v1 over the model: who asks, what is answered."""
import hashlib
import hmac
import json
import re

from model import Refused

PATH = re.compile(r"/(?P<tenant>[^/]+)/controller/v1/(?P<id>[^/?]+)(?P<rest>/[^?]*)?(?:\?(?P<query>.*))?")


def part_of(kind):
    return {"application": "bApp", "runtime": "jvm"}.get(kind, kind)


class Ddi:
    """One request: answer() gives (status, JSON or None), or ("artifact", name, bytes)."""

    def __init__(self, server, base):
        self.server, self.base = server, base
        self.routes = [(method, re.compile(path), call) for method, path, call in (
            ("GET", "", self.poll),
            ("PUT", "/configData", self.config_data),
            ("GET", r"/deploymentBase/([-\w]+)", self.deployment),
            ("POST", r"/deploymentBase/([-\w]+)/feedback", self.feedback),
            ("GET", r"/cancelAction/([-\w]+)", self.cancel),
            ("POST", r"/cancelAction/([-\w]+)/feedback", self.cancel_feedback),
            ("GET", r"/confirmationBase/([-\w]+)", self.ask),
            ("POST", r"/confirmationBase/([-\w]+)/feedback", self.confirm),
            ("GET", r"/installedBase/([-\w]+)", self.installed),
            ("PUT", "/installedBase", self.declare),
            ("GET", r"/softwaremodules/(\d+)/artifacts", self.artifacts),
            ("GET", r"/softwaremodules/(\d+)/artifacts/([^/]+)", self.artifact))]

    # ---- who is it? ----

    def may_register(self, controller_id, headers, certified):
        """Raises unless these credentials stand for this device. True: they stand for any, also for a new one."""
        on, known = self.server.config, self.server.targets.get(controller_id)
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme == "TargetToken" and on["authentication.targettoken.enabled"] and known:
            if hmac.compare_digest(token, known.token):
                return False
        if scheme == "GatewayToken" and on["authentication.gatewaytoken.enabled"]:
            if hmac.compare_digest(token, on["authentication.gatewaytoken.key"]):
                return True
        if on["authentication.header.enabled"]:
            # What a reverse proxy sets once it has checked the client's certificate; over TLS this server is its own proxy.
            name = certified or headers.get("X-Controller-Id")
            authority = certified and "tls" or headers.get("X-Authority")
            if name == controller_id and authority in on["authentication.header.authority"].split(","):
                return True
        raise Refused(401, "no credentials that stand for this device")

    def answer(self, method, path, headers, body, certified):
        m = PATH.fullmatch(path)
        if not m or m["tenant"] != self.server.tenant:
            raise Refused(404, "no such tenant or path")
        target = self.server.seen(m["id"], self.may_register(m["id"], headers, certified))
        self.device = f"{self.base}/{m['tenant']}/controller/v1/{m['id']}"
        self.query = m["query"] or ""
        for wanted, pattern, call in self.routes:
            found = pattern.fullmatch(m["rest"] or "") if wanted == method else None
            if found:
                return call(target, body, *found.groups())
        raise Refused(405 if method != "GET" else 404, "no such request")

    @staticmethod
    def json(body):
        try:
            document = json.loads(body)
        except ValueError as e:
            raise Refused(400, "no JSON") from e
        if not isinstance(document, dict):
            raise Refused(400, "no object")
        return document

    # ---- requests ----

    def poll(self, target, body):
        document = {"config": {"polling": {"sleep": self.server.config["pollingTime"]}}}
        links = self.server.links(target)
        if links:
            document["_links"] = {name: {"href": f"{self.device}/{path}"} for name, path in links}
        return 200, document

    def config_data(self, target, body):
        document = self.json(body)
        self.server.set_attributes(target, document.get("mode", "merge"), document.get("data"))
        return 200, None

    def chunk(self, module):
        def link(name, tail=""):
            return {"href": f"{self.device}/softwaremodules/{module.id}/artifacts/{name}{tail}"}

        chunk = {"part": part_of(module.type), "version": module.version, "name": module.name, "artifacts": [
            {"filename": name, "size": len(content),
             "hashes": {h: hashlib.new(h, content).hexdigest() for h in ("sha1", "md5", "sha256")},
             "_links": {"download": link(name), "md5sum": link(name, ".MD5SUM"), "download-http": link(name),
                        "md5sum-http": link(name, ".MD5SUM")}} for name, content in module.artifacts.items()]}
        visible = [{"key": m["key"], "value": m["value"]} for m in module.metadata if m.get("targetVisible")]
        return {**chunk, "metadata": visible} if visible else chunk

    def document(self, action, key="deployment"):
        download, update, window = action.modes(self.server.now_s())
        inner = {"download": download, "update": update, "chunks": [self.chunk(m) for m in action.set.modules]}
        if window:
            inner["maintenanceWindow"] = window
        document = {"id": str(action.id), key: inner}
        asked = re.search(r"actionHistory=(-?\d+)", self.query)
        if asked and int(asked[1]):
            messages = [m for row in reversed(action.rows) for m in row["messages"]]
            wanted = min(int(asked[1]), 100) if int(asked[1]) > 0 else 100
            if messages:
                # The word of a running action is that of the look before: a look makes it "retrieved".
                looked = action.status == "running" and action.rows[-1]["type"] == "retrieved"
                document["actionHistory"] = {"status": "RETRIEVED" if looked else action.status.upper(), "messages": messages[:wanted]}
        return 200, document

    def deployment(self, target, body, action_id):
        return self.document(self.server.show_deployment(target, action_id))

    def ask(self, target, body, action_id):
        return self.document(self.server.action_of(target, action_id, "wait_for_confirmation"), "confirmation")

    def installed(self, target, body, action_id):
        """Any action that has ended and was not cancelled, with no trace in its history."""
        return self.document(self.server.action_of(target, action_id, "finished", "error", "downloaded"))

    def cancel(self, target, body, action_id):
        self.server.action_of(target, action_id, "canceling")
        return 200, {"id": action_id, "cancelAction": {"stopId": action_id}}

    def told(self, body, action_id):
        """What a feedback says, in the form of hawkBit since 0.7: (execution, finished, messages, code)."""
        document = self.json(body)
        status = document.get("status")
        if not isinstance(status, dict) or not isinstance(status.get("result", {}), dict):
            raise Refused(400, "status")
        if "id" in document and str(document["id"]) != action_id:
            raise Refused(400, "id")
        if not isinstance(document.get("timestamp", 0), int) or not isinstance(status.get("code", 0), int):
            raise Refused(400, "timestamp or code")
        details = status.get("details", [])
        if not isinstance(details, list) or not all(isinstance(d, str) for d in details):
            raise Refused(400, "details")
        finished = status["result"].get("finished", "none") if "result" in status else "none"
        if finished not in ("none", "success", "failure"):
            raise Refused(400, "finished")
        return status.get("execution"), finished, details, status.get("code")

    def feedback(self, target, body, action_id):
        self.server.feedback(target, action_id, *self.told(body, action_id))
        return 200, None

    def cancel_feedback(self, target, body, action_id):
        execution, finished, details, _ = self.told(body, action_id)
        self.server.cancel_feedback(target, action_id, execution, finished, details)
        return 200, None

    def confirm(self, target, body, action_id):
        document = self.json(body)
        self.server.confirmation(target, action_id, document.get("confirmation"), document.get("details", []), document.get("code"))
        return 200, None

    def declare(self, target, body):
        document = self.json(body)
        return 201 if self.server.declare(target, document.get("name"), document.get("version")) else 200, None

    # ---- artefacts: only of what the target works on, or runs ----

    def module_of(self, target, module_id):
        actions = [a for a in (target.live(), target.installed_by) if a]
        for module in (m for a in actions for m in a.set.modules):
            if str(module.id) == module_id:
                return module
        raise Refused(404, "no module of an action of this target")

    def artifacts(self, target, body, module_id):
        return 200, self.chunk(self.module_of(target, module_id))["artifacts"]

    def artifact(self, target, body, module_id, name):
        files = self.module_of(target, module_id).artifacts
        if name in files:
            return "artifact", name, files[name]
        if name.endswith(".MD5SUM") and name[:-7] in files:
            return "text", f"{hashlib.md5(files[name[:-7]]).hexdigest()}  {name[:-7]}"
        raise Refused(404, "no such artefact")
