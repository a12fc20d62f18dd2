# SPDX-License-Identifier: Apache-2.0
"""Who may include whom.

include/ota   only ota/ headers and three of the C standard's
lib/base      itself, ota/ headers, the C standard's own
lib/<stage>   itself, lib/base, ota/ headers, the C standard's own; lib/delta also <zlib.h>, <zstd.h>
              and the compiler's <emmintrin.h>
lib/agent     every stage
ports/<port>  itself, ota/ headers, the system's
everywhere    no ".." in an include
"""
import re
from pathlib import Path

from tree import complaint, files

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]*)"|<([^>]*)>)')
PUBLIC_STD = {"stdint.h", "stddef.h", "stdbool.h"}
CORE_STD = PUBLIC_STD | {"string.h", "limits.h"}
EXTRA_STD = {"delta": {"zlib.h", "zstd.h", "emmintrin.h"}}


def includes_of(path):
    """(line number, name, is_quoted) of every #include."""
    for number, text in enumerate(path.read_text().splitlines(), 1):
        found = INCLUDE.match(text)
        if found:
            yield number, found.group(1) or found.group(2) or "", found.group(1) is not None


def is_public(root, name):
    return name.startswith("ota/") and (root / "include" / name).is_file()


def allowed(root, path, name, quoted):
    """None if path may include name; otherwise why not."""
    top, folder = path.relative_to(root).parts[:2]
    if ".." in Path(name).parts:
        return 'leaves its folder with ".."'
    if top == "include":
        ok = is_public(root, name) if quoted else name in PUBLIC_STD
        return None if ok else "a public header includes only ota/ headers, stdint, stddef and stdbool"
    if quoted and is_public(root, name):
        return None
    if top == "lib":
        return allowed_in_lib(root, path, folder, name, quoted)
    if top == "ports" and quoted and not (path.parent / name).is_file():
        return "a port includes only itself, ota/ headers and the system's"
    return None


def allowed_in_lib(root, path, stage, name, quoted):
    if not quoted:
        ok = name in CORE_STD | EXTRA_STD.get(stage, set())
        return None if ok else "not one of the system headers that the core may use"
    stages = [p.name for p in (root / "lib").iterdir()] if stage == "agent" else [stage, "base"]
    if any((root / "lib" / s / name).is_file() for s in stages):
        return None
    return "a stage includes only itself, lib/base and ota/ headers"


def check(root):
    sources = files(root, "include/**/*.h", *(f"{top}/**/*.[ch]" for top in ("lib", "ports", "tools", "examples", "tests", "fuzz", "bench")))
    found = []
    for path in sources:
        for number, name, quoted in includes_of(path):
            reason = allowed(root, path, name, quoted)
            if reason:
                found.append(complaint(root, path, number, f"#include of {name}: {reason}"))
    return len(sources), found
