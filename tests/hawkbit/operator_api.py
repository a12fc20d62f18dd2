# SPDX-License-Identifier: Apache-2.0
"""An operator at a hawkBit server, through its Management API alone; and what differs with the scripted one."""
import base64
import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request


class ApiError(Exception):
    pass


class Operator:
    """Any hawkBit from 1.0 on. Starting it is somebody else's matter."""

    scripted = False

    def __init__(self, url, tls=None):
        self.url, self.tls = url, tls
        for key, value in (("authentication.targettoken.enabled", True), ("pollingTime", "00:05:00")):
            self.configure(key, value)

    def call(self, method, path, document=None, body=None, content_type="application/json"):
        data = body if body is not None else json.dumps(document).encode() if document is not None else None
        login = base64.b64encode(b"admin:admin").decode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": content_type, "Authorization": f"Basic {login}"},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.tls) as answer:
                content = answer.read()
        except urllib.error.HTTPError as e:
            raise ApiError(f"{method} {path}: {e.code} {e.read()[:300]!r}") from e
        return json.loads(content) if content.strip() else None

    def rest(self, method, path, document=None):
        return self.call(method, "/rest/v1" + path, document)

    def configure(self, key, value):
        self.rest("PUT", f"/system/configs/{key}", {"value": value})

    # ---- devices ----

    def add_target(self, name):
        """Its security token."""
        token = secrets.token_hex(16)
        self.rest("POST", "/targets", [{"controllerId": name, "name": name, "securityToken": token}])
        return token

    def target_status(self, name):
        return self.rest("GET", f"/targets/{name}")["updateStatus"]

    def attributes(self, name):
        return self.rest("GET", f"/targets/{name}/attributes") or {}

    def installed(self, name):
        """Version of the installed set, or None."""
        return (self.rest("GET", f"/targets/{name}/installedDS") or {}).get("version")

    # ---- content ----

    def add_module(self, name, version, seq=None, files=(), kind="os"):
        module = self.rest("POST", "/softwaremodules", [{"name": name, "version": version, "type": kind}])[0]["id"]
        for file, content in files:
            boundary = secrets.token_hex(16)
            body = (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file}"\r\n'
                    "Content-Type: application/octet-stream\r\n\r\n").encode() + content + f"\r\n--{boundary}--\r\n".encode()
            self.call("POST", f"/rest/v1/softwaremodules/{module}/artifacts", body=body,
                      content_type=f"multipart/form-data; boundary={boundary}")
        if seq is not None:
            self.rest("POST", f"/softwaremodules/{module}/metadata", [{"key": "ota.seq", "value": str(seq), "targetVisible": True}])
        return module

    def add_set(self, version, modules, name="thermostat"):
        return self.rest("POST", "/distributionsets", [{"name": name, "version": version, "type": "os",
                                                        "modules": [{"id": m} for m in modules]}])[0]["id"]

    def set_for(self, seq, version):
        return self.add_set(version, [self.add_module("firmware", version, seq)])

    # ---- actions ----

    def assign(self, dist_set, device, kind="forced", **more):
        answer = self.rest("POST", f"/distributionsets/{dist_set}/assignedTargets", [{"id": device, "type": kind, **more}])
        return answer["assignedActions"][-1]["id"]

    def window(self, starts_in_s, lasts="02:00:00"):
        """A daily window, as hawkBit wants it."""
        t = time.gmtime(self.now_s() + starts_in_s)
        return {"schedule": f"{t.tm_sec} {t.tm_min} {t.tm_hour} ? * * *", "duration": lasts, "timezone": "+00:00"}

    def action(self, device, action):
        return self.rest("GET", f"/targets/{device}/actions/{action}")

    def state(self, device, action):
        """What became of it: of detailStatus, in small letters."""
        return self.action(device, action)["detailStatus"].lower()

    def rows(self, device, action):
        """The history, oldest first: [(type, "message message", code or None)]"""
        content = self.rest("GET", f"/targets/{device}/actions/{action}/status?sort=id:ASC&limit=500")["content"]
        content.sort(key=lambda r: r["id"])
        return [(r["type"].lower(), " ".join(r.get("messages") or []), r.get("code")) for r in content]

    def cancel(self, device, action, force=False):
        self.rest("DELETE", f"/targets/{device}/actions/{action}" + ("?force=true" if force else ""))

    # ---- rollouts ----

    def add_rollout(self, name, dist_set, devices, groups, success, error):
        rollout = self.rest("POST", "/rollouts", {
            "name": name, "distributionSetId": dist_set, "targetFilterQuery": f"controllerId=={devices}", "amountGroups": groups,
            "type": "forced", "successCondition": {"condition": "THRESHOLD", "expression": str(success)},
            "successAction": {"action": "NEXTGROUP", "expression": ""},
            "errorCondition": {"condition": "THRESHOLD", "expression": str(error)},
            "errorAction": {"action": "PAUSE", "expression": ""}})["id"]
        self.until(lambda: self.rollout(rollout) == "ready")
        self.rest("POST", f"/rollouts/{rollout}/start")
        self.until(lambda: self.rollout(rollout) == "running")
        return rollout

    def rollout(self, rollout):
        return self.rest("GET", f"/rollouts/{rollout}")["status"].lower()

    def groups(self, rollout):
        return [g["status"].lower() for g in self.rest("GET", f"/rollouts/{rollout}/deploygroups")["content"]]

    def resume(self, rollout):
        self.rest("POST", f"/rollouts/{rollout}/resume")

    # ---- time ----

    @staticmethod
    def until(condition, seconds=60):
        """hawkBit works on rollouts in the background."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise ApiError("the server did not come to it in time")
            time.sleep(0.1)

    @staticmethod
    def now_s():
        return time.time()

    @staticmethod
    def pass_time(seconds):
        time.sleep(seconds)


class ScriptedOperator(Operator):
    """The scripted server speaks the same API, and can be told more."""

    scripted = True
    ahead_s = 0

    def script(self, method, path, document=None):
        return self.call(method, "/script/" + path, document)

    def now_s(self):
        return time.time() + self.ahead_s

    def pass_time(self, seconds):
        self.ahead_s += seconds
        self.script("POST", "clock", {"ahead_s": self.ahead_s})

    def fault(self, path, **what):
        self.script("POST", "faults", {"path": path, **what})

    def requests(self, device=""):
        return [r for r in self.script("GET", "requests") if f"/controller/v1/{device}" in r["path"]]
