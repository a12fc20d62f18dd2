# SPDX-License-Identifier: Apache-2.0
"""What a device fetches of the director when its group changes, for fleets of 10^3 to 10^8 devices.
Usage: download.py OTA_REPO WORK_DIR [--sizes 1000,10000] [--made SIZE=PUBLISHER_DIR] [--write FILE]

Fleets of --sizes are really made, and the three files of every shard are measured: what a device of that shard fetches,
without the heads of HTTP. --made takes a director that is there, as far as its shards are published. From the same layout the other sizes are
computed, after the same computation has met each measurement: the mean within 1 %, the largest shard within 5 devices."""
import argparse
import math
import pathlib
import re
import subprocess
import sys

LIMIT = 4096
DIGITS = {10**3: 2, 10**4: 3, 10**5: 3, 10**6: 4, 10**7: 5, 10**8: 6}
NAME, GROUP = "thermostat-{:09d}", "production"
ENTRY = len('"":"",') + len(NAME.format(0)) + len(GROUP)


def publish(program, work, size):
    here = work / f"fleet-{size}"
    lines = work / f"list-{size}"
    with open(lines, "w") as f:
        f.writelines(f"{NAME.format(i)} {GROUP}\n" for i in range(size))
    for args in (["init", "--product", "thermostat"], ["device", "import", lines, "--product", "thermostat"],
                 ["director", "set", "--product", "thermostat", "--digits", str(DIGITS[size])]):
        subprocess.run([program, "--dir", here, *args], check=True, stdout=subprocess.DEVNULL)
    return here


def measure(publisher):
    """[(devices, bytes)] of each shard that is published."""
    rows = []
    for shard in (publisher / "web/d/thermostat/metadata").iterdir():
        stamp = shard / "timestamp.json"
        if not stamp.is_file():
            continue
        text = stamp.read_text()
        version = re.search(r'"snapshot.json":\{[^}]*\},"length":\d+,"version":(\d+)', text)[1]
        targets = (shard / f"{version}.targets.json").read_text()
        devices = targets.count(f'":"{GROUP}"')
        rows.append((devices, len(text) + (shard / f"{version}.snapshot.json").stat().st_size + len(targets)))
    return rows


def largest(mean, shards):
    """So many devices are in the fullest of so many shards: the first number that less than one of them reaches."""
    k, term, tail = 0, math.exp(-mean), 1.0
    while tail * shards >= 1:
        tail -= term
        k += 1
        term *= mean / k
        if k > 40 * (mean + 1):
            break
    return k - 1


def compute(size, fixed):
    shards = 16 ** DIGITS[size]
    mean = size / shards
    extra = 6 * (DIGITS[size] - 2)  # a shard's name is in three scopes, in a path, ...
    return mean, fixed + extra * 4 // 6 + ENTRY * mean, largest(mean, shards), shards


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("work", type=pathlib.Path)
    p.add_argument("--sizes", default="1000")
    p.add_argument("--made", action="append", default=[])
    p.add_argument("--write", type=pathlib.Path)
    a = p.parse_args()
    made = {int(s): measure(publish(a.program, a.work, int(s))) for s in a.sizes.split(",")}
    for text in a.made:
        size, there = text.split("=")
        made[int(size)] = measure(pathlib.Path(there))
    first = min(made)
    fixed = sum(b - ENTRY * d for d, b in made[first]) / len(made[first]) - 4 * (DIGITS[first] - 2)
    rows, bad = [], 0
    for size in sorted(DIGITS):
        mean, size_b, top, shards = compute(size, fixed)
        top_b = size_b + ENTRY * (top - mean)
        how = "computed"
        if size in made:
            n = len(made[size])
            real = sum(b for _, b in made[size]) / n
            real_top = max(made[size])
            how = "measured" if n == shards else f"measured, {n} of the shards"
            if abs(real - size_b) > size_b / 100 or abs(real_top[0] - top) > 5:
                print(f"FAIL: {size}: measured {real:.0f} and {real_top}, computed {size_b:.0f} and {top}")
                bad += 1
            size_b, top, top_b = real, real_top[0], max(b for _, b in made[size])
        if top_b > LIMIT:
            print(f"FAIL: {size}: {top_b:.0f} bytes, more than {LIMIT}")
            bad += 1
        rows.append(f"| 10^{len(str(size)) - 1} | {shards:,} | {mean:.1f} | {size_b:,.0f} | {top} | {top_b:,.0f} | {how} |")
    head = ("| devices | shards | devices in a shard | bytes fetched, mean | devices in the fullest | bytes fetched there | |\n"
            "|---|---|---|---|---|---|---|\n")
    table = head + "\n".join(rows) + "\n"
    print(table, end="")
    if a.write:
        text = a.write.read_text()
        begin, end = "<!-- bench/fleet/download.py -->\n", "<!-- end -->\n"
        before, _, rest = text.partition(begin)
        a.write.write_text(before + begin + table + end + rest.partition(end)[2])
    print(f"{len(made)} measured, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
