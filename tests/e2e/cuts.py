# SPDX-License-Identifier: Apache-2.0
"""The power goes: QEMU is killed at chosen moments and at random; with its write cache, so that what was not synced is gone; and
every write of a whole update is replayed in every prefix, torn, and alone."""
import random
import time

import writelog
from device import SECTOR, expect
from kit import run
from updates import check_end, check_reports

SEED = 20
IDLE = "check-in: nothing changed"
# Where the agent, the loader and the kernel are when the power goes, soon after this was said (states: lib/agent/states.c).
MOMENTS = ("state 4 -> 5", "state 5 -> 6", "state 7 -> 8", "state 8 -> 9", "^SLOT=B", "DEVICE up slot=B", "state 9 -> 10", "state 10 -> 11",
           "state 11 -> 14")


def check_cut(device, versions):
    """Every slot that the loader may start holds a released image, to the byte."""
    for slot, left in device.may_start():
        expect(any(device.holds(slot, v) for v in versions), f"the loader may start slot {'ab'[slot]} ({left} starts left), which holds no released image")


def live_until(device, moment, delay, **how):
    """Power on, power off soon after the moment; True if it never came because there is nothing left to do."""
    machine = device.power_on(**how)
    machine.line(f"{moment}|{IDLE}")
    done = any(IDLE in line for line in machine.lines)
    time.sleep(delay)
    device.power_off()
    return done


def come_to_rest(device, version):
    machine = device.power_on()
    device.outcome(version)
    machine.line(IDLE)
    device.power_off()
    check_reports(device, version, ("confirmed", "OK"))


def kills(world):
    """At each moment, then at random ones while the next release comes. Tries are plenty: a killed trial costs one."""
    rng, cuts = random.Random(SEED), 0
    world.release("2.0.0")
    web = world.release("4.0.0")
    with world.device("kills", "2.0.0", tries=15) as device:
        for i in range(len(MOMENTS)):  # the next one; or a later one, if the last cut came that late
            if live_until(device, "|".join(MOMENTS[i:]), rng.uniform(0, 0.4)):
                break
            cuts += 1
            check_cut(device, ("1.0.0", "2.0.0"))
        come_to_rest(device, "2.0.0")
        check_end(device, 1, "2.0.0")
        device.server.stop()
        device.server.web = web
        device.server.start()
        for _ in range(5):
            machine = device.power_on()
            machine.line("agent started")
            time.sleep(rng.uniform(0, 8))
            device.power_off()
            cuts += 1
            check_cut(device, ("1.0.0", "2.0.0", "4.0.0"))
        come_to_rest(device, "4.0.0")
        check_end(device, 0, "4.0.0")
    expect(cuts >= 8, f"only {cuts} cuts")
    return f"{cuts} times the power went; 2.0.0, then 4.0.0 installed, confirmed and told once"


def forgets_unsynced(path):
    """The method itself: of two writes into an overlay, the one that was synced survives the death of the process."""
    run("qemu-img", "create", "-q", "-f", "raw", path / "base", "1M")
    for sync, kept in (("", False), ("-c flush", True)):
        run("qemu-img", "create", "-q", "-f", "qcow2", "-b", path / "base", "-F", "raw", path / "overlay")
        script = f"qemu-io -t writeback -c 'write -P 7 0 64k' {sync} -c 'sigraise 9' {path}/overlay || :"
        run("sh", "-c", script)
        run("qemu-img", "commit", "-q", path / "overlay")
        expect(((path / "base").read_bytes()[:1] == b"\7") == kept, f"a write {'with' if kept else 'without'} sync is {'lost' if kept else 'kept'}")


def lost_cache(world):
    """The disk keeps in memory what was not synced, as real ones do, and loses it. What was said must be there all the same."""
    world.release("2.0.0")
    rng, cuts = random.Random(SEED), 0
    with world.device("cache", "2.0.0", tries=15) as device:
        forgets_unsynced(device.path)
        overlay = device.path / "overlay"
        for moment in ("state 4 -> 5", "state 6 -> 4", "trial armed", "DEVICE up slot=B", "confirmed", "acknowledged"):
            run("qemu-img", "create", "-q", "-f", "qcow2", "-b", device.disk, "-F", "raw", overlay)
            delay = rng.uniform(0, 2) if moment == "state 4 -> 5" else 0
            live_until(device, moment, delay, drive=["-drive", f"if=none,id=d0,format=qcow2,file={overlay},cache=writeback"])
            run("qemu-img", "commit", "-q", overlay)
            cuts += 1
            check_cut(device, ("1.0.0", "2.0.0"))
            if moment in ("trial armed", "confirmed", "acknowledged"):
                expect(device.next_start()[0] == 1, f"said, and lost: {moment}")
        come_to_rest(device, "2.0.0")
        check_end(device, 1, "2.0.0")
    return f"{cuts} times the power and the cache went; 2.0.0 confirmed and told once; a write without sync does vanish"


def replay(world):
    world.release("2.0.0")
    with world.device("replay", "2.0.0") as device:
        before = bytearray(device.disk.read_bytes())
        nodes = [f"driver=file,node-name=f0,filename={device.disk}", "driver=raw,node-name=r0,file=f0",
                 f"driver=file,node-name=l0,filename={device.path}/log",
                 f"driver=blklogwrites,node-name=d0,file=r0,log=l0,log-sector-size={SECTOR}"]
        (device.path / "log").touch()
        machine = device.power_on(drive=[x for n in nodes for x in ("-blockdev", n)], disk="virtio-blk-device,drive=d0,write-cache=on")
        device.outcome("2.0.0")
        machine.line(IDLE)
        machine.process.terminate()  # not killed: it completes the log
        machine.process.wait()
        device.power_off()
        images = [device.publisher.images[v].read_bytes() for v in ("1.0.0", "2.0.0")]
        writes = list(writelog.entries(device.path / "log"))
        tally = writelog.judge(device, before, writes, images)
        writelog.judge_without_flushes(device, before, writes, images)
        check_end(device, 1, "2.0.0")
    return (f"{tally.entries} writes and {tally.flushes} flushes replayed into {tally.states} disks, {tally.file_systems} file systems mended; "
            f"{tally.torn_copies} of them would have lost an environment of one copy")


SCENARIOS = {"power cuts": kills, "lost write cache": lost_cache, "every prefix of the writes": replay}
