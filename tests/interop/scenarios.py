# SPDX-License-Identifier: Apache-2.0
"""Repositories made by python-tuf and by tuf-js, each followed by python-tuf, tuf-js and ota-tuf.
Usage: scenarios.py OTA_TUF EMPTY_DIR NODE DIRECTORY-OF-node_modules [--only TEXT] [--makers NAME]"""
import argparse
import collections
import pathlib
import shutil
import sys
import traceback

import clients
import makers
from node import Node
from repo import Repo
from server import Server
from table import ALL
from world import World

import sc_basic    # noqa: F401  they fill the table
import sc_shapes   # noqa: F401
import sc_targets  # noqa: F401
import sc_trust    # noqa: F401


ANY_MAKER = ("broken", "network")  # what is served was not made by anybody, or does not matter


class Suite:
    def __init__(self, ota_tuf, node, modules):
        self.server = Server()
        self.node = Node(node, modules)
        self.makers = [makers.PythonTuf(), makers.TufJs(self.node)]
        self.clients = [clients.PythonTuf(), clients.TufJs(self.node), clients.OtaTuf(ota_tuf)]

    def close(self):
        self.node.close()
        self.server.shutdown()


class Stage:
    """What a scenario plays on."""

    def __init__(self, suite, maker, site, directory):
        self.suite, self.maker, self.site, self.directory = suite, maker, site, directory
        self.worlds = []

    def repo(self, **more):
        return Repo(self.maker, **more)

    def world(self, repo):
        number = len(self.worlds)
        world = World(self.suite, f"{self.site}-{number}", repo, self.directory / str(number))
        self.worlds.append(world)
        return world

    def follow(self, repo):
        world = self.world(repo)
        world.init()
        return world


class Tally:
    def __init__(self):
        self.passed, self.failed = collections.Counter(), []
        self.steps, self.excuses = 0, collections.Counter()

    def add(self, scenario, maker, stage, error):
        self.steps += sum(w.steps for w in stage.worlds)
        for world in stage.worlds:
            self.excuses.update((wrong.client, wrong.why) for wrong in world.excused)
        if error is None:
            self.passed[scenario.theme] += 1
            return
        self.failed.append(scenario)
        print(f"FAIL {scenario.theme}: {scenario.name} [{maker.name}]: {error}")

    def report(self):
        for theme, count in sorted(self.passed.items()):
            print(f"{theme}: {count} scenarios")
        for (client, why), count in sorted(self.excuses.items()):
            print(f"{client} is known to judge otherwise, {count} times: {why}")
        print(f"{self.steps} steps, each judged by every client")
        passed = sum(self.passed.values())
        print(f"{passed} passed, {len(self.failed)} failed")
        return 1 if self.failed or not passed else 0


def play(suite, maker, scenario, site, directory):
    stage = Stage(suite, maker, site, directory)
    try:
        scenario.play(stage)
        assert stage.worlds and all(w.steps for w in stage.worlds), "compared nothing"
        return stage, None
    except Exception as error:  # a scenario may fail in any way; the others still run
        detail = "" if type(error).__name__ == "Unlike" else "\n" + traceback.format_exc()
        return stage, f"{type(error).__name__}: {error}{detail}"


def run(suite, directory, only, maker_names):
    tally = Tally()
    for maker in suite.makers:
        if maker_names and maker.name not in maker_names:
            continue
        for number, scenario in enumerate(ALL):
            if scenario.theme in ANY_MAKER and maker is not suite.makers[0]:
                continue
            if only and not any(text in f"{scenario.theme}: {scenario.name}" for text in only):
                continue
            place = directory / f"{maker.name}-{number}"
            tally.add(scenario, maker, *play(suite, maker, scenario, f"s{number}%20{maker.name}", place))
            shutil.rmtree(place, ignore_errors=True)
    return tally.report()


def main():
    parser = argparse.ArgumentParser()
    for name in ("ota_tuf", "directory", "node", "modules"):
        parser.add_argument(name)
    parser.add_argument("--only", action="append")
    parser.add_argument("--makers", action="append")
    args = parser.parse_args()
    clients.need_faketime()
    suite = Suite(pathlib.Path(args.ota_tuf).resolve(), args.node, args.modules)
    try:
        return run(suite, pathlib.Path(args.directory).resolve(), args.only, args.makers)
    finally:
        suite.close()


if __name__ == "__main__":
    sys.exit(main())
