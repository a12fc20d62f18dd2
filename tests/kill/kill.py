#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real agent and boot supervisor under kills at chosen moments, on a disk that loses what was not synced.

A history is one device under one seed: releases come one after the other (good ones, one that is sick, one that crashes at
once), and at random operations on files, or at random requests, everything dies at the same moment, or one process alone.
What the disk then holds is worked out by disk.py. Checked after every cut:

  the slots that will start hold exactly one released image; what was confirmed and told is not lost; only a slot that neither
  runs nor is confirmed was written; trusted metadata is byte for byte what was published, and never older or gone

and when nothing is left to do: the device runs what the server wants (or, after a bad release, what it ran before); every
outcome was reported under one number, none was invented; a bad image had at most its tries; no file was left behind.

  kill.py --agent A --supervisor S --image I --preload L --repo R --kills N [--seed S] [--lie all|files|names|PATH-END]
  kill.py ... --seed S --histories 1     repeats one history: the kills fall on the same operations again
"""
import argparse
import ctypes
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "badnet"))
from server import ANY, Server  # noqa: E402 (the path is set above)
from disk import WRITE, Disk, read_log  # noqa: E402

PAD = 40000
TRIES = 12
KILLS_MAX = 10                   # in one release: less than TRIES, so that a good image never runs out of them
BOOTS_MAX = 24
LIFE_SECONDS = 120
RELEASES = (("1.0.0", "w"), ("2.0.0", "w"), ("3.0.0", "s"), ("4.0.0", "w"), ("5.0.0", "c"), ("6.0.0", "w"))
CONFIRMED_AT, RUNNING_AT, TRIAL_AT = 16, 20, 24
PR_SET_CHILD_SUBREAPER = 36


class Violation(Exception):
    """An invariant does not hold."""


def expect(condition, what):
    if not condition:
        raise Violation(what)


def boot_record(raw):
    """The newer valid copy: SPEC.md section 5."""
    copies = [raw[at:at + 32] for at in (0, 4096)]
    valid = [c for c in copies if c[:5] == b"OTAB\x01" and zlib.crc32(c[:28]) == int.from_bytes(c[28:32], "little")]
    expect(valid, "no copy of the boot record is valid")
    return max(valid, key=lambda c: int.from_bytes(c[8:16], "little"))


class World:
    """Published once: the images, and the web server's directory after each release."""

    def __init__(self, args, path):
        self.args, self.path = args, path
        base = Path(args.image).read_bytes()
        mark = b"kill-test-image:w"
        assert base.count(mark) == 1
        self.images = {v: base.replace(mark, mark[:-1] + how.encode()) + random.Random(v).randbytes(PAD) for v, how in RELEASES}
        self.slot_bytes = (len(base) + PAD + 4095) // 4096 * 4096
        self.metadata = set()
        self.webs = [self.publish(v) for v, _ in RELEASES]

    def repo(self, *args):
        subprocess.run([self.args.repo, "--dir", str(self.path / "site"), *args], check=True, stdout=subprocess.DEVNULL)

    def publish(self, version):
        if version == RELEASES[0][0]:
            self.repo("init")
            self.repo("product", "add", "thermostat", "--component", "app")
        (self.path / version).write_bytes(self.images[version])
        self.repo("image", "add", str(self.path / version), "--product", "thermostat", "--component", "app", "--version", version, "--no-deflate")
        self.repo("deploy", "--product", "thermostat", "--group", "production", "--os-feed", "none", "--image", f"app={version}")
        web = self.path / f"web-{version}"
        shutil.copytree(self.path / "site" / "web", web)
        self.metadata |= {p.read_bytes() for p in (web / "p/thermostat/metadata").iterdir()}
        return str(web)

    def version_in(self, slot):
        """Which released image a slot holds, to the byte; None for anything else."""
        for version, image in self.images.items():
            if slot[:len(image)] == image:
                return version
        return None


class History:
    def __init__(self, world, seed):
        self.world, self.seed = world, seed
        self.rng = random.Random(seed)
        self.kills = self.lives = self.updates = 0
        self.base = world.path / f"history-{seed}"
        self.dir = self.base / "device"
        self.dir.mkdir(parents=True)
        (self.base / "log").touch()
        (self.base / "said").touch()
        self.committed = RELEASES[0][0]
        self.versions = {}                     # metadata file: highest version that was durable
        self.group, self.kill_request = 0, None
        self.server = Server(world.webs[0], ANY, self.answer)
        self.make_device()
        self.disk = Disk(self.dir)

    def make_device(self):
        """A factory fills slot a; the supervisor makes the boot record at its first start, before any power is cut."""
        (self.dir / "a").write_bytes(self.world.images["1.0.0"].ljust(self.world.slot_bytes, b"\0"))
        (self.dir / "b").write_bytes(bytes(self.world.slot_bytes))
        shutil.copy(self.world.webs[0] + "/p/thermostat/metadata/1.root.json", self.base / "root.json")
        config = {
            "product": "thermostat", "group": "production", "device_id": "d-1", "state_dir": f"{self.dir}/state",
            "runtime_dir": f"{self.base}/run", "report_url": self.server.url + "/reports/", "tries": TRIES, "plain_http": True,
            "components": [{"name": "app", "slots": [{"file": f"{self.dir}/a"}, {"file": f"{self.dir}/b"}], "factory_version": "1.0.0"}],
            "repositories": [{"name": "product", "metadata_url": self.server.url + "/p/thermostat/metadata/",
                              "targets_url": self.server.url + "/p/thermostat/targets/", "prefixes": ["app/", "group/"],
                              "root": f"{self.base}/root.json"}],
            "boot": {"type": "file", "path": f"{self.dir}/boot"}, "health": {"command": ["/bin/sh", "-c", '[ "$KILL_IMAGE" = w ]']},
            "limits": {"block": 8192}}
        (self.base / "agent.json").write_text(json.dumps(config))
        record = bytearray(b"OTAB\x01" + bytes(3) + (1).to_bytes(8, "little") + b"\0\xff\xff\xff" * 2 + b"\xff" * 4)
        (self.dir / "boot").write_bytes((record + zlib.crc32(record).to_bytes(4, "little")).ljust(8192, b"\0"))

    # ---- one life: from a start to the power cut, or to the moment when nothing is left to do

    def answer(self, req, answer, server):
        """A good server; but at one request everything dies, before or after the answer."""
        due, after = self.kill_request or (0, False)
        self.kill_request = (due - 1, after) if due else None
        if due == 1 and not after:
            os.killpg(self.group, signal.SIGKILL)
        yield answer.head() + answer.body
        if due == 1 and after:
            os.killpg(self.group, signal.SIGKILL)

    def spawn(self, kill):
        kill_at = kill[1] if kill and kill[0] != "request" else 0
        for name, content in (("log", b""), ("log.count", bytes(8))):
            (self.base / name).write_bytes(content)
        args, w = self.world.args, self.world
        env = {"PATH": os.environ["PATH"], "LD_PRELOAD": args.preload, "UNSYNCED_DIR": str(self.dir), "UNSYNCED_LOG": str(self.base / "log"),
               "UNSYNCED_KILL": str(kill_at), "KILL_AGENT": args.agent, "KILL_CONFIG": str(self.base / "agent.json"),
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        if kill and kill[0] == "one":
            env["UNSYNCED_ONE"] = "1"
        if args.lie:
            env["UNSYNCED_LIE"] = args.lie
        with open(self.base / "said", "ab") as said:
            return subprocess.Popen([w.args.supervisor, "--max-boots", str(BOOTS_MAX), f"{self.dir}/boot", f"{self.dir}/a", f"{self.dir}/b"],
                                    env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)

    def wait(self, process):
        """Until every process of the group is gone; the supervisor's status."""
        status, until = None, time.monotonic() + LIFE_SECONDS
        while True:
            try:
                pid, got = os.waitpid(-process.pid, os.WNOHANG)
            except ChildProcessError:
                process.returncode = 0
                return status
            if pid == process.pid:
                status = os.waitstatus_to_exitcode(got)
            if pid == 0:
                if time.monotonic() > until:
                    os.killpg(process.pid, signal.SIGKILL)
                    raise Violation("a life does not end")
                time.sleep(0.002)

    def live(self, kill):
        """kill: ("op", n), ("one", n), ("request", (n, after)) or None. True when that was the end of it: a process that died
        alone is started again, and the life comes to rest."""
        self.lives += 1
        self.kill_request = None
        before = (self.dir / "boot").read_bytes()
        process = self.spawn(kill)
        self.group = process.pid
        self.kill_request = kill[1] if kill and kill[0] == "request" else None
        status = self.wait(process)
        self.kill_request = None
        killed = status == -signal.SIGKILL
        expect(killed or status == 0, f"the supervisor left with {status}")
        if not killed:  # before the cut: one may bring a name back whose removal was not synced, until the next start
            left = [p.name for p in (self.dir / "state").iterdir() if p.name.startswith(".") and p.name != ".lock"]
            expect(not left, f"left behind: {left}")
        ops = read_log(self.base / "log")
        self.check_writes(before, ops)
        self.kills += killed or (kill is not None and kill[0] == "one" and len(ops) >= kill[1])
        self.disk.cut(ops, killed and kill[0] != "request", self.rng)
        self.check_state()
        return killed

    # ---- invariants

    def check_writes(self, before, ops):
        """Into a slot that runs, or that would run after a fall back, nothing is ever written."""
        record = bytearray(before)
        for op in ops:
            if op.kind != WRITE:
                continue
            name = os.path.basename(op.a)
            if op.a == f"{self.dir}/boot":
                record[op.off:op.off + len(op.data)] = op.data
            elif op.a in (f"{self.dir}/a", f"{self.dir}/b"):
                now = boot_record(record)
                expect("ab"[now[RUNNING_AT]] != name and "ab"[now[CONFIRMED_AT]] != name, f"slot {name} was written while in use")

    def version_of(self, slot):
        version = self.world.version_in((self.dir / "ab"[slot]).read_bytes())
        expect(version, f"slot {'ab'[slot]} would start and holds no released image")
        return version

    def check_state(self):
        now = boot_record((self.dir / "boot").read_bytes())
        confirmed = self.version_of(now[CONFIRMED_AT])
        if now[5] in (1, 2) and now[6] > 0:
            self.version_of(now[TRIAL_AT])
        for report in self.reports().values():
            if report["outcome"] == "confirmed":
                self.committed = max(self.committed, report["version"])
        expect(confirmed >= self.committed, f"{self.committed} was told as confirmed, and {confirmed} is")
        self.check_metadata()

    def check_metadata(self):
        for name, version in self.versions.items():
            expect((self.dir / "state" / name).exists(), f"{name} is gone")
        for path in (self.dir / "state").glob("product.*.json"):
            raw = path.read_bytes()
            expect(raw in self.world.metadata, f"{path.name} is not what was published: {raw[:40]!r}")
            version = json.loads(raw)["signed"]["version"]
            expect(version >= self.versions.get(path.name, 0), f"{path.name} is older than before")
            self.versions[path.name] = version

    def reports(self):
        """By number; one number tells one thing."""
        told = {}
        for path, body in list(self.server.reports):
            report = json.loads(body)
            expect(path == f"/reports/d-1/{report.get('boot', 0)}-{report['id']}.json", f"report {report['id']} at {path}")
            expect(told.setdefault(report["id"], report) == report, f"report {report['id']} tells two things: {told[report['id']]} and {report}")
        return told

    def check_end(self, version, how):
        now = boot_record((self.dir / "boot").read_bytes())
        good = how == "w"
        runs = self.version_of(now[CONFIRMED_AT])
        expect(now[5] == 0 and now[RUNNING_AT] == now[CONFIRMED_AT], "a trial was left")
        expect((runs == version) == good, f"{runs} runs, the server wants {version} ({how})")
        told = [(r["id"], r["outcome"]) for r in self.reports().values() if r["version"] == version and r["outcome"] != "refused"]
        expect([o for _, o in told] == ["confirmed" if good else "rolled_back"], f"{version}: reports {told}")
        refused = [r for r in self.reports().values() if r["outcome"] == "refused"]
        expect(not refused, f"invented: {refused}")
        expect({p.name for p in self.dir.iterdir()} == {"a", "b", "boot", "state"}, "the device holds other files")

    # ---- the whole

    def kill_plan(self):
        if self.rng.random() < 0.2:
            return "request", (self.rng.randrange(1, 13), self.rng.random() < 0.5)
        return self.rng.choice(("op", "op", "op", "one")), 1 + int(self.rng.expovariate(1 / 30))

    def release(self, web, version, how):
        """Publish, cut some times, let it come to rest; then cut once more and see that nothing is left to do."""
        self.server.web = web
        said = (self.base / "said").stat().st_size
        for _ in range(self.rng.randrange(1, KILLS_MAX + 1)):
            if not self.live(self.kill_plan()):
                break
        else:
            expect(not self.live(None), "killed by somebody else")
        expect(not self.live(None), "killed by somebody else")
        self.check_end(version, how)
        starts = (self.base / "said").read_bytes()[said:].count(b", on trial")
        expect(how == "w" or starts <= TRIES, f"{version} was started {starts} times")
        self.updates += 1

    def run(self):
        try:
            for web, (version, how) in list(zip(self.world.webs, RELEASES))[1:]:
                self.release(web, version, how)
        except Violation as violation:
            return str(violation)
        finally:
            self.server.stop()
            if not self.world.args.keep:
                shutil.rmtree(self.base)
        return None


def run_histories(world):
    """History after history until there were enough kills. (kills, lives, updates, violations)"""
    args, found, sums = world.args, [], [0, 0, 0, 0]

    def one(seed):
        if args.kills and sums[0] >= args.kills or (args.lie and found):
            return
        history = History(world, seed)
        wrong = history.run()
        sums[:] = [a + b for a, b in zip(sums, (history.kills, history.lives, history.updates, 1))]
        if wrong:
            found.append(wrong)
            print(f"VIOLATION: {wrong}; again with --seed {seed} --histories 1" + (f" --lie {args.lie}" if args.lie else ""), flush=True)

    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(one, range(args.seed, args.seed + (args.histories or 100000))))
    return sums, found


def main():
    parser = argparse.ArgumentParser()
    for name in ("agent", "supervisor", "image", "preload", "repo"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--kills", type=int, default=0, help="how many at least; KILL_COUNT in the environment asks for more")
    parser.add_argument("--histories", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=6)
    parser.add_argument("--lie", help="the disk lies about syncs of all, files, names, or one file: a violation must come of it")
    parser.add_argument("--keep", action="store_true", help="keep the devices' directories")
    args = parser.parse_args()
    assert args.kills or args.histories
    args.kills = args.kills and max(args.kills, int(os.environ.get("KILL_COUNT", 0)))
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    path = tempfile.mkdtemp(prefix="ota-kill-")
    try:
        (kills, lives, updates, histories), found = run_histories(World(args, Path(path)))
    finally:
        if not args.keep:
            shutil.rmtree(path, ignore_errors=True)
    print(f"kill: {kills} kills, {lives} lives, {updates} updates, {histories} histories, {len(found)} violations")
    good = bool(found) if args.lie else not found
    print(f"{histories - len(found) if not args.lie else int(good)} passed, {len(found) if not args.lie else int(not good)} failed")
    sys.exit(0 if good and kills else 1)


if __name__ == "__main__":
    main()
