# SPDX-License-Identifier: Apache-2.0
"""Rules on the text of the files themselves: licence line, words, length of files and of functions."""
import re
from pathlib import Path

from tree import complaint, listed, tracked

LICENCE = "SPDX-License-Identifier: Apache-2.0"
LICENSED = {".c", ".h", ".def", ".py", ".sh", ".cmake", ".in", ".txt"}
MEASURED = {".c", ".h", ".py", ".sh", ".cmake"}
INDENTED = {".c", ".h", ".py", ".cmake"}  # a shell script may need a tab in what it matches
FILE_MAX = 600
FUNCTION_MAX = 60

# Spelled in pieces, so that this file keeps its own rule.
MACHINE_PATHS = re.compile("/wo" + r"rk/|/tmp/(?:bash|brief|b-)|/ro" + "ot/|/ho" + r"me/(?!user\b|\$)")
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
# A stub marked as unfinished is what the template is for.
MAY_BE_UNFINISHED = ("ports/template/",)


def needs_licence(name):
    path = Path(name)
    if "corpus" in path.parts or "vectors" in path.parts:
        return False
    return path.suffix in LICENSED or path.name in ("Makefile", "run") and path.suffix == ""


def check_words(root, path, lines):
    name = str(path.relative_to(root))
    for number, text in enumerate(lines, 1):
        if MACHINE_PATHS.search(text):
            yield complaint(root, path, number, "a path of somebody's machine")
        if UNFINISHED.search(text) and not name.startswith(MAY_BE_UNFINISHED):
            yield complaint(root, path, number, "marked as unfinished")
        if path.suffix in INDENTED and "\t" in text or path.suffix in MEASURED and text != text.rstrip():
            yield complaint(root, path, number, "tab or trailing blank")


def check_functions(root, path, lines, exceptions):
    """In the tree's style a function's body is between braces in column 0."""
    start = None
    for number, text in enumerate(lines, 1):
        if text == "{":
            start = number
        elif text == "}" and start:
            if number - start - 1 > FUNCTION_MAX and f"{path.relative_to(root)}:function" not in exceptions:
                yield complaint(root, path, start, f"function of {number - start - 1} lines, more than {FUNCTION_MAX}")
            start = None


def check(root):
    exceptions_file = root / "tests/layering/exceptions.txt"
    exceptions = set(listed(exceptions_file)) if exceptions_file.is_file() else set()
    found = []
    count = 0
    for path in tracked(root):
        name = str(path.relative_to(root))
        if needs_licence(name):
            if LICENCE not in "\n".join(path.read_text().splitlines()[:3]):
                found.append(complaint(root, path, 1, "no licence line at the top"))
        if "corpus" in path.parts or "vectors" in path.parts or b"\0" in path.read_bytes():
            continue
        count += 1
        lines = path.read_text(errors="replace").splitlines()
        found += check_words(root, path, lines)
        if path.suffix in MEASURED and len(lines) >= FILE_MAX and name not in exceptions:
            found.append(complaint(root, path, len(lines), f"file of {len(lines)} lines, {FILE_MAX} or more"))
        if path.suffix == ".c":
            found += check_functions(root, path, lines, exceptions)
    for name in sorted(exceptions):
        if not (root / name.removesuffix(":function")).is_file():
            found.append(f"tests/layering/exceptions.txt: {name} does not exist")
    return count, found
