#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What PORTING.md shows of a file must stand in that file: excerpts.py. Also checks that a changed letter would be noticed."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXCERPT = re.compile(r"<!-- from (\S+) -->\n```c\n(.*?)```\n", re.S)


def strangers(text):
    """Files whose excerpt is not theirs, and how many excerpts there are."""
    found = EXCERPT.findall(text)
    return [name for name, code in found if code not in (ROOT / name).read_text()], len(found)


def main():
    text = (ROOT / "PORTING.md").read_text()
    wrong, count = strangers(text)
    print(f"{count} excerpts; not in their file: {', '.join(wrong) or 'none'}")
    for name, code in EXCERPT.findall(text):
        planted, _ = strangers(text.replace(code, code.replace("(", "[", 1)))
        if name not in planted:
            print(f"a change in the excerpt of {name} is not noticed")
            return 1
    return 1 if wrong or count < 4 else 0


if __name__ == "__main__":
    sys.exit(main())
