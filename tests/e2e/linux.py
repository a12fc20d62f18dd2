#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Linux device with the installed agent, from power on to the report, in QEMU. One line for each scenario.

usage: linux.py OTA-REPO [SCENARIO...]      Status 77: something is not to be had here, and the line says what."""
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from device import Publisher, UBootDevice, Wrong, expect
from kit import ARM64, Kit, Skip


class World:
    """Made once: the kit, the images, the deployments."""

    def __init__(self, repo_tool, path):
        self.path = path
        self.publisher = Publisher(Kit(ARM64), repo_tool, path)
        self.publisher.image("1.0.0")
        self.webs = {"1.0.0": self.publisher.deploy("1.0.0")}

    def release(self, version, *deploy, **image):
        if version not in self.webs:
            self.publisher.image(version, **image)
            self.webs[version] = self.publisher.deploy(version, *deploy)
        return self.webs[version]

    def device(self, name, version, **more):
        return UBootDevice(self.publisher, self.path / name, "1.0.0", self.webs[version], **more)


def outcome(device, version):
    """The report that tells what became of this version, once it has arrived."""
    def look():
        return [r for r in device.server.reports() if r["version"] == version and r["outcome"] != "refused"]
    return device.machine.until(look, f"the report on {version}")[-1]


def starts(device):
    return [line.split("DEVICE up ")[1] for line in device.machine.lines if "DEVICE up " in line]


def good_update(world):
    world.release("2.0.0")
    device = world.device("good", "2.0.0")
    try:
        device.power_on()
        report = outcome(device, "2.0.0")
        expect(report["outcome"] == "confirmed", report)
        expect(starts(device) == ["slot=A version=1.0.0", "slot=B version=2.0.0"], starts(device))
        device.power_off()
        expect(device.holds(1, "2.0.0"), "slot b does not hold 2.0.0")
        env = device.environment()
        expect(env and env["BOOT_ORDER"] == "B A" and env["BOOT_B_LEFT"] == "3", env)
        return "2.0.0 runs from slot b, confirmed, and told"
    finally:
        device.close()


SCENARIOS = {"good update": good_update}


def main():
    repo_tool, wanted = Path(sys.argv[1]).resolve(), sys.argv[2:]
    failed, keep = 0, os.environ.get("E2E_KEEP")
    path = Path(tempfile.mkdtemp(prefix="ota-e2e-"))
    try:
        began = time.monotonic()
        world = World(repo_tool, path)
        print(f"linux: the agent built and the first image published: {time.monotonic() - began:.0f} s", flush=True)
        for name, scenario in SCENARIOS.items():
            if wanted and name not in wanted:
                continue
            began = time.monotonic()
            try:
                result = "ok: " + scenario(world)
            except Wrong as wrong:
                failed, result = failed + 1, f"FAILED: {wrong}"
            print(f"linux: {name}: {result}: {time.monotonic() - began:.0f} s", flush=True)
    except Skip as reason:
        print(f"SKIPPED: {reason}")
        sys.exit(77)
    finally:
        if keep:
            print(f"kept: {path}")
        else:
            shutil.rmtree(path)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
