# SPDX-License-Identifier: Apache-2.0
"""What an operator of hawkBit does, and what devices make of it. Through the Management API alone: the same code runs against
hawkBit itself (tests/interop/hawkbit) and against the scripted server."""
from device import RESTART, Device, must, until

BIG = 3 << 20
SLOW = {"limits": {"rate_bps": 262144, "low_speed_bps": 1000, "block": 65536}}


class Stage:
    """Server, publisher, and the devices that a scenario brings."""

    def __init__(self, operator, publisher, elsewhere=None):
        self.operator, self.publisher, self.elsewhere = operator, publisher, elsewhere
        self.devices = []

    def device(self, name, registered=True, **more):
        token = self.operator.add_target(name) if registered else None
        self.devices.append(Device(self.publisher, name, self.operator.url, token, **more))
        return self.devices[-1]

    def release(self, more=1000):
        """(distribution set, version)"""
        seq, version = self.publisher.publish(more)
        return self.operator.set_for(seq, version), version

    def end(self):
        for d in self.devices:
            d.kill()

    # ---- what a history must say ----

    def went_well(self, device, action, version):
        rows = self.operator.rows(device.name, action)
        closed = [r for r in rows if r[0] in ("finished", "error")]
        must(self.operator.state(device.name, action) == "finished", f"the action is not finished: {rows}")
        must(len(closed) == 1 and f"healthy and confirmed: {version}" in closed[0][1], f"not closed once, as healthy: {rows}")
        must(self.operator.target_status(device.name) == "in_sync", "the target is not in sync")
        must(self.operator.installed(device.name) == version, "another set counts as installed")

    def failed(self, device, action, why):
        rows = self.operator.rows(device.name, action)
        closed = [r for r in rows if r[0] in ("finished", "error")]
        must(self.operator.state(device.name, action) == "error", f"the action is no failure: {rows}")
        must(len(closed) == 1 and why in closed[0][1], f"not closed once, with {why}: {rows}")
        must(closed[0][2] in (None, self.operator.action(device.name, action)["lastStatusCode"]), "another code")
        must(self.operator.target_status(device.name) == "error", "the target is not in error")


def register(s):
    d = s.device("register")
    d.check()
    must(s.operator.target_status("register") == "registered", "the target is not registered")
    attributes = s.operator.attributes("register")
    must((attributes["product"], attributes["device_group"], attributes["sw_version"]) == ("thermostat", "production", "1.0.0"),
         f"attributes: {attributes}")


def forced(s):
    d = s.device("forced")
    dist_set, version = s.release()
    d.check()
    must(d.status()["components"][0]["running"] == "1.0.0", "what nobody assigned was installed")
    action = s.operator.assign(dist_set, "forced")
    d.check(RESTART)
    rows = s.operator.rows("forced", action)
    must(any("begun" in r[1] for r in rows), f"the start was not told: {rows}")
    must(not any(r[0] in ("finished", "error") for r in rows), f"a result before the restart: {rows}")
    must(d.restart() == version, "the new image does not start")
    must(s.operator.state("forced", action) == "running", "success before the health check")
    d.check()
    s.went_well(d, action, version)
    d.check()
    must(s.operator.attributes("forced")["sw_version"] == version, "the attributes do not follow")


def soft(s):
    d = s.device("soft")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "soft", "soft")
    d.update(version)
    s.went_well(d, action, version)


def download_only(s):
    d = s.device("store")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "store", "downloadonly")
    d.check()
    must(s.operator.state("store", action) == "downloaded", f"not downloaded: {s.operator.rows('store', action)}")
    must(version.encode() in (d.home / "b").read_bytes()[:64], "it is not in the spare slot")
    must(d.restart() == "1.0.0", "it was installed")
    again = s.operator.assign(dist_set, "store", "forced")
    fetched = d.status()["fetched"]
    d.update(version)
    must(d.status()["fetched"] == fetched, "it was fetched a second time")
    s.went_well(d, again, version)


def window(s):
    """Fetched and verified before the window, and installed in it."""
    d = s.device("window")
    dist_set, version = s.release()
    wait_s = 3600 if s.operator.scripted else 30
    action = s.operator.assign(dist_set, "window", maintenanceWindow=s.operator.window(wait_s))
    d.check()
    d.check()
    rows = s.operator.rows("window", action)
    must([r[0] for r in rows].count("downloaded") == 1, f"not told once that it is stored: {rows}")
    must(d.restart() == "1.0.0", "installed outside of the window")
    s.operator.pass_time(wait_s + 1)
    d.update(version)
    s.went_well(d, action, version)


def confirm(s):
    """The confirmation flow: a device that agrees, and one that does not."""
    s.operator.configure("user.confirmation.flow.enabled", True)
    try:
        yes, no = s.device("yes"), s.device("no", hawkbit={"consent": "deny"})
        dist_set, version = s.release()
        agreed, denied = s.operator.assign(dist_set, "yes"), s.operator.assign(dist_set, "no")
        yes.update(version)
        s.went_well(yes, agreed, version)
        for _ in range(3):
            no.check()
        rows = s.operator.rows("no", denied)
        must(sum("does not agree" in r[1] for r in rows) == 1, f"not denied exactly once: {rows}")
        must(s.operator.state("no", denied) == "wait_for_confirmation", "no longer waits")
        must(no.restart() == "1.0.0", "installed all the same")
    finally:
        s.operator.configure("user.confirmation.flow.enabled", False)


def cancel_download(s):
    """In the middle of a download: given up, and the next action is begun from it."""
    d = s.device("cancel", **SLOW)
    dist_set, version = s.release(BIG)
    action = s.operator.assign(dist_set, "cancel")
    d.begin()
    until(lambda: any("begun" in r[1] for r in s.operator.rows("cancel", action)), "no start")
    s.operator.cancel("cancel", action)
    d.end(0)
    must(s.operator.state("cancel", action) == "canceled", f"not cancelled: {s.operator.rows('cancel', action)}")
    must(d.restart() == "1.0.0", "it was installed")
    del d.config["limits"]
    d.configure()
    again = s.operator.assign(dist_set, "cancel")
    d.update(version)
    s.went_well(d, again, version)


def supersede(s):
    """A new assignment while the older one waits stored: one check-in answers the cancellation and takes the new one."""
    d = s.device("supersede")
    first, _ = s.release()
    older = s.operator.assign(first, "supersede", maintenanceWindow=s.operator.window(3600))
    d.check()
    second, version = s.release()
    newer = s.operator.assign(second, "supersede")
    d.update(version)
    must(s.operator.state("supersede", older) == "canceled", f"the older: {s.operator.rows('supersede', older)}")
    s.went_well(d, newer, version)


def sick(s):
    """An image that is not healthy: the older one runs again, and the server hears why."""
    d = s.device("sick")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "sick")
    d.check(RESTART)
    must(d.restart() == version, "the trial does not start")
    d.health(1)
    d.check(RESTART)
    must(s.operator.state("sick", action) == "running", "failure before the old one runs again")
    must(d.restart() == "1.0.0", "not rolled back")
    d.health(0)
    d.check(0, 5)
    s.failed(d, action, "; still runs 1.0.0")
    d.check(0, 5)
    s.failed(d, action, "; still runs 1.0.0")


def unknown_deployment(s):
    """An action for a deployment that nobody signed installs nothing."""
    d = s.device("unsigned")
    s.release()
    wrong = s.operator.set_for(s.publisher.seq + 1000, f"{s.publisher.major}.9.9")
    action = s.operator.assign(wrong, "unsigned")
    d.check(5)
    s.failed(d, action, "REJECT_SEQUENCE (hawkbit.ota.seq)")
    must(d.restart() == "1.0.0", "something was installed")


def rollout(s):
    """Two groups: the second begins when the first did well."""
    first, second = s.device("ring-1"), s.device("ring-2")
    dist_set, version = s.release()
    r = s.operator.add_rollout("good", dist_set, "ring-*", 2, 50, 30)
    second.check()
    must(second.restart() == "1.0.0", "the second group began with the first")
    first.update(version)
    s.operator.until(lambda: s.operator.groups(r)[1] == "running")
    second.update(version)
    s.operator.until(lambda: s.operator.rollout(r) == "finished")


def paused_rollout(s):
    """The first group fails: the rollout pauses itself, the second group keeps what it runs, until somebody resumes."""
    first, second = s.device("pause-1"), s.device("pause-2")
    dist_set, version = s.release()
    r = s.operator.add_rollout("bad", dist_set, "pause-*", 2, 50, 30)
    first.check(RESTART)
    must(first.restart() == version, "the trial does not start")
    first.health(1)
    first.check(RESTART)
    first.restart()
    first.check(0, 5)
    s.operator.until(lambda: s.operator.rollout(r) == "paused")
    second.check()
    must(second.restart() == "1.0.0", "the second group began all the same")
    s.operator.resume(r)
    s.operator.until(lambda: s.operator.groups(r)[1] == "running")
    second.update(version)


ALL = (register, forced, soft, download_only, window, confirm, cancel_download, supersede, sick, unknown_deployment, rollout,
       paused_rollout)
