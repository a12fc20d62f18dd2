# SPDX-License-Identifier: Apache-2.0
"""The part of hawkBit's Management API (/rest/v1) that the scenarios use, over the model."""
import json
import re

from model import Refused


def window_of(text, now_s):
    """(begin, end) of hawkBit's maintenanceWindow with a daily schedule "S M H ? * * *"; the one that is open, or the next."""
    second, minute, hour = (int(n) for n in text["schedule"].split()[:3])
    h, m, s = (int(n) for n in text["duration"].split(":"))
    sign, oh, om = re.fullmatch(r"([+-])(\d\d):(\d\d)", text["timezone"]).groups()
    offset = (int(oh) * 3600 + int(om) * 60) * (-1 if sign == "-" else 1)
    day = (now_s + offset) // 86400 * 86400 - offset
    for begin in (day - 86400 + hour * 3600 + minute * 60 + second + 86400 * i for i in range(3)):
        if now_s < begin + h * 3600 + m * 60 + s:
            return begin, begin + h * 3600 + m * 60 + s
    raise Refused(400, "maintenanceWindow")


def upload(body, content_type):
    """(file name, bytes) of a multipart/form-data body with one file."""
    boundary = b"--" + re.search(r'boundary="?([^";]+)', content_type)[1].encode()
    part = body.split(boundary)[1]
    head, _, content = part.partition(b"\r\n\r\n")
    return re.search(rb'filename="([^"]*)"', head)[1].decode(), content[:-2]


class Management:
    def __init__(self, server):
        self.server = server
        self.routes = [(method, re.compile("/rest/v1" + path + r"(?:\?.*)?"), call) for method, path, call in (
            ("PUT", r"/system/configs/([\w.]+)", self.configure),
            ("POST", "/targets", self.add_targets),
            ("GET", "/targets", self.show_targets),
            ("GET", r"/targets/([^/?]+)", self.show_target),
            ("GET", r"/targets/([^/?]+)/attributes", lambda body, t: self.server.target(t).attributes),
            ("POST", r"/targets/([^/?]+)/autoConfirm/(activate|deactivate)", self.auto_confirm),
            ("GET", r"/targets/([^/?]+)/(assigned|installed)DS", self.show_set_of),
            ("GET", r"/targets/([^/?]+)/actions/(\d+)", lambda body, t, a: self.show_action(self.action(t, a))),
            ("PUT", r"/targets/([^/?]+)/actions/(\d+)", self.force),
            ("GET", r"/targets/([^/?]+)/actions/(\d+)/status", self.show_status),
            ("DELETE", r"/targets/([^/?]+)/actions/(\d+)(\?force=true)?", self.cancel),
            ("POST", "/softwaremodules", self.add_modules),
            ("POST", r"/softwaremodules/(\d+)/metadata", self.add_metadata),
            ("POST", "/distributionsets", self.add_sets),
            ("POST", r"/distributionsets/(\d+)/assignedTargets", self.assign),
            ("POST", "/rollouts", self.add_rollout),
            ("GET", r"/rollouts/(\d+)", lambda body, r: self.show_rollout(int(r))),
            ("POST", r"/rollouts/(\d+)/(start|resume)", self.drive_rollout),
            ("GET", r"/rollouts/(\d+)/deploygroups", self.show_groups))]

    def answer(self, method, path, body, content_type):
        """(status, JSON or None)"""
        uploaded = re.fullmatch(r"/rest/v1/softwaremodules/(\d+)/artifacts", path)
        if uploaded and method == "POST":
            name, content = upload(body, content_type)
            self.server.unlocked(int(uploaded[1])).artifacts[name] = content
            return 201, {"providedFilename": name, "size": len(content)}
        document = json.loads(body) if body else None
        for wanted, pattern, call in self.routes:
            m = pattern.fullmatch(path) if wanted == method else None
            if m:
                try:
                    result = call(document, *m.groups())
                except (KeyError, TypeError, ValueError) as e:
                    raise Refused(400, f"{type(e).__name__} {e}") from e
                return 200, result
        raise Refused(404, f"not among what this server speaks: {method} {path}")

    def configure(self, body, key):
        if key not in self.server.config:
            raise Refused(400, f"no configuration key {key}")
        self.server.config[key] = body["value"]

    def action(self, target, action_id):
        return self.server.action_of(self.server.target(target), action_id)

    # ---- targets ----

    def add_targets(self, body):
        return [self.target_json(self.server.add_target(t["controllerId"], t.get("securityToken"))) for t in body]

    @staticmethod
    def target_json(t):
        return {"controllerId": t.id, "name": t.id, "updateStatus": t.status, "securityToken": t.token,
                "requestAttributes": t.wants_attributes}

    def show_targets(self, body):
        found = [self.target_json(t) for _, t in sorted(self.server.targets.items())]
        return {"content": found, "total": len(found), "size": len(found)}

    def show_target(self, body, name):
        return self.target_json(self.server.target(name))

    def auto_confirm(self, body, name, word):
        self.server.target(name).auto_confirm = word == "activate"

    def show_set_of(self, body, name, which):
        t = self.server.target(name)
        dist_set = t.assigned if which == "assigned" else t.installed
        return self.set_json(dist_set) if dist_set else None

    # ---- content ----

    def add_modules(self, body):
        return [{"id": m.id, "name": m.name, "version": m.version, "type": m.type}
                for m in (self.server.add_module(b["name"], b["version"], b["type"]) for b in body)]

    def add_metadata(self, body, module):
        self.server.unlocked(int(module)).metadata += body
        return body

    @staticmethod
    def set_json(s):
        return {"id": s.id, "name": s.name, "version": s.version}

    def add_sets(self, body):
        return [self.set_json(self.server.add_set(b["name"], b["version"], [m["id"] for m in b["modules"]])) for b in body]

    # ---- actions ----

    def assign(self, body, dist_set):
        actions = []
        for one in body:
            window = window_of(one["maintenanceWindow"], self.server.now_s()) if "maintenanceWindow" in one else ()
            actions.append(self.server.assign(self.server.target(one["id"]), self.server.sets[int(dist_set)],
                                              one.get("type", "forced"), window, one.get("forcetime", 0) / 1000,
                                              one.get("confirmationRequired", True)))
        return {"assigned": len(actions), "alreadyAssigned": 0, "total": len(actions),
                "assignedActions": [{"id": a.id} for a in actions]}

    @staticmethod
    def show_action(a):
        return {"id": a.id, "status": "pending" if a.active else "finished", "detailStatus": a.status,
                "forceType": a.type, "lastStatusCode": next((r["code"] for r in reversed(a.rows) if r["code"] is not None), None)}

    def force(self, body, target, action_id):
        a = self.action(target, action_id)
        if body["forceType"] != "forced" or not a.active:
            raise Refused(400, "forceType")
        a.type = "forced"
        return self.show_action(a)

    def show_status(self, body, target, action_id):
        rows = [{k: v for k, v in r.items() if v is not None} for r in reversed(self.action(target, action_id).rows)]
        return {"content": rows, "total": len(rows), "size": len(rows)}

    def cancel(self, body, target, action_id, force):
        self.server.cancel(self.action(target, action_id), bool(force))

    # ---- rollouts ----

    def add_rollout(self, body):
        pattern = re.fullmatch(r"controllerId==([\w*-]+)", body["targetFilterQuery"])[1].replace("*", ".*")
        targets = [t for name, t in sorted(self.server.targets.items()) if re.fullmatch(pattern, name)]
        if not targets or body["errorAction"]["action"] != "PAUSE":
            raise Refused(400, "no targets, or another errorAction than PAUSE")
        rollout = self.server.add_rollout(body["name"], self.server.sets[body["distributionSetId"]], targets,
                                          body["amountGroups"], int(body["successCondition"]["expression"]),
                                          int(body["errorCondition"]["expression"]), body["type"])
        return self.show_rollout(rollout.id)

    def show_rollout(self, rollout_id):
        r = self.server.rollouts[rollout_id]
        return {"id": r.id, "name": r.name, "status": r.status}

    def drive_rollout(self, body, rollout_id, word):
        rollout = self.server.rollouts[int(rollout_id)]
        (self.server.start if word == "start" else self.server.resume)(rollout)

    def show_groups(self, body, rollout_id):
        return {"content": [{"id": g.id, "name": g.name, "status": g.status, "totalTargets": len(g.actions)}
                            for g in self.server.rollouts[int(rollout_id)].groups]}
