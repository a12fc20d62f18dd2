#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The curves of a million devices as pictures: plot.py [--check] FLEET FOLDER

Runs FLEET (the simulator) and writes FOLDER/fleet-<what happens>.svg, or, with --check, says which of them are not what it
would write. Fails when the simulator does."""
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 240, 62, 34, 14, 34
BIN, WIDE = 10, 6  # seconds of a number of the series; numbers in a point of the curve
DEVICES, POLL = 1_000_000, 3600

TITLES = {
    "power-on": "All are switched on at once: the first five minutes, then each in its own place",
    "outage": "The server is away from the first hour to the third",
    "retry-after": "Half an hour of 503 with Retry-After: 600",
    "retry-after-date": "Half an hour of 503, all told to come at the same instant",
    "release": "A release appears after an hour and is taken within the next",
}
GREY = {"outage": (3600, 10800), "retry-after": (3600, 5400), "retry-after-date": (3600, 5400), "release": (3600, 7200)}


def nice(top):
    """A round number of requests a second that is not below top, and a fifth of it."""
    for magnitude in (1, 10, 100, 1000, 10000):
        for digit in (5, 10, 20, 25):
            if digit * magnitude >= top:
                return digit * magnitude
    return int(top) + 1


def line(x1, y1, x2, y2, stroke, extra=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"{extra}/>'


def text(x, y, words, anchor="middle", size=11):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="{size}" text-anchor="{anchor}" fill="#333">{words}</text>'


def picture(name, series):
    points = [sum(series[i:i + WIDE]) / (WIDE * BIN) for i in range(0, len(series) - WIDE + 1, WIDE)]
    hours, usual = len(series) * BIN / 3600, DEVICES / POLL
    top = nice(max(max(points), usual * 2))

    def x(seconds):
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / (hours * 3600)

    def y(rate):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * rate / top

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', text(LEFT, 20, TITLES[name], "start", 13)]
    if name in GREY:
        a, b = GREY[name]
        out.append(f'<rect x="{x(a):.1f}" y="{TOP}" width="{x(b) - x(a):.1f}" height="{HEIGHT - TOP - BOTTOM}" fill="#eee"/>')
    for fifth in range(6):
        rate = top * fifth / 5
        out += [line(LEFT, y(rate), WIDTH - RIGHT, y(rate), "#ddd"), text(LEFT - 6, y(rate) + 4, f"{rate:g}", "end")]
    out += [text(x(h * 3600), HEIGHT - BOTTOM + 16, f"{h} h") for h in range(int(hours) + 1)]
    out += [line(LEFT, y(usual), WIDTH - RIGHT, y(usual), "#c33", ' stroke-dasharray="5 4"'),
            text(WIDTH - RIGHT, y(usual) - 5, "devices / interval", "end")]
    curve = " ".join(f"{x((i + 0.5) * WIDE * BIN):.1f},{y(p):.1f}" for i, p in enumerate(points))
    out += [f'<polyline points="{curve}" fill="none" stroke="#236" stroke-width="1.5"/>',
            text(LEFT, HEIGHT - 4, "check-ins a second, of 1,000,000 devices with an interval of an hour", "start"), "</svg>"]
    return "\n".join(out) + "\n"


def main():
    check = "--check" in sys.argv
    fleet, folder = [a for a in sys.argv[1:] if a != "--check"]
    with tempfile.TemporaryDirectory() as work:
        series = Path(work) / "series"
        run = subprocess.run([fleet, "--series", str(series)], stdout=subprocess.PIPE, text=True, check=False)
        print(run.stdout, end="")
        lines = [row.split() for row in series.read_text().splitlines()]
    stale = []
    for name, *numbers in lines:
        made, path = picture(name, [int(n) for n in numbers]), Path(folder) / f"fleet-{name}.svg"
        if check and (not path.is_file() or path.read_text() != made):
            stale.append(path.name)
        elif not check:
            path.write_text(made)
    if stale or [row[0] for row in lines] != list(TITLES):
        print(f"fleet: not what the simulator shows: {', '.join(stale) or 'the scenarios'}; remake: tests/fleet/plot.py {fleet} docs")
        return 1
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
