#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A microcontroller's life in QEMU, one line per scenario: run.py MCU-BUILD OTA-REPO [SCENARIO...]

MCU-BUILD is a build of examples/cortex-m, OTA-REPO the publisher's tool. KILLS (200) and SEED (1) are taken from the environment.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import figures as figures_table  # noqa: E402
from board import Board, Died, Server, device, error_code  # noqa: E402

MAP = device.flash_map()
SLOT = {"a": MAP["SLOT_A_OFF"], "b": MAP["SLOT_B_OFF"]}


class World:
    """The publisher, and the flashes that the factory makes."""

    def __init__(self, build, repo_tool, work):
        self.build, self.tool, self.work, self.made, self.download_s = build, repo_tool, work, 0, 2.0
        self.stack = self.pool = 0
        self.repo("init", "--block", "16384")
        self.repo("product", "add", "thermostat", "--component", "app")
        self.server = Server(work, work / "publisher/web")
        self.root = next((work / "publisher/web/p/thermostat/metadata").glob("*.root.json")).read_bytes()

    def repo(self, *args):
        subprocess.run([self.tool, "--dir", self.work / "publisher", *args], check=True, stdout=subprocess.DEVNULL)

    def image(self, number):
        return device.image((self.build / f"app-{number}.bin").read_bytes(), number, f"{number}.0.0")

    def publish(self, number, data=None):
        path = self.work / f"app-{number}.img"
        path.write_bytes(data or self.image(number))
        # One delta is enough: the board has room for 6,144 bytes of its publisher's metadata.
        self.repo("image", "add", path, "--product", "thermostat", "--component", "app", "--version", f"{number}.0.0", "--name", f"app-{number}.img",
                  "--window", "12", "--no-index", "--delta-from", "1.0.0" if number == 2 else "none")
        self.repo("deploy", "--product", "thermostat", "--group", "production", "--image", f"app={number}.0.0")

    def factory(self, board, *more):
        base = f"http://127.0.0.1:{self.server.port}"
        texts = [f"metadata={base}/p/thermostat/metadata/", f"targets={base}/p/thermostat/targets/", f"reports={base}/reports/",
                 "product=thermostat", "group=production", f"device={board.name}", "version=1.0.0", *more]  # fmt: skip
        board.flash.write_bytes(device.flash(self.image(1), self.root, texts))

    def board(self, *more, damage=None):
        self.made += 1
        board = Board(self.build, self.work, f"board-{self.made}")
        self.factory(board, *more)
        board.start_relay(damage)
        return board


def check(ok, what):
    if not ok:
        raise Died(what)


def has(lines, text):
    return any(text in line for line in lines)


def runs(lines, version, trial=False):
    wanted = f"app: version {version} runs" + (" on trial" if trial else "")
    return any(line == wanted for line in lines)


def poke(board, off, data):
    with open(board.flash, "r+b") as f:
        f.seek(off)
        f.write(data)


def is_whole(flash, slot):
    data = flash[SLOT[slot] : SLOT[slot] + MAP["SLOT_LEN"]]
    length = int.from_bytes(data[4:8], "little")
    program = data[64 : 64 + length]
    return data[:4] == b"OTAI" and length <= len(data) - 64 and device.image(program, 0, "")[32:64] == data[32:64]


def updated(board, seconds=120):
    """One start that must end idle in a confirmed 2.0.0."""
    lines = board.run(seconds=seconds)
    check(has(lines, "CONFIRMED") and runs(lines, "2.0.0", True), f"2.0.0 is not confirmed: {lines[-5:]}")
    check(runs(board.run(seconds=seconds), "2.0.0"), "2.0.0 does not run after the next start")
    return lines


def used(lines):
    """What the device says of itself before it restarts into the trial."""
    return next(line.partition("; ")[2] for line in lines if line.startswith("app: restarts"))


def cause_of(line):
    """Error, the port's number and where, of an event that carries a fault."""
    return line.partition(": ")[2]


def note_peaks(world, lines):
    words = used(lines).replace(",", "").split()
    world.stack = max(world.stack, int(words[1]))
    world.pool = max(world.pool, int(words[words.index("pool") + 1]))


def offset_of(lines):
    """Where a download was taken up again."""
    starts = [line for line in lines if line.startswith("DOWNLOAD_START")]
    return int(starts[-1].split()[-1]) if starts else -1


# ------------------------------------------------------------------------------------------ scenarios, in their order --


def update(world):
    board = world.board()
    board.power_on()
    lines = board.wait_for("DOWNLOAD_START")
    began = time.monotonic()
    lines += board.wait_for("app: idle")
    world.download_s = time.monotonic() - began
    board.power_off()
    check(has(lines, "CONFIRMED") and runs(lines, "2.0.0", True), f"2.0.0 is not confirmed: {lines[-5:]}")
    check(runs(board.run(), "2.0.0"), "2.0.0 does not run after the next start")
    check(f'"device":"{board.name}"' in world.server.reports(), "no report came")
    note_peaks(world, lines)
    return f"1.0.0 to 2.0.0, confirmed, reported; {used(lines)}"


def delta(world):
    lines = updated(world.board("delta=32768"))
    check(has(lines, "comes as encoding 2"), "it did not come as a delta")
    note_peaks(world, lines)
    return "1.0.0 to 2.0.0 by delta"


def resume(world):
    board, resumed = world.board(), []
    for _ in range(8):
        board.power_on()
        at = offset_of(board.wait_for("DOWNLOAD_START|app: idle"))
        if at > 0:
            resumed.append(at)
        if at < 0 or len(resumed) == 2:
            break
        time.sleep(0.3 * world.download_s)
        board.power_off()
    if at >= 0:
        board.wait_for("app: idle")
    board.power_off()
    check(resumed, "it always began again at byte 0")
    check(runs(board.run(), "2.0.0"), "2.0.0 does not run")
    return f"reset in a download, taken up again at byte {' and '.join(map(str, resumed))}"


def lossy_line(world):
    lines = updated(world.board(damage="1:16:16"), 240)
    words = used(lines).replace(",", "").split()
    again, damaged = (int(words[words.index(name) + 1]) for name in ("again", "damaged"))
    check(again > 0 and damaged > 0, "the line did no damage")
    return f"one byte in 3,000 lost or damaged: {damaged} damaged frames came, {again} were sent again, updated"


def silent_line(world):
    board = world.board()
    board.power_on()
    board.wait_for("DOWNLOAD_START")
    time.sleep(0.3)
    board.stop_relay()
    lines = board.wait_for(r"RETRY_\w+ -10\d\d", 90)
    board.start_relay()
    lines += board.wait_for("app: idle", 120)
    board.power_off()
    check(has(lines, "CONFIRMED"), "no update once the line was back")
    return f"named ({cause_of(next(line for line in lines if 'RETRY_' in line))}), and updated once it was back"


def worn_slot(world):
    board = world.board(f"worn={SLOT['b'] + 0x3000}", f"worn-to={SLOT['b'] + 0x4000}")
    lines = board.run(r"DEVICE_SLOT", 60)
    why = cause_of(lines[-1])
    check("-1003" in why or "-1002" in why, f"not told what failed: {why}")
    check(runs(board.run("app: version"), "1.0.0"), "the device does not start")
    return f"named ({why}), 1.0.0 still runs"


def worn_records(world):
    board = world.board(f"worn={MAP['STORE_OFF'] + 0x2000}", f"worn-to={MAP['STORE_OFF'] + 0x5000}")
    poke(board, MAP["STORE_OFF"] + 0x2000, b"\0" * 0x3000)
    updated(board)
    board = world.board(f"worn={MAP['BOOT_OFF'] + 0x1000}", f"worn-to={MAP['BOOT_OFF'] + 0x4000}")
    poke(board, MAP["BOOT_OFF"] + 0x1000, b"\0" * 0x3000)
    lines = board.run("DEVICE_BOOT", 60)
    check(runs(board.run("app: version"), "1.0.0"), "the device does not start")
    return f"store: the records go elsewhere; boot record: named ({cause_of(lines[-1])}), 1.0.0 still runs"


def lost_record(world):
    board = world.board()
    updated(board)
    poke(board, MAP["BOOT_OFF"], b"\0" * MAP["BOOT_LEN"])
    lines = board.run()
    check(has(lines, "no copy of the boot record is valid") and runs(lines, "1.0.0"), "the older image does not run")
    check(runs(board.run(), "2.0.0"), "it does not come back to 2.0.0")
    return "every copy of the boot record is zero: named, the older image runs, and updates itself again"


def damaged_image(world):
    board = world.board()
    updated(board)
    poke(board, SLOT["b"] + 0x5000, b"\0\0\0\0")
    lines = board.run("app: version")
    check(has(lines, "slot b holds a damaged image") and runs(lines, "1.0.0"), "the other slot does not run")
    poke(board, SLOT["a"] + 0x5000, b"\0\0\0\0")
    lines = board.run("no slot holds a whole image")
    return "of the running slot: the other one is started; of both: named"


class Killer(threading.Thread):
    """Lives of one board, with a SIGKILL now and then, until enough were done."""

    def __init__(self, world, seed, kills, whole_s):
        super().__init__()
        self.world, self.dice, self.left, self.whole_s = world, random.Random(seed), kills, whole_s
        self.board, self.kills, self.lives, self.torn, self.failed = world.board(), 0, 0, 0, None

    def run(self):
        try:
            while self.left > 0:
                self.life()
        except Exception as why:  # noqa: BLE001 shown by the main thread
            self.failed = why

    def kill_once(self):
        """On, off after a random time. True when the update was done before."""
        self.board.power_on()
        until = time.monotonic() + self.dice.uniform(0.02, 0.45) * self.whole_s
        lines = list(self.board.lines(until))
        self.board.power_off()
        self.kills += 1
        self.left -= 1
        check(not has(lines, "no slot holds"), "no slot could be started")
        flash = self.board.flash.read_bytes()
        whole = [slot for slot in "ab" if is_whole(flash, slot)]
        self.torn += len(whole) == 1 and flash[SLOT["b"] : SLOT["b"] + 4] == b"OTAI"
        check(whole, "no slot holds a whole image")
        return has(lines, "app: idle") and runs(lines, "2.0.0")

    def life(self):
        self.world.factory(self.board)
        self.lives += 1
        for _ in range(10):
            if self.left <= 0 or self.kill_once():
                break
        lines = self.board.run(seconds=240)
        check(runs(lines, "2.0.0") or runs(lines, "2.0.0", True), f"it does not end in 2.0.0: {lines[-4:]}")


def kills(world):
    wanted, seed = int(os.environ.get("KILLS", "200")), int(os.environ.get("SEED", "1"))
    began = time.monotonic()
    world.board().run(seconds=240)
    whole_s = time.monotonic() - began
    killers = [Killer(world, seed * 100 + i, wanted // 2, whole_s) for i in range(2)]
    for killer in killers:
        killer.start()
    for killer in killers:
        killer.join()
        if killer.failed:
            raise killer.failed
        killer.board.close()
    done, lives, torn = (sum(getattr(k, name) for k in killers) for name in ("kills", "lives", "torn"))
    check(done >= wanted, "too few kills")
    return f"{done} SIGKILLs in {lives} updates (seed {seed}), {torn} of them left a half-written slot; each ended in 2.0.0, a slot was whole each time"


def rolled_back(world, number, seconds, cause):
    """A bad version, three times or at once, and back; and not tried again."""
    board = world.board()
    lines = board.run(seconds=seconds)
    check(has(lines, f"trial of version {number}.0.0"), "it was not tried")
    check(has(lines, "REVERTED") and runs(lines, "1.0.0"), f"not rolled back: {lines[-5:]}")
    report = world.server.reports().split(board.name)[0].rpartition('"outcome"')[2]
    check(f'"code":{error_code(cause)},' in report and "rolled_back" in report, f"no report of {cause}: {report}")
    again = board.run(seconds=seconds)
    check(not has(again, "trial of version") and runs(again, "1.0.0"), "it was tried again")
    return sum(f"trial of version {number}.0.0" in line for line in lines)


def crashing(world):
    world.publish(4)
    return f"it restarts before it confirms: {rolled_back(world, 4, 120, 'REJECT_TRIAL')} starts, then back to 1.0.0"


def hanging(world):
    world.publish(5)
    return f"it hangs: {rolled_back(world, 5, 180, 'REJECT_TRIAL')} starts ended by the watchdog, then back to 1.0.0"


def sick(world):
    world.publish(6)
    return f"its health check fails: {rolled_back(world, 6, 120, 'REJECT_HEALTH')} start, then back to 1.0.0"


def too_big(world):
    world.publish(7, os.urandom(MAP["SLOT_LEN"] + 1))
    board = world.board()
    lines = board.run("REFUSED")
    check(has(lines, "REJECT_TOO_BIG"), f"not refused: {lines[-4:]}")
    check(runs(board.run("app: version"), "1.0.0"), "the device does not start")
    return "an image larger than the slot: REJECT_TOO_BIG, 1.0.0 still runs"


def workspace(world, *texts):
    line = next(line for line in world.board(*texts).run("app: workspace") if "workspace" in line)
    return int(line.split()[2])


def figures(world):
    """The table of README.md is what this build takes. FIGURES=write writes it there."""
    check(world.stack, "needs the scenarios update and delta")
    sizes = [workspace(world, "window=12"), workspace(world, "window=15"), workspace(world, "window=12", "delta=32768")]
    fresh = figures_table.table(world.build, sizes, world.stack, world.pool)
    if os.environ.get("FIGURES") == "write":
        figures_table.write(fresh)
    wrong = figures_table.compare(fresh)
    check(wrong is None, wrong)
    check(figures_table.compare(fresh.replace(".", "9.", 1)), "a wrong figure would not be noticed")
    return f"workspace {sizes[0]} bytes, stack {world.stack}: as in README.md"


SCENARIOS = [update, delta, resume, lossy_line, silent_line, worn_slot, worn_records, lost_record, damaged_image, kills, crashing, hanging, sick, too_big, figures]


def main(args):
    build, tool = Path(args[0]).resolve(), Path(args[1]).resolve()
    work = Path(tempfile.mkdtemp(prefix="ota-mcu-"))
    world = World(build, tool, work)
    failed = 0
    try:
        world.publish(1)
        world.publish(2)
        for scenario in SCENARIOS:
            if len(args) > 2 and scenario.__name__ not in args[2:]:
                continue
            began = time.monotonic()
            try:
                print(f"ok   {scenario.__name__:14} {scenario(world)} ({time.monotonic() - began:.0f} s)", flush=True)
            except (Died, subprocess.CalledProcessError) as why:
                failed += 1
                print(f"FAIL {scenario.__name__:14} {why}; logs in {work}", flush=True)
            Board.close_all()
    finally:
        Board.close_all()
        world.server.stop()
        if not failed:
            shutil.rmtree(work)
    print(f"{len(SCENARIOS)} scenarios, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
