#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check the model with spin: run.py EXPORT [--table-only]

EXPORT is the program that writes the tables (export.c). Every run must be complete and without an error, every planted fault
must give one, and between them the runs must take every step of the model. --table-only needs no spin: the model must have a
step for each state of the agent's table, and for no other.
"""
import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = 77
MEMORY_MIB = 1800
DEPTH = 100000

# name, definitions, never claim (needs twice the states), fewest states that prove that it looked at something
RUNS = (
    ("safety", (), False, 2000000),
    ("every run comes to rest", ("FULLS=0", "DAMAGES=0"), True, 500000),
    ("the journal is lost", ("LOSSES=1", "CUTS=1", "NETS=0", "FULLS=0"), False, 1000000),
)
# Cannot happen within the bounds, or at all: ARM's second fault in one try; a trial that ends while it is looked at.
UNREACHED_MAX = 4


def states_of(table):
    names = re.findall(r"^#define ([A-Z]+) (\d+)$", table, re.M)
    return {name for name, number in names if name not in ("NEVER", "RESUME")}


def check_steps(table):
    """The model has a step for each state of the table."""
    model = (HERE / "agent.pml").read_text()
    steps = set(re.findall(r"^    :: state == ([A-Z]+) ->", model, re.M))
    states = states_of(table)
    for name in sorted(states ^ steps):
        print(f"{name}: {'a state without a step in agent.pml' if name in states else 'a step for no state of the table'}")
    return len(states) > 10 and states == steps


def plants():
    return sorted(set(re.findall(r"^#(?:ifdef|ifndef|elif defined) (PLANT_\w+)", (HERE / "agent.pml").read_text(), re.M)))


def verify(base, name, definitions, claim, optimise="-O1"):
    """(errors, states, complete, unreached statements, seconds)"""
    where = Path(base) / re.sub(r"\W", "-", name)
    where.mkdir()
    for f in (HERE / "agent.pml", Path(base) / "table.pml"):
        shutil.copy(f, where)
    began = time.monotonic()
    subprocess.run(["spin", *("-D" + d for d in definitions), "-a", "agent.pml"], cwd=where, check=True, stdout=subprocess.DEVNULL)
    flags = ["-DNOREDUCE"] if claim else ["-DSAFETY", "-DNOCLAIM"]
    subprocess.run(["gcc", optimise, "-w", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MIB}", *flags, "-o", "pan", "pan.c"], cwd=where, check=True)
    done = subprocess.run(["./pan", f"-m{DEPTH}", *(["-a"] if claim else [])], cwd=where, capture_output=True, text=True, check=False)
    out = done.stdout
    errors = re.search(r"errors: (\d+)", out)
    states = re.search(r"(\d+) states, stored", out)
    complete = done.returncode == 0 and errors and "Search not completed" not in out and "max search depth too small" not in out
    unreached = set(re.findall(r'agent\.pml:(\d+), state \d+, "(.*)"', out))
    if not errors or not states:
        raise SystemExit(f"{name}: {out}{done.stderr}")
    return int(errors[1]), int(states[1]), bool(complete), unreached, time.monotonic() - began


def check_runs(base):
    good, unreached = True, None
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda run: verify(base, *run[:3], "-O2"), RUNS))
    for (name, _, claim, fewest), (errors, states, complete, missed, seconds) in zip(RUNS, results):
        ok = errors == 0 and complete and states >= fewest
        print(f"model: {name}: {states} states, {errors} errors{'' if complete else ', NOT COMPLETE'}, {seconds:.0f} s")
        good = good and ok
        if not claim:
            unreached = missed if unreached is None else unreached & missed
    for line, text in sorted(unreached, key=lambda x: int(x[0])):
        print(f"model: never taken: line {line}: {text[:60]}")
    return good and len(unreached) <= UNREACHED_MAX


def check_plants(base):
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda p: verify(base, p, (p,), False), plants()))
    caught = 0
    for name, (errors, states, _, _, seconds) in zip(plants(), results):
        print(f"model: {'caught' if errors else 'MISSED'}: {name} ({states} states, {seconds:.0f} s)")
        caught += errors > 0
    return caught


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("export")
    parser.add_argument("--table-only", action="store_true")
    args = parser.parse_args()
    table = subprocess.run([args.export], check=True, capture_output=True, text=True).stdout
    ok = check_steps(table)
    if args.table_only:
        planted = check_steps(re.sub(r"^#define POLL ", "#define ASK ", table, flags=re.M))  # must be noticed
        sys.exit(0 if ok and not planted else 1)
    if not shutil.which("spin"):
        print("SKIPPED: spin is not installed")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="ota-model-") as base:
        (Path(base) / "table.pml").write_text(table)
        ok = check_runs(base) and ok
        caught = check_plants(base)
    print(f"model: {caught}/{len(plants())} planted faults caught, {'no violation' if ok else 'VIOLATED'}")
    sys.exit(0 if ok and caught == len(plants()) >= 10 else 1)


if __name__ == "__main__":
    main()
