#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Linux devices with the installed agent, from power on to the report, in QEMU. One line for each scenario.

usage: linux.py OTA-REPO [SCENARIO|BOARD...]      E2E_KEEP=1 keeps the devices, E2E_JOBS says how many run at a time [2].
Status 77: something is not to be had here, and a line says what."""
import copy
import os
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cuts
import updates
from device import Publisher, Wrong
from kit import AMD64, ARM64, Kit, Skip
from loaders import Grub, SystemdBoot, UBoot


class World:
    """Made once for an architecture: the kit and the factory's image. The other images are published when they are first asked for."""

    def __init__(self, arch, repo_tool, path):
        self.path, self.lock, self.board = path, threading.Lock(), None
        path.mkdir()
        self.publisher = Publisher(Kit(arch), repo_tool, path)
        self.webs = {}
        self.release("1.0.0")

    def release(self, version, publish=("--no-deflate", "--delta-from", "none"), **image):
        """The web root in which it is deployed."""
        with self.lock:
            if version not in self.webs:
                self.publisher.image(version, **image)
                self.webs[version] = self.publisher.deploy(version, publish)
            return self.webs[version]

    def on(self, board):
        """The same world, for devices of this kind."""
        other = copy.copy(self)
        other.board = board
        return other

    def device(self, name, version, **more):
        """Fresh from the factory, with a server that has this version for it."""
        return self.board(self.publisher, self.path / name, "1.0.0", self.webs[version], **more)


def play(world, board, name, scenario):
    """True if it ended as it must."""
    began = time.monotonic()
    try:
        result, good = "ok: " + scenario(world.on(board)), True
    except Wrong as wrong:
        result, good = f"FAILED: {wrong}", False
    print(f"{board.__name__}: {name}: {result}: {time.monotonic() - began:.0f} s", flush=True)
    return good


BOARDS = ((ARM64, UBoot, updates.SCENARIOS | cuts.SCENARIOS), (AMD64, SystemdBoot, updates.ON_EVERY_BOARD), (AMD64, Grub, updates.ON_EVERY_BOARD))


def plan(wanted, repo_tool, path):
    """(world, board, name, scenario) of everything that was asked for and can be had here. And whether something cannot."""
    worlds, found, missing = {}, [], False
    for arch, board, scenarios in BOARDS:
        chosen = {name: s for name, s in scenarios.items() if not wanted or name in wanted or board.__name__ in wanted}
        try:
            if chosen and arch not in worlds:
                began = time.monotonic()
                worlds[arch] = World(arch, repo_tool, path / arch.debian)
                print(f"{arch.debian}: the agent built and the first image published: {time.monotonic() - began:.0f} s", flush=True)
            found += [(worlds[arch], board, name, s) for name, s in chosen.items()]
        except Skip as reason:
            print(f"SKIPPED: {board.__name__}: {reason}", flush=True)
            missing = True
    return found, missing


def main():
    path = Path(tempfile.mkdtemp(prefix="ota-e2e-"))
    try:
        found, missing = plan(sys.argv[2:], Path(sys.argv[1]).resolve(), path)
        with ThreadPoolExecutor(int(os.environ.get("E2E_JOBS", 2))) as pool:
            good = list(pool.map(lambda one: play(*one), found))
    finally:
        if os.environ.get("E2E_KEEP"):
            print(f"kept: {path}")
        else:
            shutil.rmtree(path)
    if not all(good):
        sys.exit(1)
    sys.exit(77 if missing or not good else 0)


if __name__ == "__main__":
    main()
