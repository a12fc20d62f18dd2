# SPDX-License-Identifier: Apache-2.0
"""What a hawkBit server knows, and its rules: which link an action shows, and what each feedback does to it. No I/O.
Source of the rules: hawkBit 1.0 (DataConversionHelper, JpaControllerManagement); its DDI and Management APIs."""
import dataclasses
import hashlib
import re
import secrets
import time

OPEN = ("wait_for_confirmation", "running", "canceling", "scheduled")
ATTRIBUTE = re.compile(r"[a-zA-Z0-9_\-!@#$%^&*()+=\[\]{}|;:'\",.<>/\\?\s]*")
# Limits of hawkBit's default configuration.
ROWS_MAX, MESSAGES_MAX, MESSAGE_MAX, ATTRIBUTES_MAX, ATTRIBUTE_MAX = 1000, 50, 512, 100, 128


class Refused(Exception):
    """Answered with this status."""

    def __init__(self, status, why="", headers=None):
        super().__init__(why)
        self.status, self.why, self.headers = status, why, headers or {}


@dataclasses.dataclass
class Module:
    id: int
    name: str
    version: str
    type: str
    artifacts: dict = dataclasses.field(default_factory=dict)  # file name: bytes
    metadata: list = dataclasses.field(default_factory=list)
    locked: bool = False


@dataclasses.dataclass
class Set:
    id: int
    name: str
    version: str
    modules: list


@dataclasses.dataclass
class Action:
    id: int
    target: "Target"
    set: Set
    type: str = "forced"  # soft | forced | timeforced | downloadonly
    forced_at_s: float = 0
    window: tuple = ()  # begins and ends: s of the server's clock
    status: str = "running"
    rollout_group: "Group" = None
    rows: list = dataclasses.field(default_factory=list)

    @property
    def active(self):
        return self.status in OPEN

    def note(self, kind, messages=(), code=None):
        short = [m[i:i + MESSAGE_MAX] for m in messages for i in range(0, max(len(m), 1), MESSAGE_MAX)]
        self.rows.append({"id": len(self.rows) + 1, "type": kind, "messages": short, "code": code,
                          "reportedAt": int(time.time() * 1000)})

    def modes(self, now_s):
        """(download, update, maintenanceWindow or None)"""
        forced = self.type in ("forced", "downloadonly") or (self.type == "timeforced" and now_s >= self.forced_at_s)
        mode = "forced" if forced else "attempt"
        if self.window:
            is_open = self.window[0] <= now_s < self.window[1]
            return mode, mode if is_open else "skip", "available" if is_open else "unavailable"
        return mode, "skip" if self.type == "downloadonly" else mode, None

    def mark(self, now_s):
        """The "c" of the link: changes with the nature of the action."""
        text = f"{self.id} {self.status} {self.modes(now_s)}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big", signed=True)


@dataclasses.dataclass
class Target:
    id: str
    token: str
    attributes: dict = dataclasses.field(default_factory=dict)
    wants_attributes: bool = True
    status: str = "unknown"  # unknown | registered | pending | in_sync | error
    assigned: Set = None
    installed: Set = None
    installed_by: Action = None
    actions: list = dataclasses.field(default_factory=list)
    polls: int = 0
    auto_confirm: bool = False

    def live(self):
        """The one action that is shown: the oldest that is open, so that a cancellation is answered before the next begins."""
        return next((a for a in self.actions if a.active and a.status != "scheduled"), None)


@dataclasses.dataclass
class Group:
    id: int
    name: str
    actions: list = dataclasses.field(default_factory=list)
    status: str = "ready"


@dataclasses.dataclass
class Rollout:
    id: int
    name: str
    set: Set
    success: int
    error: int
    groups: list = dataclasses.field(default_factory=list)
    status: str = "ready"  # ready | running | paused | finished


class Server:
    """Everything of one tenant."""

    def __init__(self):
        self.tenant = "DEFAULT"
        self.clock_ahead_s = 0
        self.config = {"pollingTime": "00:05:00", "authentication.targettoken.enabled": False,
                       "authentication.gatewaytoken.enabled": False, "authentication.gatewaytoken.key": "",
                       "authentication.header.enabled": False, "authentication.header.authority": "",
                       "user.confirmation.flow.enabled": False, "repository.actions.autoclose.enabled": False}
        self.targets, self.modules, self.sets, self.actions, self.rollouts = {}, {}, {}, {}, {}
        self.rows_max = ROWS_MAX

    def now_s(self):
        return time.time() + self.clock_ahead_s

    # ---- what an operator does ----

    def target(self, controller_id):
        if controller_id not in self.targets:
            raise Refused(404, f"no target {controller_id}")
        return self.targets[controller_id]

    def add_target(self, controller_id, token=None):
        if controller_id in self.targets:
            raise Refused(409, f"target {controller_id} exists")
        if not 1 <= len(controller_id) <= 256:
            raise Refused(400, "controllerId")
        self.targets[controller_id] = Target(controller_id, token or secrets.token_hex(16))
        return self.targets[controller_id]

    def add_module(self, name, version, kind):
        module = Module(len(self.modules) + 1, name, version, kind)
        self.modules[module.id] = module
        return module

    def add_set(self, name, version, modules):
        for other in self.sets.values():
            if (other.name, other.version) == (name, version):
                raise Refused(409, "a set of this name and version exists")
        new = Set(len(self.sets) + 1, name, version, [self.modules[m] for m in modules])
        self.sets[new.id] = new
        return new

    def unlocked(self, module_id):
        module = self.modules[module_id]
        if module.locked:
            raise Refused(423, "the module is locked: it was assigned")
        return module

    def assign(self, target, dist_set, kind="forced", window=(), forced_at_s=0, confirm=True, group=None, scheduled=False):
        """A new action; whatever the target worked on is cancelled by it."""
        action = Action(len(self.actions) + 1, target, dist_set, kind, forced_at_s, window, rollout_group=group)
        self.actions[action.id] = action
        target.actions.append(action)
        for module in dist_set.modules:
            module.locked = True
        if scheduled:
            action.status = "scheduled"
        else:
            self.begin(action, confirm)
        return action

    def begin(self, action, confirm=True):
        target = action.target
        for other in target.actions:
            if other is not action and other.active:
                self.supersede(other)
        asks = self.config["user.confirmation.flow.enabled"] and confirm and not target.auto_confirm
        action.status = "wait_for_confirmation" if asks else "running"
        action.note(action.status)
        target.assigned, target.status = action.set, "pending"

    def supersede(self, action):
        if self.config["repository.actions.autoclose.enabled"]:
            action.status = "canceled"
            action.note("canceled", ["closed by a new assignment"])
        elif action.status == "scheduled":
            action.status = "canceled"
        else:
            action.status = "canceling"
            action.note("canceling", ["superseded by a new assignment"])

    def cancel(self, action, force=False):
        if force and action.status == "canceling":
            self.end_canceled(action, "quit by force")
        elif force or not action.active or action.status == "canceling":
            raise Refused(405, "cannot be cancelled in this state")
        else:
            action.status = "canceling"
            action.note("canceling", ["cancelled by the operator"])

    def end_canceled(self, action, why):
        action.status = "canceled"
        action.note("canceled", [why])
        target = action.target
        if target.live() is None:
            target.assigned = target.installed
            target.status = "in_sync" if target.installed else "registered"

    # ---- what a device sees ----

    def seen(self, controller_id, may_register):
        """Plug and play: a device that shows the gateway's token registers itself."""
        if controller_id not in self.targets:
            if not may_register:
                raise Refused(401, "unknown target")
            self.add_target(controller_id)
        target = self.targets[controller_id]
        if target.status == "unknown":
            target.status = "registered"
        return target

    def lapse(self, target):
        """A window that went by without an installation: the server takes the action back by itself."""
        live = target.live()
        if live and live.window and live.status == "running" and self.now_s() >= live.window[1]:
            self.cancel(live)

    def links(self, target):
        """[(name, path below the target)]"""
        self.lapse(target)
        target.polls += 1
        found = []
        live = target.live()
        if live:
            name, query = {"wait_for_confirmation": ("confirmationBase", True), "canceling": ("cancelAction", False),
                           "running": ("deploymentBase", True)}[live.status]
            found.append((name, f"{name}/{live.id}" + (f"?c={live.mark(self.now_s())}" if query else "")))
        if target.installed_by:
            found.append(("installedBase", f"installedBase/{target.installed_by.id}"))
        if target.wants_attributes:
            found.append(("configData", "configData"))
        return found

    def action_of(self, target, action_id, *states):
        action = next((a for a in target.actions if str(a.id) == action_id), None)
        if not action or (states and action.status not in states):
            raise Refused(404, "no such action in this state")
        return action

    def show_deployment(self, target, action_id):
        """GET of deploymentBase: its side effect is a row of the history for each that follows a feedback."""
        self.lapse(target)
        action = self.action_of(target, action_id, "running")
        if not action.rows or action.rows[-1]["type"] != "retrieved":
            self.room(action)
            action.note("retrieved", ["target retrieved the deployment"])
        return action

    def room(self, action):
        if len(action.rows) >= self.rows_max:
            raise Refused(429, "too many status entries", {})

    # ---- what a device says ----

    def feedback(self, target, action_id, execution, finished, messages, code):
        action = self.action_of(target, action_id)
        if not action.active:
            raise Refused(410, "the action is closed")
        if len(messages) > MESSAGES_MAX:
            raise Refused(429, "too many messages")
        if execution == "closed":
            self.closed(action, finished, messages, code)
            return
        self.room(action)
        kind = {"scheduled": "running", "proceeding": "running", "resumed": "running", "download": "download",
                "downloaded": "downloaded", "rejected": "warning", "canceled": "canceled"}.get(execution)
        if not kind:
            raise Refused(400, f"execution {execution}")
        action.note(kind, messages, code)
        if execution == "downloaded" and action.type == "downloadonly":
            self.finish(action, installed=False)

    def closed(self, action, finished, messages, code):
        if finished == "failure":
            action.note("error", messages, code)
            action.status = "error"
            action.target.status, action.target.assigned = "error", None
            self.weigh(action)
        else:
            action.note("finished", messages, code)
            self.finish(action, installed=True)

    def finish(self, action, installed):
        target = action.target
        action.status = "finished" if installed else "downloaded"
        target.wants_attributes = True
        target.status = "in_sync"
        if installed:
            target.installed, target.installed_by = action.set, action
        self.weigh(action)

    def cancel_feedback(self, target, action_id, execution, finished, messages):
        action = self.action_of(target, action_id)
        if action.status != "canceling":
            raise Refused(405, "is not being cancelled")
        if execution == "closed" and finished != "failure":
            self.end_canceled(action, " ".join(messages))
        elif execution in ("closed", "rejected"):
            action.note("cancel_rejected", messages)
            action.status = "running"
        elif execution == "canceled":
            action.note("warning", ["'canceled' is not supported here", *messages])  # and the action stays as it is
        else:
            action.note("running", messages)

    def confirmation(self, target, action_id, word, messages, code):
        action = self.action_of(target, action_id)
        if not action.active:
            raise Refused(410, "the action is closed")
        if action.status != "wait_for_confirmation":
            raise Refused(404, "does not wait for confirmation")
        if word == "confirmed":
            action.status = "running"
            action.note("running", messages, code)
        elif word == "denied":
            action.note("wait_for_confirmation", messages, code)
        else:
            raise Refused(400, "confirmation")

    def set_attributes(self, target, mode, data):
        if mode not in ("merge", "replace", "remove") or not isinstance(data, dict):
            raise Refused(400, "mode or data")
        for key, value in data.items():
            self.check_attribute(key, value, mode)
        old = target.attributes
        if mode == "remove":
            new = {k: v for k, v in old.items() if k not in data}
        else:
            new = {**(old if mode == "merge" else {}), **data}
        new = {k: v for k, v in new.items() if v is not None}
        if len(new) > ATTRIBUTES_MAX:
            raise Refused(429, "too many attributes")
        target.attributes, target.wants_attributes = new, False

    @staticmethod
    def check_attribute(key, value, mode):
        if value is None and mode != "replace":
            value = ""
        if not isinstance(value, str):
            raise Refused(400, f"the value of {key} is no text")
        for text in (key, value):
            if len(text) > ATTRIBUTE_MAX or not ATTRIBUTE.fullmatch(text):
                raise Refused(400, f"attribute {text!r}")

    def declare(self, target, name, version):
        """PUT installedBase: what a device runs by other means. True: it is news."""
        found = next((s for s in self.sets.values() if (s.name, s.version) == (name, version)), None)
        if not found:
            raise Refused(404, "no such distribution set")
        if target.installed is found:
            return False
        action = Action(len(self.actions) + 1, target, found, status="finished")
        action.note("finished", ["declared by the device"])
        self.actions[action.id] = action
        target.actions.append(action)
        target.installed, target.assigned, target.installed_by, target.status = found, found, action, "in_sync"
        return True

    # ---- rollouts ----

    def add_rollout(self, name, dist_set, targets, groups, success, error, kind):
        rollout = Rollout(len(self.rollouts) + 1, name, dist_set, success, error)
        self.rollouts[rollout.id] = rollout
        share = -(-len(targets) // groups)
        for i in range(groups):
            group = Group(i + 1, f"group-{i + 1}")
            rollout.groups.append(group)
            for target in targets[i * share:(i + 1) * share]:
                group.actions.append(self.assign(target, dist_set, kind, group=(rollout, group), scheduled=True))
        return rollout

    def start_group(self, rollout, group):
        group.status = "running"
        for action in group.actions:
            if action.status == "scheduled":
                self.begin(action)

    def start(self, rollout):
        if rollout.status != "ready":
            raise Refused(400, "was started already")
        rollout.status = "running"
        for group in rollout.groups:
            group.status = "scheduled"
        self.start_group(rollout, rollout.groups[0])

    def resume(self, rollout):
        if rollout.status != "paused":
            raise Refused(400, "is not paused")
        rollout.status = "running"
        self.next_group(rollout)

    def next_group(self, rollout):
        waiting = [g for g in rollout.groups if g.status == "scheduled"]
        if waiting:
            self.start_group(rollout, waiting[0])
        elif all(g.status in ("finished", "error") for g in rollout.groups):
            rollout.status = "finished"

    def weigh(self, action):
        """An action of a rollout ended: the error threshold pauses it, the success threshold begins the next group."""
        if not action.rollout_group:
            return
        rollout, group = action.rollout_group
        share = {s: 100 * sum(a.status == s for a in group.actions) / len(group.actions) for s in ("finished", "error")}
        if share["error"] >= rollout.error:
            group.status = "error"
            if rollout.status == "running":
                rollout.status = "paused"
            return
        if all(not a.active for a in group.actions):
            group.status = "finished"
        if rollout.status == "running" and share["finished"] >= rollout.success:
            self.next_group(rollout)
