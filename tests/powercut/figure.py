#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the one line of figures from the explorer's and the seeded bugs' output, and compare it with README.md's.

    figure.py EXPLORER_OUTPUT SEEDED_OUTPUT [--write] [--readme FILE]

README.md is stale when a figure of its line is off by more than a tenth (operations come and go with every change), or
when what must be exact is not: no violations, all seeded bugs caught, a million cuts. --write puts the new line there."""
import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"powercut: (\d+) cuts, (\d+) double, (\d+) scenarios, (\d+) geometries, (\d+) violations, (\d+)/(\d+) seeded bugs caught")
EXPLORED = re.compile(r"^powercut: \d+ cuts, \d+ double, \d+ scenarios, \d+ geometries, \d+ violations$", re.M)
CAUGHT = re.compile(r"^(\d+/\d+ seeded bugs caught)$", re.M)
LEAST_CUTS, LEAST_SCENARIOS, LEAST_BUGS = 1_000_000, 17, 25


def only(pattern, text, what):
    found = pattern.findall(text)
    if len(found) != 1:
        raise SystemExit(f"figure: {what} stands {len(found)} times")
    return found[0]


def shortcomings(figures):
    cuts, _, scenarios, _, violations, caught, bugs = figures
    if violations:
        yield f"{violations} violations"
    if caught != bugs:
        yield f"{bugs - caught} seeded bugs not caught"
    if cuts < LEAST_CUTS:
        yield f"{cuts} cuts, fewer than {LEAST_CUTS}"
    if scenarios < LEAST_SCENARIOS or bugs < LEAST_BUGS:
        yield f"{scenarios} scenarios and {bugs} seeded bugs"


def differs(old, new):
    return any(abs(a - b) * 10 > max(a, b) for a, b in zip(old, new))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("explorer", type=Path)
    parser.add_argument("seeded", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    args = parser.parse_args()
    line = only(EXPLORED, args.explorer.read_text(), "the explorer's line") + ", " + only(CAUGHT, args.seeded.read_text(), "the seeded bugs' line")
    new = tuple(map(int, LINE.fullmatch(line).groups()))
    print(line)
    bad = list(shortcomings(new))
    readme = args.readme.read_text()
    old = only(LINE, readme, "the line in README.md")
    if args.write and not bad:
        args.readme.write_text(LINE.sub(line, readme))
    elif differs(tuple(map(int, old)), new):
        bad.append("README.md's line is stale: scripts/powercut.sh --write")
    for text in bad:
        print(f"figure: {text}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
