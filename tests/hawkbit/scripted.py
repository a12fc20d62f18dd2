# SPDX-License-Identifier: Apache-2.0
"""What only a scripted server can be made to do: answers that are late, lost, refused, or lead elsewhere."""
import hashlib
import json
import urllib.error
import urllib.request

from device import REFUSED, RESTART, RETRY, must, until
from scenarios import BIG, SLOW


def statuses(s, device, path=""):
    return [r["status"] for r in s.operator.requests(device) if path in r["path"]]


def closings(s, device):
    """Feedbacks that ended an action, and that the server saw: [(action, finished)]"""
    found = []
    for r in s.operator.requests(device):
        if "/deploymentBase/" not in r["path"] or not r["path"].endswith("/feedback"):
            continue
        status = json.loads(r["body"])["status"]
        if status["execution"] == "closed":
            found.append((r["path"].split("/")[-2], status["result"]["finished"]))
    return found


# ---- results ----

def kept_across_kills(s):
    """Killed while the server does not take the result, and superseded meanwhile: the stored action hears it, and the next
    one begins."""
    d = s.device("outbox")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "outbox")
    d.check(RESTART)
    d.restart()
    s.operator.fault(r"/outbox/deploymentBase/\d+/feedback", status=503, times=1000)
    for what in ("run", "check", "check"):
        before = len(closings(s, "outbox"))
        d.begin(what)
        until(lambda n=before: len(closings(s, "outbox")) > n, "the result is not sent")
        d.kill()
    second, newer_version = s.release()
    newer = s.operator.assign(second, "outbox")
    s.operator.script("DELETE", "faults")
    d.check(RESTART)
    must(set(closings(s, "outbox")) == {(str(action), "success")}, f"another result: {closings(s, 'outbox')}")
    rows = s.operator.rows("outbox", action)
    must(s.operator.state("outbox", action) == "finished" and version in rows[-1][1], f"the stored action: {rows}")
    must(d.restart() == newer_version, "the next action was not begun")
    d.check()
    s.went_well(d, newer, newer_version)
    count = len(closings(s, "outbox"))
    d.check()
    must(len(closings(s, "outbox")) == count, "told again though it was acknowledged")


def told(s, device, action):
    """[status] of the answers to the result of this action."""
    return [r["status"] for r in s.operator.requests(device) if r["method"] == "POST" and f"/deploymentBase/{action}/feedback" in r["path"]
            and json.loads(r["body"])["status"]["execution"] == "closed"]


def lost_acknowledgement(s):
    """The server heard the result, the device not that it did: after a start the history says so, and nothing is sent twice."""
    d = s.device("ack")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "ack")
    d.check(RESTART)
    d.restart()
    s.operator.fault(r"/ack/deploymentBase/\d+/feedback", method="POST", drop=True)
    d.check(0, RETRY)
    must(s.operator.state("ack", action) == "finished", "the server did not hear it")
    d.check()
    s.went_well(d, action, version)
    must(told(s, "ack", action) == ["dropped"], f"the result was sent again: {told(s, 'ack', action)}")
    must(statuses(s, "ack", f"/installedBase/{action}?actionHistory=8") == [200], "the history was not asked for, or more than once")
    d.check()
    must(len(statuses(s, "ack", "/installedBase/")) == 1, "asked again about what is settled")


def as_another(s, d, action, finished):
    """What another device with the same name and token says of this action."""
    body = json.dumps({"id": str(action), "status": {"execution": "closed", "result": {"finished": finished}, "details": ["another"]}})
    url = f"{s.operator.url}/DEFAULT/controller/v1/{d.name}/deploymentBase/{action}/feedback"
    request = urllib.request.Request(url, body.encode(), {"Authorization": f"TargetToken {d.token}"}, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        must(answer.status == 200, "the other device is not heard")


def lost_failure(s):
    """The same for a failure; and where the history contradicts the device, the server hears no contradiction."""
    for name, other in (("ack-error", False), ("ack-other", True)):
        d = s.device(name)
        dist_set, version = s.release()
        action = s.operator.assign(dist_set, name)
        d.check(RESTART)
        must(d.restart() == version, "the trial does not start")
        d.health(1)
        d.check(RESTART)
        must(d.restart() == "1.0.0", "not rolled back")
        d.health(0)
        s.operator.fault(rf"/{name}/deploymentBase/\d+/feedback", method="POST", **({"status": 503, "times": 1000} if other else {"drop": True}))
        d.check(0, RETRY, REFUSED)
        must(set(told(s, name, action)) == {503 if other else "dropped"}, f"{name}: not sent: {told(s, name, action)}")
        s.operator.script("DELETE", "faults")
        if other:
            as_another(s, d, action, "success")
        sent = told(s, name, action)
        said = d.check(0, REFUSED)
        must(statuses(s, name, "/installedBase/") == [200], f"{name}: the history was not asked for once")
        must(f"the server has the action as {1 if other else 2}, with " in said, f"{name}: no event: {said}")
        must(told(s, name, action) == sent, f"{name}: sent again: {told(s, name, action)}")
        if other:
            must(s.operator.state(name, action) == "finished", "the server's word was changed")
        else:
            s.failed(d, action, "; still runs 1.0.0")


def no_history(s):
    """Whatever comes in place of a history, the result is told, and an action that was begun goes on."""
    answers = ({"status": 500}, {"status": 429}, {"status": 404}, {"status": 200, "body": "<html>"},
               {"status": 200, "body": '{"id":"0","actionHistory":{"status":"FINISHED"}}'},
               {"status": 200, "body": '{"actionHistory":[]}'})
    d = s.device("deaf")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "deaf")
    d.check(RESTART)
    d.restart()
    s.operator.fault(r"/deaf/deploymentBase/\d+/feedback", method="POST", status=503, times=1000)
    d.check(0, RETRY)
    for answer in answers:
        before = len(told(s, "deaf", action))
        s.operator.fault(r"/deaf/installedBase/", method="GET", **answer)
        d.check(0, RETRY)
        must(len(told(s, "deaf", action)) > before, f"not told after {answer}")
        must(statuses(s, "deaf", "/installedBase/")[-1] == answer["status"], f"asked another time: {answer}")
    s.operator.script("DELETE", "faults")
    d.check()
    s.went_well(d, action, version)


def history_of_an_open_action(s):
    """A new start looks at it again, with the history; one that ended meanwhile is dropped."""
    d = s.device("look")
    dist_set, _ = s.release()
    action = s.operator.assign(dist_set, "look", maintenanceWindow=s.operator.window(3600))
    d.check()
    d.check()
    looks = [r for r in s.operator.requests("look") if r["method"] == "GET" and f"/deploymentBase/{action}" in r["path"]]
    must(len(looks) == 2 and all(r["path"].endswith("&actionHistory=8") for r in looks), f"looks: {looks}")
    begun = [r for r in s.operator.rows("look", action) if "begun" in r[1]]
    must(len(begun) == 1, f"begun {len(begun)} times")
    s.operator.fault(rf"/look/deploymentBase/{action}", method="GET", status=429)
    d.check()
    messages = ["m" * 512] * 3000
    s.operator.fault(rf"/look/deploymentBase/{action}", method="GET", status=200, body=json.dumps(
        {"id": str(action), "deployment": {"download": "forced", "update": "forced", "chunks": []},
         "actionHistory": {"messages": messages, "status": "ERROR"}}))
    d.check()
    must(d.restart() == "1.0.0", "installed for an action that has ended")
    must(not told(s, "look", action), f"told: {told(s, 'look', action)}")


def killed_download(s):
    """Killed in the middle of a download: it goes on, for the same action, and begins only once for the server."""
    d = s.device("killed", **SLOW)
    dist_set, version = s.release(BIG)
    action = s.operator.assign(dist_set, "killed")
    d.begin()
    until(lambda: any((d.home / "b").read_bytes()[65536:65540]), "nothing arrives")
    d.kill()
    del d.config["limits"]["rate_bps"]
    d.configure()
    d.update(version)
    s.went_well(d, action, version)
    begun = [r for r in s.operator.rows("killed", action) if "begun" in r[1]]
    must(len(begun) == 1, f"begun {len(begun)} times")


def late_cancel(s):
    """Cancelled when it is installed and the server has lost that: refused, and told again."""
    d = s.device("late")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "late")
    d.check(RESTART)
    d.restart()
    s.operator.fault(r"/late/deploymentBase/\d+/feedback", method="POST", status=200)
    d.check()
    must(s.operator.state("late", action) == "running", "the script took the result")
    s.operator.cancel("late", action)
    d.check()
    s.went_well(d, action, version)
    rows = s.operator.rows("late", action)
    must(any(r[0] == "cancel_rejected" for r in rows), f"the cancellation was not refused: {rows}")
    answers = [json.loads(r["body"])["status"]["execution"] for r in s.operator.requests("late")
               if r["method"] == "POST" and "/cancelAction/" in r["path"]]
    must(answers == ["rejected"], f"answers to the cancellation: {answers}")


def closed_silently(s):
    """repository.actions.autoclose: no word of the cancellation, just another action, or none."""
    s.operator.configure("repository.actions.autoclose.enabled", True)
    try:
        d = s.device("autoclose")
        first, _ = s.release()
        s.operator.assign(first, "autoclose", maintenanceWindow=s.operator.window(3600))
        d.check()
        second, version = s.release()
        action = s.operator.assign(second, "autoclose")
        d.update(version)
        s.went_well(d, action, version)
    finally:
        s.operator.configure("repository.actions.autoclose.enabled", False)


def gone(s):
    """410 to feedback: the action is forgotten, nothing is installed for it, however often it is shown again."""
    d = s.device("gone")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "gone")
    s.operator.fault(r"/gone/deploymentBase/\d+/feedback", method="POST", status=410, times=1000)
    d.check()
    must(2 <= statuses(s, "gone", "/feedback").count(410) <= 6, "not asked again, or without end")
    must(d.restart() == "1.0.0", "installed for an action that is gone")
    s.operator.script("DELETE", "faults")
    d.update(version)
    s.went_well(d, action, version)


def quota(s):
    """Over the quota of status rows everything is answered 429 but the result."""
    d = s.device("quota")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "quota")
    s.operator.script("POST", "rows", {"max": 2})
    try:
        d.update(version)
    finally:
        s.operator.script("POST", "rows", {"max": 1000})
    must(429 in statuses(s, "quota", "/feedback"), "the quota was not met")
    s.went_well(d, action, version)


# ---- manners ----

def waits(s, d, at_least, at_most):
    """A running agent's seconds until its next check-in."""
    d.begin("run")
    said = {}

    def known():
        said.update(d.status())
        return said["agent_running"] and said["next_check_s"] >= at_least
    until(known, f"the next check-in is not {at_least} s away: {said}")
    must(said["next_check_s"] <= at_most, f"the next check-in is {said['next_check_s']} s away")
    d.stop()
    return said


def intervals(s):
    """The interval in both forms, within the device's bounds."""
    cases = (("PT24H5M3.1S", {}, 40000, 86400 * 2), ("00:20:00", {}, 600, 2400), ("P2D", {"poll_max_s": 3600}, 1800, 7200),
             ("00:00:01", {"poll_min_s": 900}, 450, 1800))
    for i, (text, bounds, low, high) in enumerate(cases):
        s.operator.configure("pollingTime", text)
        waits(s, s.device(f"interval-{i}", hawkbit=bounds), low, high)
    s.operator.configure("pollingTime", "99:99:99")
    said = s.device("interval-bad").check(RETRY)
    must("hawkbit.sleep" in said, f"a bad interval is not named: {said}")
    s.operator.configure("pollingTime", "00:05:00")


def running(s, d, hold):
    """Its status once this hold is among what an agent that runs names."""
    d.begin("run")
    said = {}

    def named():
        said.update(d.status())
        return hold in said["holds"]
    until(named, f"{hold} is not named: {said}")
    d.stop()
    return said


def holds(s):
    """What the server holds back stands in the status by name, and afterwards in the report."""
    d = s.device("hold", hawkbit={"consent": "wait"}, report_url=s.operator.url + "/reports/")
    dist_set, version = s.release()
    s.operator.configure("user.confirmation.flow.enabled", True)
    action = s.operator.assign(dist_set, "hold", maintenanceWindow=s.operator.window(3600))
    s.operator.configure("user.confirmation.flow.enabled", False)
    said = running(s, d, "hawkbit-consent")
    must(not said["components"][0].get("wanted"), f"begun without leave: {said}")
    d.config["hawkbit"]["consent"] = "confirm"
    d.configure()
    d.check()  # until it is stored
    running(s, d, "hawkbit-window")
    must(d.restart() == "1.0.0", "installed outside of the window")
    s.operator.pass_time(3601)
    d.update(version)
    s.went_well(d, action, version)
    reports = [json.loads(r["body"]) for r in s.operator.script("GET", "reports") if "/hold/" in r["path"]]
    must(reports and "hawkbit-window" in reports[-1]["holds"], f"not in the report: {reports}")


def put_off(s):
    """Whoever uses the device may put a soft action off; the same action, forced, ends that."""
    d = s.device("put-off")
    dist_set, version = s.release()
    s.operator.configure("pollingTime", "00:00:01")
    try:
        d.begin("run")
        until(lambda: s.operator.target_status("put-off") == "registered", "no check-in")
        d.defer(600)
        action = s.operator.assign(dist_set, "put-off", "soft")
        until(lambda: "deferred" in d.status()["holds"] and d.status()["components"][0].get("done"), "not fetched and put off")
        s.operator.rest("PUT", f"/targets/put-off/actions/{action}", {"forceType": "forced"})
        until(lambda: d.running.poll() is not None, "the agent that runs does not see that the action is forced now", 40)
        d.end(RESTART)
        must(d.restart() == version, "not installed")
        d.check()
        s.went_well(d, action, version)
    finally:
        s.operator.configure("pollingTime", "00:05:00")


def quiet_polls(s):
    """An answer that is the same is not sent again, and what is new is seen all the same."""
    d = s.device("quiet")
    s.operator.configure("pollingTime", "00:00:01")
    try:
        d.begin("run")
        until(lambda: statuses(s, "quiet").count(304) >= 3, "no conditional polls")
        dist_set, version = s.release()
        action = s.operator.assign(dist_set, "quiet")
        d.end(RESTART)
        must(d.restart() == version, "not installed")
        d.check()
        s.went_well(d, action, version)
    finally:
        s.operator.configure("pollingTime", "00:05:00")


def retry_after(s):
    """429 with Retry-After: not before that, and the status says why nothing happens."""
    d = s.device("busy")
    s.operator.fault("/busy$", status=429, headers={"Retry-After": "700"}, times=3)
    said = waits(s, d, 650, 700 * 3)
    must("backoff" in said["holds"], f"holds: {said['holds']}")
    must(len(s.operator.requests("busy")) == 1, "asked again before its time")


def token_stays(s):
    """A redirect to another origin arrives there without the token."""
    d = s.device("redirect")
    s.operator.fault("/redirect$", status=307, headers={"Location": s.elsewhere + "/DEFAULT/controller/v1/redirect"})
    d.check(0, RETRY)
    heard = [r for r in s.operator.script("GET", "elsewhere") if r["path"].endswith("/redirect")]
    must(len(heard) == 1, f"the redirect was not followed: {heard}")
    must("Authorization" not in heard[0]["headers"] and d.token not in json.dumps(heard), f"the token left its origin: {heard}")
    at_home = s.operator.requests("redirect")
    must(at_home[0]["headers"].get("Authorization") == f"TargetToken {d.token}", "the server itself did not get it")


# ---- credentials ----

def wrong_token(s):
    d = s.device("wrong")
    d.secret("token", "nobody's")
    must("hawkbit" in d.check(RETRY), "not named")
    must(set(statuses(s, "wrong")) == {401}, "not refused")


def gateway_token(s):
    """The tenant's token registers a device that nobody added."""
    s.operator.configure("authentication.gatewaytoken.enabled", True)
    s.operator.configure("authentication.gatewaytoken.key", "gw-0123456789")
    d = s.device("gateway", registered=False)
    d.secret("gateway", "gw-0123456789")
    d.config["hawkbit"]["gateway_token_file"] = str(d.home / "gateway")
    d.configure()
    d.check()
    must(s.operator.target_status("gateway") == "registered", "not registered")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "gateway")
    d.update(version)
    s.went_well(d, action, version)
    d.secret("gateway", "gw-another")
    d.check(RETRY)
    s.operator.configure("authentication.gatewaytoken.enabled", False)


# ---- attributes ----

def attributes(s):
    """Merged beside what others set, or in place of all; characters that hawkBit refuses do not cost the others."""
    d = s.device("attr", hawkbit={"attributes": [{"key": "hw_rev", "value": "C"}]}, product="thermostat")
    d.check()
    sent = [json.loads(r["body"]) for r in s.operator.requests("attr") if r["path"].endswith("/configData")]
    must(len(sent) == 1 and sent[0]["mode"] == "merge", f"sent: {sent}")
    must(s.operator.attributes("attr")["hw_rev"] == "C", "its own attribute is missing")
    d.check()
    d.config["hawkbit"].update(attributes=[{"key": "site", "value": "roof"}], replace_attributes=True)
    d.configure()
    d.check()
    have = s.operator.attributes("attr")
    must("hw_rev" not in have and have["site"] == "roof", f"not replaced: {have}")
    s.operator.fault("/attr/configData", status=400)
    d.config["hawkbit"]["attributes"] = [{"key": "site", "value": "cellar"}]
    d.configure()
    d.check()
    d.check()
    count = len([r for r in s.operator.requests("attr") if r["path"].endswith("/configData")])
    must(count == 3, f"refused attributes were sent {count - 2} times")


def declared(s):
    """What runs by other means is declared to be the set of its version, once; a version without a set costs nothing."""
    old = s.operator.add_set("1.0.0", [s.operator.add_module("factory", "1.0.0", 1)])
    d = s.device("declared", hawkbit={"installed_set": "thermostat"})
    d.check()
    d.check()
    must(s.operator.installed("declared") == "1.0.0" and old, "not declared")
    must(statuses(s, "declared", "/installedBase") == [201], f"declared: {statuses(s, 'declared', '/installedBase')}")
    other = s.device("nameless", hawkbit={"installed_set": "nobody's"})
    other.check()
    other.check()
    must(statuses(s, "nameless", "/installedBase") == [404], "not settled")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "declared")
    d.update(version)
    s.went_well(d, action, version)


# ---- the server's own artefacts ----

def artefacts(s):
    """Ranges, If-Range and tags of what the server carries, and who may have it."""
    content = bytes(range(256)) * 40
    module = s.operator.add_module("blob", "1", 1, [("a.bin", content)])
    token = s.operator.add_target("blob")
    action = s.operator.assign(s.operator.add_set("1", [module], "blob"), "blob")

    def get(file="a.bin", **headers):
        request = urllib.request.Request(f"{s.operator.url}/DEFAULT/controller/v1/blob/softwaremodules/{module}/artifacts/{file}",
                                         headers={"Authorization": f"TargetToken {token}", **headers})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as e:
            return e.code, e.read(), e.headers
    tag = f'"{hashlib.sha1(content).hexdigest()}"'
    must(get()[:2] == (200, content) and get()[2]["ETag"] == tag, "the whole file")
    for asked, status, wanted in (("bytes=100-199", 206, content[100:200]), ("bytes=10000-", 206, content[10000:]),
                                  ("bytes=99999-", 416, b""), ("bytes=x", 200, content)):
        must(get(Range=asked)[:2] == (status, wanted), f"Range: {asked}")
    for if_range, status in ((tag, 206), ('"other"', 200)):
        must(get(Range="bytes=5-", **{"If-Range": if_range})[0] == status, f"If-Range: {if_range}")
    must(get(**{"If-Match": '"other"'})[0] == 412, "If-Match")
    must(get("a.bin.MD5SUM")[1] == f"{hashlib.md5(content).hexdigest()}  a.bin".encode(), "MD5SUM")
    must(get(Authorization="TargetToken x")[0] == 401 and get("b.bin")[0] == 404, "refusals")
    s.operator.cancel("blob", action)
    s.operator.cancel("blob", action, force=True)
    must(get()[0] == 404, "still there though the action is closed")


ALL = (kept_across_kills, lost_acknowledgement, lost_failure, no_history, history_of_an_open_action, killed_download, late_cancel, closed_silently, gone, quota, intervals, holds,
       put_off, quiet_polls, retry_after,
       token_stays, wrong_token, gateway_token, attributes, declared, artefacts)
