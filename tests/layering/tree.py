# SPDX-License-Identifier: Apache-2.0
"""What the checks share: which files there are, and how a complaint looks."""
import subprocess
from pathlib import Path

SKIPPED_FOLDERS = {".git", "build"}


def files(root, *patterns):
    """Files below root that match a pattern such as 'lib/*/*.c', sorted; what git ignores by way of build/ is left out."""
    found = {p for pattern in patterns for p in Path(root).glob(pattern)}
    return sorted(p for p in found if p.is_file() and not SKIPPED_FOLDERS & set(p.relative_to(root).parts))


def tracked(root):
    """Every file of the project: what git tracks, or, outside a git checkout, everything."""
    run = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True, check=False)
    own_checkout = run.returncode == 0 and (Path(root) / ".git").exists()
    if own_checkout:
        return [p for p in (Path(root) / name for name in sorted(run.stdout.split("\0")) if name) if p.is_file()]
    return files(root, "**/*")


def complaint(root, path, line, message):
    return f"{Path(path).relative_to(root)}:{line}: {message}"


def listed(path):
    """Lines of a list file without comments and blanks."""
    lines = (line.split("#", 1)[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]
