# SPDX-License-Identifier: Apache-2.0
"""Do the scenarios notice? A server and devices with one fault each; a scenario must fail on each.
usage: planted.py BUILD-DIR"""
import io
import contextlib
import sys

import run
from device import Device, Programs

# What the server does wrong (server.py --planted), and the scenario that must notice.
SERVER = (("mark", "scripted", "put_off"), ("cancel", "scenarios", "cancel_download"), ("early", "scenarios", "forced"),
          ("groups", "scenarios", "rollout"), ("error", "scenarios", "sick"))


def silently(use):
    with contextlib.redirect_stdout(io.StringIO()):
        return use()


def noticed(programs, group, name, *args):
    passed, failed = silently(lambda: run.in_new_folder(lambda folder: run.run_group(programs, folder, group, [name], *args)))
    return passed + failed == 1 and failed == 1


def without_outbox(programs):
    """A device that forgets what it owes: its record is lost when it is killed."""
    kill = Device.kill

    def lossy(self):
        kill(self)
        for record in (self.home / "state").glob("hawkbit*"):
            record.unlink()
    Device.kill = lossy
    try:
        return noticed(programs, "scripted", "kept_across_kills")
    finally:
        Device.kill = kill


def main():
    programs = Programs(sys.argv[1])
    results = [(f"{fault}: {name}", noticed(programs, group, name, "--planted", fault)) for fault, group, name in SERVER]
    results.append(("a lost outbox: kept_across_kills", without_outbox(programs)))
    for what, good in results:
        print(f"{'noticed' if good else 'NOT NOTICED'}: {what}")
    failed = sum(not good for _, good in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
