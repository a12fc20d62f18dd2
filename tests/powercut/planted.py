#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""figure.py must refuse what these outputs say, and take what it can take. seeded.py's changes must fit the sources."""
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
GOOD = "powercut: 2000000 cuts, 90000 double, 24 scenarios, 10 geometries, 0 violations"
SEEDED = "30/30 seeded bugs caught"
README = f"text\n    {GOOD}, {SEEDED}\nmore\n"

# the explorer's line, the seeded bugs' line, README.md, what must be said ("" = taken)
CASES = [
    (GOOD, SEEDED, README, ""),
    (GOOD.replace("2000000", "1900000"), SEEDED, README, ""),
    (GOOD.replace("2000000", "1700000"), SEEDED, README, "stale"),
    (GOOD.replace("0 violations", "1 violations"), SEEDED, README, "1 violations"),
    (GOOD, SEEDED.replace("30/", "29/"), README, "1 seeded bugs not caught"),
    (GOOD.replace("2000000", "999999"), SEEDED, README.replace("2000000", "999999"), "fewer than 1000000"),
    (GOOD.replace("24 scen", "16 scen"), SEEDED, README.replace("24 scen", "16 scen"), "16 scenarios"),
    (GOOD, SEEDED.replace("30", "24"), README.replace("30/30", "24/24"), "24 seeded bugs"),
    ("nothing", SEEDED, README, "explorer's line stands 0 times"),
    (GOOD, "nothing", README, "seeded bugs' line stands 0 times"),
    (GOOD, SEEDED, "nothing", "README.md stands 0 times"),
    (GOOD, SEEDED, README + README, "README.md stands 2 times"),
]


def run_figure(folder, case, *more):
    files = [folder / name for name in ("explored", "seeded", "README.md")]
    for file, text in zip(files, case):
        file.write_text(text + "\n")
    return subprocess.run([sys.executable, "-B", str(HERE / "figure.py"), str(files[0]), str(files[1]), "--readme", str(files[2]), *more],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main():
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, case in enumerate(CASES, 1):
            done = run_figure(folder, case)
            if (done.returncode == 0) != (case[3] == "") or case[3] not in done.stdout:
                failures.append(f"case {number}: {done.stdout}")
        done = run_figure(folder, (GOOD.replace("2000000", "1700000"), SEEDED, README), "--write")
        if done.returncode or "1700000 cuts" not in (folder / "README.md").read_text():
            failures.append(f"--write: {done.stdout}")
    sys.path.insert(0, str(HERE))
    import seeded
    for bug in seeded.BUGS:
        for path, old, _ in bug[3]:
            count = (seeded.ROOT / path).read_text().count(old)
            if count != 1:
                failures.append(f"seeded bug {bug[0]}: its text stands {count} times in {path}")
    cases = len(CASES) + 1 + len(seeded.BUGS)
    print("\n".join(failures))
    print(f"{cases - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
