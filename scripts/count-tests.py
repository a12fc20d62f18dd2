#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sum up test cases from ctest's JUnit files: count-tests.py FILE...

A ctest entry is one program. Programs that count their own cases are taken at their word: cmocka's closing lines, or a
line 'N passed, N failed[, N skipped]'. Any other program is one case. A program that counts zero cases is an error.
Files that do not exist are left out. Prints 'N passed, N failed[, N skipped]'; exits 1 if anything failed or nothing ran.
"""
import os
import re
import sys
import xml.etree.ElementTree as ET

CMOCKA_RUN = re.compile(r"^\[=+\] (?:.*: )?Running (\d+) test", re.M)
CMOCKA_RAN = re.compile(r"^\[=+\] .*?(\d+) test\(s\) run\.", re.M)
CMOCKA_PASSED = re.compile(r"^\[  PASSED  \] (\d+) test", re.M)
CMOCKA_SKIPPED = re.compile(r"^\[  SKIPPED \] .*?(\d+) test\(s\)", re.M)
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] (\d+) test", re.M)
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def total(pattern, text):
    return sum(int(n) for n in pattern.findall(text))


def count_program(status, text):
    """(passed, failed, skipped) of one program's run."""
    plain = PLAIN.findall(text)
    if plain:
        passed, failed, skipped = (sum(int(row[i] or 0) for row in plain) for i in range(3))
    elif CMOCKA_RUN.search(text):
        passed, skipped = total(CMOCKA_PASSED, text), total(CMOCKA_SKIPPED, text)
        failed = max(total(CMOCKA_FAILED, text), total(CMOCKA_RUN, text) - passed - skipped)
    elif status == "notrun" or status == "disabled":
        return 0, 0, 1
    else:
        passed, failed, skipped = (1, 0, 0) if status == "run" else (0, 1, 0)
    if status == "fail" and failed == 0:
        failed = 1
    return passed, failed, skipped


def main(paths):
    sums = [0, 0, 0]
    empty = []
    for path in filter(os.path.exists, paths):
        for case in ET.parse(path).getroot().iter("testcase"):
            counts = count_program(case.get("status"), case.findtext("system-out") or "")
            if not any(counts):
                empty.append(case.get("name"))
            sums = [a + b for a, b in zip(sums, counts)]
    for name in empty:
        print(f"count-tests: {name} ran no test case", file=sys.stderr)
    print(f"{sums[0]} passed, {sums[1]} failed" + (f", {sums[2]} skipped" if sums[2] else ""))
    return 1 if sums[1] or empty or not sums[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
