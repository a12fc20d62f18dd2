# SPDX-License-Identifier: Apache-2.0
"""The real agent against the scripted hawkBit-like server.
usage: run.py BUILD-DIR scenarios|scripted|certified [NAME...]
All of a group, or those named; prints "N passed, M failed". KEEP=1 keeps the folder."""
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import traceback

import certified
import scenarios
import scripted
from device import Failed, Programs, Publisher, until
from operator_api import ApiError, ScriptedOperator

GROUPS = {"scenarios": scenarios.ALL, "scripted": scripted.ALL, "certified": certified.ALL}


class ScriptedServer:
    def __init__(self, folder, *args):
        ready = folder / "server.json"
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen([sys.executable, "-B", pathlib.Path(__file__).with_name("server.py"), ready, *args])
        until(ready.exists, "the scripted server does not start")
        told = json.loads(ready.read_text())
        self.url, self.elsewhere = told["url"], told["elsewhere"]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def run_all(stage_of, chosen):
    """(passed, failed)"""
    passed = failed = 0
    for scenario in chosen:
        stage, began = stage_of(), time.monotonic()
        try:
            scenario(stage)
            passed += 1
            print(f"passed: {scenario.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        except (Failed, ApiError, subprocess.SubprocessError, KeyError) as e:
            failed += 1
            print(f"FAILED: {scenario.__name__}: {e}", flush=True)
            if not isinstance(e, Failed):
                traceback.print_exc(file=sys.stdout)
        finally:
            stage.end()
    return passed, failed


class CertifiedStage(scenarios.Stage):
    authority = stranger = None


def with_certificates(folder, *args):
    """(server, its operator's TLS)"""
    CertifiedStage.authority = certified.Authority(folder / "ca", "authority")
    CertifiedStage.stranger = certified.Authority(folder / "ca", "stranger")
    cert, key = CertifiedStage.authority.issue("server")
    tls = ssl.create_default_context(cafile=CertifiedStage.authority.ca)
    return ScriptedServer(folder, "--tls", cert, key, CertifiedStage.authority.ca, *args), tls


def run_group(programs, folder, group, names, *args):
    """(passed, failed) of these scenarios of the group, or of all."""
    chosen = [f for f in GROUPS[group] if not names or f.__name__ in names]
    tls, stage, server = None, scenarios.Stage, None
    try:
        if group == "certified":
            stage = CertifiedStage
            server, tls = with_certificates(folder, *args)
        else:
            server = ScriptedServer(folder, *args)
        operator, publisher = ScriptedOperator(server.url, tls), Publisher(programs, folder)
        return run_all(lambda: stage(operator, publisher, server.elsewhere), chosen)
    finally:
        if server:
            server.stop()


def in_new_folder(use):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ota-hawkbit-"))
    try:
        return use(folder)
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


def main():
    build, group, *names = sys.argv[1:]
    passed, failed = in_new_folder(lambda folder: run_group(Programs(build), folder, group, names))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
