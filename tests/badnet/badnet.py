#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the agent through every row of rows.py, through random pairs of them (--pairs N --seed S), or (--planted) show that
spoilt clients do not get through.

Each row: a device in its state meets the fault and must call it by its name, in bounded bytes and memory. Then the server
is well, and the same process must bring the update home: the image runs, the old slot is as it was, every report arrived,
no file was left behind. A pair is two rows one after the other, with everything expected of it but the first name.
"""
import argparse
import hashlib
import json
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tls
from faults import cut, place
from rows import ROWS
from server import IMAGE, Server

ROWS_MIN = 150
IMAGE_BYTES = 98304
SLOT_BYTES = 131072
AHEAD = 512 * 1024 if os.environ.get("BADNET_FETCHER") else 0   # a fetcher reads ahead of the writer: its frame and what waits in their socket
SENT_MAX = IMAGE_BYTES + 768 * 1024 + AHEAD   # what a device may be made to swallow before it gives up; socket buffers included
PEAK_KIB = 32768
STEP_SECONDS = 120                      # nothing depends on it: the limits of the library end every row far sooner
CONFIRMED = "1"
LIMITS = {None: (60000, 60000, 60), "connect": (1000, 60000, 60), "head": (60000, 1200, 60), "body": (60000, 60000, 1)}

# client, and the rows that must notice it
PLANTS = (
    ("200-as-206", "200 to a range"), ("any-range", "206 of a range one byte later"), ("any-range", "206 of other bytes"),
    ("never-malformed", "two lengths that differ"), ("never-malformed", "206 with two Content-Ranges"), ("never-encoded", "gzip"),
    ("no-retry-after", "503, Retry-After: 600"), ("status-blind", "503 to the check-in"), ("no-if-range", "200 to a range"),
    ("end-is-done", "last chunk of metadata missing"), ("endless-head", "10 MB of header lines"),
    ("follows-redirects", "redirect with user and password"), ("follows-redirects", "redirect of metadata to a file"),
    ("any-host", "TLS: another name"), ("any-chain", "TLS: another authority"), ("any-chain", "TLS: self-signed"),
    ("old-tls", "TLS: TLS 1.0 and 1.1 only"), ("patient", "stall before the head of the timestamp"),
    ("patient", "stall in the image"),
)


class Wrong(Exception):
    """What a row found."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def digest(path, count=None):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read(count if count is not None else -1)).hexdigest()


class Device:
    """badnet_device below `dir`, spoken to line by line."""

    def __init__(self, program, path, url, ca, limits=LIMITS[None], plant=None, patience=STEP_SECONDS):
        args = [program, str(path), url + "/", str(ca or "-"), *map(str, limits)] + ([plant] if plant else [])
        self.patience = patience
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0)

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()

    def tell(self, command):
        """The answer as a dictionary."""
        self.process.stdin.write(command.encode() + b"\n")
        line = b""
        until = time.monotonic() + self.patience
        while not line.endswith(b"\n"):
            left = until - time.monotonic()
            expect(left > 0 and select.select([self.process.stdout], [], [], left)[0], f"'{command}' did not end")
            piece = os.read(self.process.stdout.fileno(), 4096)
            expect(piece, f"the device died: {self.said()}")
            line += piece
        head, _, where = line.decode().strip().partition(" where=")
        return dict(pair.split("=", 1) for pair in head.split(" ")) | {"where": where}

    def close(self):
        self.process.stdin.close()
        try:
            status = self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Wrong("the device does not leave") from None
        expect(status == 0, f"the device left with {status}: {self.said()}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()


class World:
    """What all rows share: a published product, devices in every start state, certificates."""

    def __init__(self, args, path):
        self.args, self.path = args, path
        self.images = {v: random.Random(v).randbytes(IMAGE_BYTES) for v in ("1.0.0", "2.0.0")}
        self.publish()
        (path / "tls").mkdir()
        self.contexts = tls.make(str(path / "tls"))
        self.ca = path / "tls" / "ours.pem"
        self.starts = {}
        self.make_starts()

    def repo(self, *args):
        done = subprocess.run([self.args.repo, "--dir", str(self.path / "site"), *args], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"ota-repo {' '.join(args)}: {done.stdout}{done.stderr}")

    def publish(self):
        self.repo("init")
        self.repo("product", "add", "thermostat", "--component", "app")
        for version, data in self.images.items():
            (self.path / version).write_bytes(data)
            self.repo("image", "add", str(self.path / version), "--product", "thermostat", "--component", "app", "--version", version)
            self.repo("deploy", "--product", "thermostat", "--group", "production", "--os-feed", "none", "--image", f"app={version}")
        self.web = str(self.path / "site" / "web")

    def make_factory(self, path):
        path.mkdir()
        (path / "slot-a").write_bytes(self.images["1.0.0"].ljust(SLOT_BYTES, b"\0"))
        (path / "slot-b").write_bytes(b"\xff" * SLOT_BYTES)
        shutil.copy(self.web + "/p/thermostat/metadata/1.root.json", path / "root.json")
        subprocess.run([self.args.device, "--record", str(path / "boot")], check=True)

    def make_starts(self):
        """Each state follows from the one before it, the way a device gets there."""
        self.make_factory(self.path / "factory")
        self.starts["factory"] = self.path / "factory"
        at_60 = lambda q, a, s: iter(((a.head() + a.body)[:place("head", a.head(), a.body) + IMAGE_BYTES * 6 // 10], "fin"))
        self.grow("factory", "partial", at_60, ("run", "RETRY_TRUNCATED"))
        self.grow("partial", "trial", None, ("run", "REBOOT"), ("boot", None))
        self.grow("trial", "settled", None, ("run", "DONE"), ("run", "SAME"))

    def grow(self, before, name, fault, *commands):
        path = self.path / name
        shutil.copytree(self.starts[before], path)
        server = Server(self.web, IMAGE, fault)
        device = Device(self.args.device, path, server.url, None)
        try:
            for command, result in commands:
                answer = device.tell(command)
                expect(result in (None, answer.get("result")), f"{name}: {answer}")
            device.close()
        finally:
            device.kill()
            server.stop()
        self.starts[name] = path


class Trial:
    """One row (perhaps then another), one device, one server."""

    def __init__(self, world, row, plant=None, then=None):
        self.world, self.row, self.plant, self.then = world, row, plant, then
        self.path = Path(tempfile.mkdtemp(prefix="row-", dir=world.path)) / "device"
        shutil.copytree(world.starts[row["start"]], self.path)
        bad = row.get("tls")
        contexts = (world.contexts[bad], world.contexts["good"]) if bad else None
        self.server = Server(world.web, row["kind"], row["fault"], contexts, row.get("greet"), row.get("down", False))
        url = self.server.url.replace("127.0.0.1", row.get("host", "127.0.0.1"))
        limits = LIMITS[row.get("slow")]
        if then:
            limits = tuple(map(min, limits, LIMITS[then.get("slow")]))
        self.device = Device(world.args.device, self.path, url, world.ca if bad else None, limits, plant, 10 if plant else STEP_SECONDS)

    def run(self):
        try:
            if self.then:
                self.meet_two()
            else:
                self.meet_fault()
            self.server.get_well()
            self.come_home()
            self.check_traces()
        finally:
            self.device.kill()
            self.server.stop()
            shutil.rmtree(self.path.parent)

    def meet_two(self):
        """One fault upon the other, in the same process. What the second meets depends on what the first left."""
        for row in (self.row, self.then):
            self.server.kind, self.server.fault = row["kind"], row["fault"]
            self.got = self.device.tell("run")
            if self.got["result"] == "REBOOT":
                self.device.tell("boot")
                self.got["result"] = "booted"
            expect(self.got["fault"] == "OK" or self.got["where"], f"a failure without a place: {self.got}")
        bound = sum(row.get("sent", SENT_MAX) for row in (self.row, self.then))
        expect(self.server.sent <= bound, f"{self.server.sent} bytes were sent")

    def meet_fault(self):
        """The row's own expectation, and bounds on what it took to get there."""
        row, server = self.row, self.server
        got = self.device.tell("run")
        name = got["fault"] if got["result"] in ("OK", "DONE", "SAME", "REBOOT") else got["result"]
        want = "OK" if row["expect"] == "OK" else row["expect"]
        expect(name == want, f"expected {want}, got {got}")
        expect(want == "OK" or got["where"], f"a failure without a place: {got}")
        expect(server.faults or not row["fault"], "the fault was never met")
        expect(server.sent <= row.get("sent", SENT_MAX), f"{server.sent} bytes were sent")
        if "wait" in row:
            low, high = row["wait"]
            expect(low <= int(got["next"]) <= high, f"next check-in in {got['next']} s, not in {low}..{high}")
        if row.get("lone"):
            expect(not [r for r in server.requests if r.origin], "another origin was asked")
        for field in row.get("secret", ()):
            expect(not [r for r in server.requests if r.origin and field in r.fields], f"another origin was told {field}")
        for field in row.get("asks", ()):
            expect([r for r in server.requests if r.kind == row["kind"] and field in r.fields], f"the request had no {field}")
        self.got = got

    def come_home(self):
        """The server is well. Short limits may still strike on a busy machine: some tries are free."""
        got = self.got
        for _ in range(12):
            if got["result"] == "REBOOT":
                self.device.tell("boot")
            got = self.device.tell("run")
            if got["result"] == "SAME" and got["outcome"] == CONFIRMED and got["kept"] == "0":
                break
        expect(got["result"] == "SAME" and got["outcome"] == CONFIRMED and got["kept"] == "0", f"does not come home: {got}")
        expect(got["running"] == "2.0.0" and got["slot"] == "b", f"runs something else: {got}")
        expect(got["fault"] == "OK", f"still tells of a failure: {got}")
        expect(self.world.args.sanitized or self.plant or int(got["peak"]) <= PEAK_KIB, f"took {got['peak']} KiB")
        self.device.close()

    def check_traces(self):
        """The slots, the bytes, the reports, the files."""
        want = {"a": self.world.images["1.0.0"].ljust(SLOT_BYTES, b"\0"), "b": self.world.images["2.0.0"]}
        for slot, data in want.items():
            expect(digest(self.path / f"slot-{slot}", len(data)) == hashlib.sha256(data).hexdigest(), f"slot {slot} holds other bytes")
        if self.row.get("resume") and not self.then:
            have = IMAGE_BYTES * 6 // 10 if self.row["start"] == "partial" else 0
            expect(have + self.server.image_sent <= IMAGE_BYTES * 1.1 + 2048, f"{self.server.image_sent} bytes for an image of {IMAGE_BYTES}")
        outcomes = {}
        for path, body in self.server.reports:
            report = json.loads(body)
            expect(path.endswith(f"/device-1/{report.get('boot', 0)}-{report['id']}.json"), f"report {report['id']} at {path}")
            expect(outcomes.setdefault(report["id"], body) == body, f"report {report['id']} tells two things")
        told = [json.loads(b)["outcome"] for b in outcomes.values()]
        expect(self.row["start"] == "settled" or told.count("confirmed") == 1, f"reports: {told}")
        left = [p.name for p in (self.path / "state").iterdir() if p.name.startswith(".") and p.name != ".lock"]
        expect(not left, f"left behind: {left}")


def judge(world, row, plant=None, then=None):
    """None, or what is wrong."""
    try:
        Trial(world, row, plant, then).run()
    except Wrong as wrong:
        return str(wrong)
    return None


def run_rows(world, rows):
    with ThreadPoolExecutor(world.args.jobs) as pool:
        found = list(pool.map(lambda row: judge(world, row), rows))
    for row, wrong in zip(rows, found):
        if wrong:
            print(f"FAILED: {row['name']}: {wrong}")
    failed = sum(map(bool, found))
    print(f"{len(rows) - failed} passed, {failed} failed")
    return failed == 0


def run_pairs(world):
    """Of one start and without TLS, so that one server and one device can meet both."""
    rng = random.Random(world.args.seed)
    plain = [row for row in ROWS if "tls" not in row and row["fault"]]
    pairs = []
    while len(pairs) < world.args.pairs:
        row, then = rng.choice(plain), rng.choice(plain)
        if row["start"] == then["start"]:
            pairs.append((row, then))
    with ThreadPoolExecutor(world.args.jobs) as pool:
        found = list(pool.map(lambda pair: judge(world, pair[0], None, pair[1]), pairs))
    for (row, then), wrong in zip(pairs, found):
        if wrong:
            print(f"FAILED: {row['name']}, then {then['name']}: {wrong}")
    failed = sum(map(bool, found))
    print(f"{len(pairs) - failed} passed, {failed} failed")
    return failed == 0 and bool(pairs)


def run_plants(world):
    by_name = {row["name"]: row for row in ROWS}
    with ThreadPoolExecutor(world.args.jobs) as pool:
        found = list(pool.map(lambda p: judge(world, by_name[p[1]], p[0]), PLANTS))
    for (plant, name), wrong in zip(PLANTS, found):
        print(f"{'caught' if wrong else 'MISSED'}: {plant}, by \"{name}\"" + (f": {wrong}" if wrong else ""))
    missed = found.count(None)
    print(f"{len(PLANTS) - missed} passed, {missed} failed")
    return missed == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", required=True)
    parser.add_argument("--repo", required=True)
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--row", help="only rows whose name has this text")
    parser.add_argument("--pairs", type=int, default=0, help="so many random pairs of rows instead; BADNET_PAIRS asks for more")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--sanitized", action="store_true", help="the device is instrumented: its memory says nothing")
    args = parser.parse_args()
    names = [row["name"] for row in ROWS]
    assert len(set(names)) == len(names), "two rows have one name"
    assert len(ROWS) >= ROWS_MIN, f"only {len(ROWS)} rows"
    with tempfile.TemporaryDirectory(prefix="ota-badnet-") as path:
        world = World(args, Path(path))
        if args.planted:
            ok = run_plants(world)
        elif args.pairs:
            args.pairs = max(args.pairs, int(os.environ.get("BADNET_PAIRS", 0)))
            ok = run_pairs(world)
        else:
            ok = run_rows(world, [r for r in ROWS if (args.row or "") in r["name"]])
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
