#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""planted.py COUNT-TESTS: sums of small JUnit files, good and bad; each must come out as it stands here."""
import subprocess
import sys
import tempfile
from pathlib import Path

CMOCKA = "[==========] Running 3 test(s).\n[  PASSED  ] {passed} test(s).\n"
GOOD = CMOCKA.format(passed=3)
ONE_FAILED = CMOCKA.format(passed=2) + "[  FAILED  ] 1 test(s), listed below:\n"
ONE_SKIPPED = "[==========] suite: Running 3 test(s).\n[  PASSED  ] 2 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n"
CRASHED = "[==========] Running 3 test(s).\n[ RUN      ] first\n"

# (what, programs as (status, output), last line, exit status)
CASES = [
    ("cmocka", [("run", GOOD)], "3 passed, 0 failed", 0),
    ("one case failed", [("fail", ONE_FAILED)], "2 passed, 1 failed", 1),
    ("one case skipped", [("run", ONE_SKIPPED)], "2 passed, 0 failed, 1 skipped", 0),
    ("a crash leaves cases out", [("fail", CRASHED)], "0 passed, 3 failed", 1),
    ("all cases passed, then the program failed", [("fail", GOOD)], "3 passed, 1 failed", 1),
    ("a script that counts", [("run", "5 passed, 0 failed\n")], "5 passed, 0 failed", 0),
    ("a script that counts a failure", [("fail", "5 passed, 2 failed\n")], "5 passed, 2 failed", 1),
    ("a script that counts a failure and hides it", [("run", "5 passed, 2 failed\n")], "5 passed, 2 failed", 1),
    ("a script that ran nothing", [("run", GOOD), ("run", "0 passed, 0 failed\n")], "3 passed, 0 failed", 1),
    ("a program that does not count", [("run", ""), ("fail", "")], "1 passed, 1 failed", 1),
    ("a test that was not run here", [("run", GOOD), ("notrun", "")], "3 passed, 0 failed, 1 skipped", 0),
    ("nothing at all", [], "0 passed, 0 failed", 1),
]


def junit(programs):
    tests = "".join(f'<testcase name="t{i}" status="{status}"><system-out>{text}</system-out></testcase>'
                    for i, (status, text) in enumerate(programs))
    return f"<testsuite>{tests}</testsuite>"


def main(script):
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        file = Path(tmp, "junit.xml")
        for what, programs, line, status in CASES:
            file.write_text(junit(programs))
            # A file that is not there is left out: a suite that was not reached.
            run = subprocess.run([sys.executable, "-B", script, file, Path(tmp, "absent.xml")], capture_output=True, text=True, check=False)
            if (run.stdout.strip(), run.returncode) != (line, status):
                failed += 1
                print(f"{what}: wanted {line!r} and {status}, got {run.stdout.strip()!r} and {run.returncode} {run.stderr}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
