#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Branch coverage that may not drop, and MC/DC.

  coverage.py branches BUILD            after the tests of preset cov: every branch of the folders that
                                        tests/coverage/exceptions.txt names is taken, or stands there with its reason
  coverage.py mcdc BUILD                after the tests of preset mcdc, run with the LLVM_PROFILE_FILE that the preset
                                        sets: decisions of each folder of lib/ with their conditions shown independent

An exception that is not needed any more is an error too, so the list only shrinks. What is missing is
printed in the list's own form, for whoever has to write a test or a reason.
"""
import argparse
import collections
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = "tests/coverage/exceptions.txt"


class Problem(Exception):
    """A sentence for whoever reads the output."""


# ---- the list ----

def read_list(path):
    """[folder, ...], {(file, function, line's text): branches that are never taken}, and folders that are only reported"""
    folders, allowed, reported = [], {}, set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        head = re.fullmatch(r"\[([\w/]+)\]( reported)?", line)
        if head:
            folders.append(head[1])
            if head[2]:
                reported.add(head[1])
            continue
        # file | function | branches | the line as it stands | why
        parts = line.split(" | ", 3)
        text, _, why = parts[-1].rpartition(" | ")
        if len(parts) != 4 or not parts[2].isdigit() or not text or len(why.split()) < 3 or not folders:
            raise Problem(f"{path}:{number}: wants 'file | function | branches | line of code | why' below a [folder]")
        key = (f"{folders[-1]}/{parts[0]}", parts[1], text)
        if key in allowed:
            raise Problem(f"{path}:{number}: stands there twice")
        allowed[key] = int(parts[2])
    if not folders:
        raise Problem(f"{path}: names no folder")
    return folders, allowed, reported


# ---- gcc's branches, through gcovr ----

def measure(root, build, folders):
    filters = [arg for folder in folders for arg in ("--filter", f"{folder}/")]
    run = subprocess.run(["gcovr", "--root", str(root), *filters, "--json", "-", str(build)], cwd=root, check=True,
                         stdout=subprocess.PIPE)
    return json.loads(run.stdout)


def function_at(functions, line):
    """The function that begins last before the line."""
    before = [f for f in functions if f["lineno"] <= line]
    return max(before, key=lambda f: f["lineno"])["name"] if before else "-"


def missing_in(root, entry):
    """{(file, function, text): branches never taken}; a function that is never called counts as one branch."""
    missing = collections.Counter()
    lines = (root / entry["file"]).read_text(encoding="utf-8").splitlines()
    for f in entry.get("functions", []):
        if not f["execution_count"]:
            missing[(entry["file"], f["name"], lines[f["lineno"] - 1].strip())] += 1
    for line in entry["lines"]:
        never = sum(not branch["count"] for branch in line["branches"])
        if never:
            number = line["line_number"]
            missing[(entry["file"], function_at(entry["functions"], number), lines[number - 1].strip())] += never
    return missing


def judge(folders, allowed, reported, data, root):
    """Lines of output, and the complaints."""
    figures, complaints, missing = [], [], collections.Counter()
    for folder in folders:
        files = [f for f in data["files"] if f["file"].startswith(folder + "/")]
        branches = [b for f in files for line in f["lines"] for b in line["branches"]]
        if not branches:
            complaints.append(f"{folder}: no branch was measured")
            continue
        for f in files if folder not in reported else []:
            missing.update(missing_in(root, f))
        taken = sum(bool(b["count"]) for b in branches)
        excused = sum(n for key, n in allowed.items() if key[0].startswith(folder + "/"))
        figures.append(f"{folder}: {taken} of {len(branches)} branches taken ({100 * taken / len(branches):.1f} %), {excused} excused"
                       + (", not held yet" if folder in reported else ""))
    for key in sorted(set(missing) | set(allowed)):
        if missing[key] > allowed.get(key, 0):
            complaints.append("not taken: " + as_row(key, missing[key]))
        elif missing[key] < allowed.get(key, 0):
            complaints.append("excused, and taken or gone: " + as_row(key, allowed[key] - missing[key]))
    return figures, complaints


def as_row(key, count):
    return f"{key[0]} | {key[1]} | {count} | {key[2]}"


def branches(args):
    folders, allowed, reported = read_list(args.root / LIST)
    data = json.loads(Path(args.json).read_text(encoding="utf-8")) if args.json else measure(args.root, args.build, folders)
    figures, complaints = judge(folders, allowed, reported, data, args.root)
    print("\n".join(figures + complaints))
    return 1 if complaints else 0


# ---- clang's MC/DC ----

def llvm(tool):
    return f"{tool}-19"


def mcdc_export(build):
    """What llvm-cov says of every test program that left a profile."""
    profiles = sorted(build.glob("profiles/*.profraw"))
    # Only the programs beside tests/unit and tests/flow hold lib/ as it was compiled for them.
    programs = sorted(p for p in build.glob("tests/**/*") if p.is_file() and re.match(r"(unit|flow|compat|faults|soak)_", p.name)
                      and p.stat().st_mode & 0o100 and not p.suffix)
    if not profiles or not programs:
        raise Problem(f"{build}: no profiles of test programs; run the tests of preset mcdc first")
    merged = build / "merged.profdata"
    subprocess.run([llvm("llvm-profdata"), "merge", "--sparse", "-o", str(merged), *map(str, profiles)], check=True)
    objects = [arg for p in programs[1:] for arg in ("--object", str(p))]
    run = subprocess.run([llvm("llvm-cov"), "export", "--summary-only", "--instr-profile", str(merged), str(programs[0]), *objects],
                         check=True, stdout=subprocess.PIPE)
    return json.loads(run.stdout)


def mcdc_figures(data, root):
    sums = collections.defaultdict(lambda: [0, 0])
    for f in data["data"][0]["files"]:
        name = Path(f["filename"])
        if not name.is_relative_to(root / "lib"):
            continue
        folder = str(name.relative_to(root).parent)
        sums[folder][0] += f["summary"]["mcdc"]["covered"]
        sums[folder][1] += f["summary"]["mcdc"]["count"]
    return {folder: pair for folder, pair in sorted(sums.items()) if pair[1]}


def mcdc(args):
    figures = mcdc_figures(mcdc_export(args.build), args.root)
    for folder, (covered, count) in figures.items():
        print(f"{folder}: {covered} of {count} conditions shown independent ({100 * covered / count:.1f} %)")
    covered, count = (sum(pair[i] for pair in figures.values()) for i in (0, 1))
    if not count:
        raise Problem("no decision was measured")
    print(f"MC/DC of lib: {covered} of {count} conditions ({100 * covered / count:.1f} %)")
    return 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["branches", "mcdc"])
    p.add_argument("build", type=lambda s: Path(s).resolve())
    p.add_argument("--root", type=lambda s: Path(s).resolve(), default=ROOT, help="the source tree")
    p.add_argument("--json", help="gcovr's JSON, already made")
    args = p.parse_args()
    try:
        return {"branches": branches, "mcdc": mcdc}[args.what](args)
    except Problem as problem:
        print(f"coverage: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
