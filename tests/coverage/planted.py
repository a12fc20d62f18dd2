#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""planted.py COVERAGE: small trees with a measurement and a list of exceptions, good and bad; each must be judged as it
stands here."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = "int f(int a)\n{\n    if (a || f(1))\n        return 1;\n    return 0;\n}\n"
EXCUSE = "x.c | f | 1 | if (a || f(1)) | f() never calls itself\n"


def measured(taken, calls=1, name="lib/one/x.c"):
    return {"files": [{"file": name, "functions": [{"name": "f", "lineno": 1, "execution_count": calls}],
                       "lines": [{"line_number": 3, "count": 1, "branches": [{"count": n} for n in taken]}]}]}


ALL, ONE_LESS = measured([1, 2, 3, 4]), measured([1, 2, 0, 4])

# (what, list, measurement, exit status, part of the output)
CASES = [
    ("everything is taken", "[lib/one]\n", ALL, 0, "4 of 4 branches"),
    ("one branch is not taken", "[lib/one]\n", ONE_LESS, 1, "not taken: lib/one/x.c | f | 1 | if (a || f(1))"),
    ("a folder that is only reported", "[lib/one] reported\n", ONE_LESS, 0, "3 of 4 branches taken (75.0 %), 0 excused, not held yet"),
    ("one branch is not taken and excused", "[lib/one]\n" + EXCUSE, ONE_LESS, 0, "1 excused"),
    ("two are not taken and one is excused", "[lib/one]\n" + EXCUSE, measured([0, 2, 0, 4]), 1, "not taken: "),
    ("an excuse is not needed", "[lib/one]\n" + EXCUSE, ALL, 1, "excused, and taken or gone"),
    ("the excused line has changed", "[lib/one]\n" + EXCUSE.replace("a ||", "b ||"), ONE_LESS, 1, "excused, and taken or gone"),
    ("an excuse for another function", "[lib/one]\n" + EXCUSE.replace("| f |", "| g |"), ONE_LESS, 1, "not taken: "),
    ("a function is never called", "[lib/one]\n", measured([1, 2, 3, 4], calls=0), 1, "not taken: lib/one/x.c | f | 1 | int f(int a)"),
    ("a folder that was not measured", "[lib/one]\n[lib/two]\n", ALL, 1, "lib/two: no branch was measured"),
    ("an excuse without a reason", "[lib/one]\n" + EXCUSE.replace("f() never calls itself", "-"), ONE_LESS, 2, "wants 'file"),
    ("an excuse that stands there twice", "[lib/one]\n" + 2 * EXCUSE, ONE_LESS, 2, "stands there twice"),
    ("an excuse below no folder", EXCUSE + "[lib/one]\n", ONE_LESS, 2, "below a [folder]"),
    ("a list of nothing", "# nothing\n", ALL, 2, "names no folder"),
]


def main(script):
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        for folder in ("lib/one", "tests/coverage"):
            Path(tmp, folder).mkdir(parents=True)
        Path(tmp, "lib/one/x.c").write_text(SOURCE, encoding="utf-8")
        for what, exceptions, data, status, part in CASES:
            Path(tmp, "tests/coverage/exceptions.txt").write_text(exceptions, encoding="utf-8")
            Path(tmp, "data.json").write_text(json.dumps(data), encoding="utf-8")
            run = subprocess.run([sys.executable, "-B", script, "branches", tmp, "--root", tmp, "--json", f"{tmp}/data.json"],
                                 capture_output=True, text=True, check=False)
            if run.returncode != status or part not in run.stdout + run.stderr:
                failed += 1
                print(f"{what}: wanted {status} and {part!r}, got {run.returncode} and {run.stdout}{run.stderr}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
