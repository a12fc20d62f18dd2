# SPDX-License-Identifier: Apache-2.0
"""What the compiled core needs and holds. The sources are compiled here, so that sanitizers and hardening of the
build at hand do not show up as calls of the core.

- each stage calls only itself, lib/base, mem*/str* and, in lib/delta, inflate*: no heap, no stdio, no other stage
- no data that can change
- no recursion, no unbounded stack frame (callgraph.py)
"""
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import callgraph
from tree import files

LIBC = re.compile(r"^(?:mem(?:cpy|move|set|cmp|chr)|str(?:len|cmp|ncmp|chr|rchr|str|spn|cspn))$")
ZLIB = re.compile(r"^inflate\w*$")
ZSTD = re.compile(r"^ZSTD_(?:estimateDStreamSize|initStaticDStream|DCtx_setParameter|decompressStream|isError)$")
ARM_RUNTIME = re.compile(r"^__aeabi_\w+$")
CHANGEABLE = set("bBdDCgGsS")
# Unoptimised, so that every call of the source is in the graph; the rest adds no symbol that the source does not ask for.
CFLAGS = ["-std=c11", "-O0", "-fcallgraph-info=su", "-fno-pic", "-fno-pie", "-fno-stack-protector", "-U_FORTIFY_SOURCE", "-w"]


def compile_one(root, source, out):
    """Compile into out/<stage>.<name>.o, with the call graph beside it."""
    stage = source.parent.name
    folders = [root / "include"] + sorted(p for p in (root / "lib").iterdir() if p.is_dir())
    target = out / f"{stage}.{source.stem}.o"
    command = [os.environ.get("OTA_GCC", "gcc"), *CFLAGS, *(f"-I{f}" for f in folders), "-c", str(source), "-o", str(target)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return target, f"{source.relative_to(root)}: does not compile: {run.stderr[:400]}" if run.returncode else None


def symbols(path, nm):
    """(undefined, defined, changeable) names of an object."""
    undefined, defined, changeable = set(), set(), set()
    for line in subprocess.run([nm, "-P", str(path)], capture_output=True, text=True, check=True).stdout.splitlines():
        name, kind = line.split()[:2]
        if kind == "U":
            undefined.add(name)
            continue
        defined.add(name)
        if kind in CHANGEABLE:
            changeable.add(name)
    return undefined, defined, changeable


def is_allowed(stage, name):
    return bool(LIBC.match(name) or ARM_RUNTIME.match(name) or stage == "delta" and (ZLIB.match(name) or ZSTD.match(name)))


def check_symbols(objects, nm="nm"):
    """objects: list of (stage, label, path)."""
    table = [(stage, label, *symbols(path, nm)) for stage, label, path in objects]
    owner = {name: stage for stage, _, _, defined, _ in table for name in defined}
    found = []
    for stage, label, undefined, _, changeable in table:
        for name in sorted(undefined):
            home = owner.get(name)
            if home is None and not is_allowed(stage, name):
                found.append(f"{label}: calls {name}, which the core may not use")
            elif home is not None and stage != "agent" and home not in (stage, "base"):
                found.append(f"{label}: calls {name} of lib/{home}")
        found += [f"{label}: {name} is data that can change" for name in sorted(changeable)]
    return found


def check(root):
    sources = files(root, "lib/*/*.c")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        built = list(pool.map(lambda s: compile_one(root, s, Path(folder)), sources))
        failed = [error for _, error in built if error]
        if failed:
            return len(sources), failed
        found = check_symbols([(s.parent.name, str(s.relative_to(root)), o) for s, (o, _) in zip(sources, built)])
        graph = callgraph.Graph(sorted(Path(folder).glob("*.ci")))
        found += callgraph.check(graph, callgraph.read_rules(root / "tests/layering/indirect.txt"))
        return len(sources), [text.replace(f"{root}/", "") for text in found]
