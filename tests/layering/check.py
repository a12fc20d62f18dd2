#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run one layering check over the tree: check.py includes|objects|text [ROOT]"""
import importlib
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the tree stays as it is
CHECKS = ("includes", "objects", "text")


def main(name, root):
    if name not in CHECKS:
        print(__doc__, file=sys.stderr)
        return 2
    count, found = importlib.import_module(name).check(root)
    print("\n".join(found))
    print(f"{name}: {count} files, {len(found)} complaints")
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "", Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parents[2]).resolve()))
