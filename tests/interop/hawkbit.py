# SPDX-License-Identifier: Apache-2.0
"""hawkBit itself, started on loopback with an in-memory database, and every scenario of tests/hawkbit/scenarios.py against it.
usage: hawkbit.py BUILD-DIR JAR"""
import pathlib
import socket
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "hawkbit"))
import run
import scenarios
from device import Failed, Programs, Publisher, until
from operator_api import Operator


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Hawkbit:
    def __init__(self, folder, jar):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = open(folder / "hawkbit.log", "wb")
        self.process = subprocess.Popen(
            ["java", "-Xmx768m", "-jar", jar, "--server.address=127.0.0.1", f"--server.port={port}",
             f"--org.eclipse.hawkbit.artifact.fs.path={folder / 'artifacts'}", "--hawkbit.controller.minPollingTime=00:00:01",
             "--hawkbit.server.security.dos.filter.enabled=false"], stdout=self.log, stderr=subprocess.STDOUT)
        until(self.up, "hawkBit does not start", 300)

    def up(self):
        if self.process.poll() is not None:
            raise Failed(f"hawkBit ended with {self.process.returncode}: {pathlib.Path(self.log.name).read_text()[-2000:]}")
        try:
            urllib.request.urlopen(self.url + "/rest/v1/targets", timeout=10)
        except urllib.error.HTTPError:
            return True  # it asks who we are
        except OSError:
            return False
        return True

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def run_here(programs, jar, folder):
    server = Hawkbit(folder, jar)
    try:
        operator, publisher = Operator(server.url), Publisher(programs, folder)
        return run.run_all(lambda: scenarios.Stage(operator, publisher), scenarios.ALL)
    finally:
        server.stop()


def main():
    build, jar = sys.argv[1:]
    passed, failed = run.in_new_folder(lambda folder: run_here(Programs(build), jar, folder))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
