#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The core's size per stage, held by a budget: size.py --build FOLDER [--prefix arm-none-eabi-] BUDGET

FOLDER is a CMake build of libota.a. Objects are taken from its stages' folders, and must be the archive's members, no
more and no less. Also checks the archive's undefined symbols and, where the compiler left call graphs, reports stack.
Exits 1 when over the budget.
"""
import argparse
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the tree stays as it is
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/layering"))
import callgraph  # noqa: E402
import objects  # noqa: E402
from tree import listed  # noqa: E402

SECTIONS = ("text", "data", "bss")
INFLATE = ("inflate",)  # of lib/delta; the rest of it is the patch decoder, which a device links only when it uses patches


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def stage_objects(build):
    """(stage, object) of every source that exists: a build folder may keep objects of sources that went away."""
    for path in sorted(build.glob("CMakeFiles/ota_*.dir/lib/*/*.c.*")):
        if path.suffix in (".o", ".obj") and (ROOT / "lib" / path.parent.name / path.stem).is_file():
            yield path.parent.name, path


def part_of(stage, path):
    name = path.name.split(".")[0]
    decoder = stage == "delta" and name not in INFLATE
    if (stage, name) in (("agent", "ranges"), ("agent", "detour")):
        return "index"
    return "patch" if decoder or (stage, name) == ("agent", "patch") else stage


def measure(found, prefix):
    """part -> {section: bytes}"""
    sizes = {}
    for stage, path in found:
        stage = part_of(stage, path)
        numbers = [int(n) for n in output(f"{prefix}size", str(path)).splitlines()[1].split()[:3]]
        row = sizes.setdefault(stage, dict.fromkeys(SECTIONS, 0))
        for section, n in zip(SECTIONS, numbers):
            row[section] += n
    return sizes


def read_budget(path):
    for line in listed(path):
        stages, section, limit = line.split()
        if section not in SECTIONS:
            raise ValueError(f"{path}: no such section: {line}")
        yield stages, section, int(limit)


def names_of(stages, sizes):
    """ "a+b", "all", or "all-a-b": all but these."""
    every, *without = stages.split("-")
    if every != "all":
        return stages.split("+")
    return [name for name in sizes if name not in without] + [name for name in without if name not in sizes]


def judge(sizes, budget):
    """Print each line of the budget; return how many are exceeded."""
    over = 0
    for stages, section, limit in budget:
        names = names_of(stages, sizes)
        if not set(names) <= set(sizes):
            raise ValueError(f"budget names a stage that was not built: {stages}")
        used = sum(sizes[s][section] for s in names)
        over += used > limit
        print(f"{stages:10} {section:5} {used:7} of {limit:6}  {'OVER by ' + str(used - limit) if used > limit else 'ok'}")
    return over


def print_table(sizes):
    print(f"{'stage':10}" + "".join(f"{s:>8}" for s in SECTIONS))
    for stage, row in sorted(sizes.items(), key=lambda item: -item[1]["text"]):
        print(f"{stage:10}" + "".join(f"{row[s]:8}" for s in SECTIONS))
    print(f"{'all':10}" + "".join(f"{sum(r[s] for r in sizes.values()):8}" for s in SECTIONS))


def print_largest(found, prefix, count=25):
    """Where to look when the budget is exceeded. String constants have no symbol: they are not in this list."""
    rows = []
    for stage, path in found:
        for line in output(f"{prefix}nm", "-S", "--size-sort", str(path)).splitlines():
            _, size, _, name = line.split()
            rows.append((int(size, 16), f"{stage}/{path.stem}", name))
    print("\nLargest functions and tables:")
    print("\n".join(f"{size:8}  {where:28} {name}" for size, where, name in sorted(rows, reverse=True)[:count]))


def print_stack(build):
    ci_files = sorted(build.glob("CMakeFiles/ota_*.dir/lib/*/*.ci"))
    if ci_files:
        graph = callgraph.Graph(ci_files)
        graph.declare(callgraph.read_rules(ROOT / "tests/layering/indirect.txt"))
        print("\nDeepest stack in bytes, without what ports, zlib and libc use:")
        print("\n".join(f"{size:8}  {name}" for size, name in callgraph.report(graph)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--prefix", default="")
    parser.add_argument("--only-size", action="store_true", help="leave the symbols alone, for a build with sanitizers or hardening")
    parser.add_argument("budget", type=Path)
    args = parser.parse_args()

    found = list(stage_objects(args.build))
    members = output(f"{args.prefix}ar", "t", str(args.build / "libota.a")).split()
    if sorted(members) != sorted(path.name for _, path in found) or not found:
        print("size: the objects are not the archive's members", file=sys.stderr)
        return 1
    sizes = measure(found, args.prefix)
    print_table(sizes)
    print()
    failures = judge(sizes, read_budget(args.budget))
    if failures:
        print_largest(found, args.prefix)
    if not args.only_size:
        wrong = objects.check_symbols([(stage, str(path), path) for stage, path in found], f"{args.prefix}nm")
        print("\n".join(wrong))
        failures += len(wrong)
        print_stack(args.build)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
