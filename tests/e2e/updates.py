# SPDX-License-Identifier: Apache-2.0
"""Updates, good and bad, from power on to the report."""
import re
import time

from device import expect

WATCHDOG = ("-device", "i6300esb", "-action", "watchdog=reset")


def check_reports(device, version, want):
    """(outcome, cause) of this version is what was told, once and under one number."""
    told = [(r["outcome"], r["cause"]["name"]) for r in device.server.reports() if r["version"] == version]
    expect(told == [want], f"reports on {version}: {told}")


def check_end(device, slot, version):
    """Asked of the disk, without power: that slot's bytes, and the loader's opinion."""
    expect(device.holds(slot, version), f"slot {'ab'[slot]} does not hold {version}")
    first, left = device.next_start()
    expect(first == slot and left > 0, f"the loader would start {first} with {left} starts left")


def good(world, name, version, how=None):
    """1.0.0 runs from slot a; afterwards `version` from slot b. How the image came: "plain", "deflate", "delta"."""
    with world.device(name, version) as device:
        device.power_on()
        report = device.outcome(version)
        expect(device.starts() == [("A", "1.0.0"), ("B", version)], device.starts())
        expect(how in (None, report["encoding"]), report)
        device.power_off()
        check_reports(device, version, ("confirmed", "OK"))
        check_end(device, 1, version)
        return report


def bad(world, name, version, cause, tries, sign, *extra):
    """`version` is started `tries` times from slot b and never stays; then 1.0.0 runs again, tells why, and stays."""
    with world.device(name, version, tries=tries) as device:
        machine = device.power_on(*extra)
        device.outcome(version)
        expect(device.starts() == [("A", "1.0.0"), *[("B", version)] * tries, ("A", "1.0.0")], device.starts())
        expect(sum(sign in line for line in machine.lines) >= tries, f"not {tries} times: {sign}")
        reported = len(machine.lines)
        machine.line("check-in: nothing changed", reported)
        expect(len(device.starts()) == tries + 2, "it was tried again")
        device.power_off()
        check_reports(device, version, ("rolled_back", cause))
        check_end(device, 0, "1.0.0")
        return f"{version} started {tries} times, 1.0.0 runs again from slot a, {cause} told"


def good_update(world):
    world.release("1.2.0", publish=("--delta-from", "none"))
    good(world, f"good-{world.board.__name__}", "1.2.0", "deflate")
    return "1.2.0 runs from slot b, confirmed and told"


def never_confirms(world):
    world.release("3.0.0", behaviour="crash")
    return bad(world, "crash", "3.0.0", "REJECT_TRIAL", 3, "DEVICE up slot=B")


def sick(world):
    world.release("3.1.0", behaviour="sick")
    return bad(world, f"sick-{world.board.__name__}", "3.1.0", "REJECT_HEALTH", 1, "DEVICE up slot=B")


def panic(world):
    world.release("3.2.0", behaviour="panic")
    return bad(world, "panic", "3.2.0", "REJECT_TRIAL", 2, "Kernel panic")


def hang(world):
    """The watchdog is the board's, not the kernel's: it needs the generic kernel's driver, so this image brings that kernel."""
    world.release("3.3.0", behaviour="hang", kernel="generic")
    return bad(world, "hang", "3.3.0", "REJECT_TRIAL", 2, "DEVICE hangs", *WATCHDOG)


def bad_network(world):
    web = world.release("2.0.0")
    size = max(p.stat().st_size for p in web.rglob("*os-2.0.0.img*"))
    with world.device("network", "2.0.0") as device:
        device.server.stop()
        machine = device.power_on()
        machine.line("server not reached")
        time.sleep(2)
        device.server.start(rate="4m")
        at = machine.line("download starts at byte 0")
        for _ in range(2):
            time.sleep(3)
            device.server.stop()
            at = machine.line("failed: ", at)
            device.server.start(rate="4m")
            at = machine.line("download starts at byte", at)
        report = device.outcome("2.0.0")
        device.power_off()
        check_reports(device, "2.0.0", ("confirmed", "OK"))
        check_end(device, 1, "2.0.0")
        began = [int(n) for n in re.findall(r"download starts at byte (\d+)", "\n".join(machine.lines))]
        twice = report["fetched"] - size
        expect(len(began) == 3 and began[2] >= began[1] > 0, f"the download began at {began}")
        expect(twice < 3 << 20, f"{report['fetched']} bytes fetched for {size}")
        return f"no server at first, then two answers broken off: went on at {began[1]} and {began[2]}, {twice} of {size} bytes fetched twice"


def delta(world):
    web = world.release("1.1.0", publish=("--no-deflate", "--delta-from", "1.0.0"))
    report = good(world, "delta", "1.1.0", "delta")
    whole = max(p.stat().st_size for p in web.rglob("*os-1.1.0.img*"))
    expect(report["fetched"] * 10 < whole, report)
    return f"1.1.0 runs from slot b: {report['fetched']} bytes came instead of {whole}"


SCENARIOS = {"good update": good_update, "image that never confirms": never_confirms, "sick image": sick, "kernel panic": panic,
             "hang, ended by the watchdog": hang, "bad network": bad_network, "delta update": delta}
ON_EVERY_BOARD = {"good update": good_update, "sick image": sick}
