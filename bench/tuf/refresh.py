# SPDX-License-Identifier: Apache-2.0
"""One refresh with python-tuf. Usage: refresh.py URL ROOT EMPTY_DIR; without URL it starts and does nothing."""
import pathlib
import sys

from tuf.ngclient import Updater

if len(sys.argv) > 1:
    url, root, directory = sys.argv[1:]
    Updater(directory, url, bootstrap=pathlib.Path(root).read_bytes()).refresh()
