# SPDX-License-Identifier: Apache-2.0
"""Debian's swupdate, a DDI client by other people, reads the scripted server: what our agent is tested against is not our own
reading of the protocol alone. usage: swupdate.py SWUPDATE"""
import hashlib
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "hawkbit"))
import run
from certified import Authority
from device import must, until
from operator_api import ScriptedOperator


class Package:
    """A signed .swu with one file."""

    def __init__(self, folder):
        self.folder = folder / "swu"
        self.folder.mkdir()
        authority = Authority(folder / "signer", "signer")
        self.signer = authority.ca, authority.folder / "signer.key"

    def make(self, version, content, target):
        payload = self.folder / "payload"
        payload.write_bytes(content)
        (self.folder / "sw-description").write_text(
            f'software =\n{{\n  version = "{version}";\n  hardware-compatibility: [ "1.0" ];\n'
            f'  files: (\n    {{ filename = "payload"; path = "{target}"; '
            f'sha256 = "{hashlib.sha256(content).hexdigest()}"; }}\n  );\n}};\n')
        subprocess.run(["openssl", "cms", "-sign", "-in", "sw-description", "-out", "sw-description.sig", "-signer", self.signer[0],
                        "-inkey", self.signer[1], "-outform", "DER", "-nosmimecap", "-binary"], cwd=self.folder, check=True,
                       capture_output=True)
        names = "sw-description\nsw-description.sig\npayload\n"
        return subprocess.run(["cpio", "-o", "-H", "crc"], input=names.encode(), cwd=self.folder, check=True,
                              capture_output=True).stdout


class Client:
    """One run of swupdate, as after a restart of its device. confirm: what the boot loader's environment would say of the last
    update (2 it was good, 3 it failed)."""

    running = []

    def __init__(self, program, folder, operator, name, ca, *credentials, confirm=None):
        Client.running.append(self)
        self.log = open(folder / f"{name}.log", "ab")
        more = ("-c", str(confirm)) if confirm else ()
        suricatta = " ".join(["-t DEFAULT", "-u", operator.url, "-i", name, "-p 1", *credentials, *more])
        (folder / "tmp").mkdir(exist_ok=True)
        config = folder / "swupdate.cfg"
        config.write_text('globals : { verbose = true; };\nidentify : ( { name = "serial"; value = "4711"; } );\n')
        self.process = subprocess.Popen([program, "-v", "-f", config, "-H", "board:1.0", "-k", ca, "-u", suricatta],
                                        stdout=self.log, stderr=subprocess.STDOUT,
                                        env={**os.environ, "TMPDIR": str(folder / "tmp")}, start_new_session=True)

    def stop(self):
        """As power that fails: with the processes that it has started, which are in its session. It need not heed less."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()


def fetches(operator, name):
    return [r["status"] for r in operator.requests(name) if "/artifacts/" in r["path"]]


def scenario(program, folder, operator):
    package, checks = Package(folder), 0
    target = folder / "installed"
    operator.configure("pollingTime", "00:00:01")
    token = operator.add_target("sw")

    def client(*credentials, confirm=None):
        return Client(program, folder, operator, "sw", package.signer[0], *credentials, confirm=confirm)

    def passed(what):
        nonlocal checks
        checks += 1
        print(f"passed: {what}", flush=True)

    # A token that is not its own gets nothing.
    one = client("-k", "wrong")
    until(lambda: len(operator.requests("sw")) >= 2, "no poll")
    one.stop()
    must({r["status"] for r in operator.requests("sw")} == {401}, "a wrong token was let in")
    must(operator.target_status("sw") == "unknown", "registered with a wrong token")
    passed("a wrong token is refused")

    one = client("-k", token)
    until(lambda: operator.target_status("sw") == "registered", "no registration")
    passed("its token registers it")

    # An action is read, its artefact fetched and installed, and the steps told.
    module = operator.add_module("fw", "1", files=[("fw.swu", package.make("1", b"first", target))])
    action = operator.assign(operator.add_set("1", [module], "sw"), "sw")
    until(lambda: target.exists() and target.read_bytes() == b"first", "not installed")
    until(lambda: len(operator.rows("sw", action)) > 3, "no steps told")
    one.stop()
    must(set(fetches(operator, "sw")) <= {200, 206}, f"fetched: {fetches(operator, 'sw')}")
    must(operator.state("sw", action) == "running", f"ended before the restart: {operator.rows('sw', action)}")
    passed("a forced action is fetched and installed, and its steps are told")

    one = client("-k", token, confirm=2)
    until(lambda: operator.state("sw", action) == "finished", "no result")
    must(operator.target_status("sw") == "in_sync" and operator.installed("sw") == "1", "not in sync")
    passed("a good result finishes it")

    # Attributes after a result, as often as the server asks for them.
    until(lambda: not operator.rest("GET", "/targets/sw")["requestAttributes"], "no attributes")
    must(operator.attributes("sw") == {"serial": "4711"}, f"attributes: {operator.attributes('sw')}")
    passed("attributes are sent when they are asked for")

    # One that cannot be installed.
    broken = operator.add_module("fw", "2", files=[("fw.swu", b"no package at all" * 100)])
    action = operator.assign(operator.add_set("2", [broken], "sw"), "sw")
    until(lambda: operator.state("sw", action) == "error", "no failure")
    must(operator.target_status("sw") == "error", "the target is not in error")
    passed("a package that is none fails the action")

    # Cancelled while its download is refused over and over.
    operator.fault("/sw/softwaremodules/.*fw.swu", status=503, times=100000)
    module = operator.add_module("fw", "3", files=[("fw.swu", package.make("3", b"third", target))])
    closed = operator.window(7200)
    action = operator.assign(operator.add_set("3", [module], "sw"), "sw", "soft", maintenanceWindow=closed)
    operator.cancel("sw", action)
    until(lambda: operator.state("sw", action) == "canceled", "the cancellation is not answered")
    passed("a cancellation is accepted")
    operator.script("DELETE", "faults")
    must(target.read_bytes() == b"first", "another file was installed")
    one.stop()

    # The tenant's token registers devices that nobody added.
    operator.configure("authentication.gatewaytoken.enabled", True)
    operator.configure("authentication.gatewaytoken.key", "gw-0123456789")
    two = Client(program, folder, operator, "sw-2", package.signer[0], "-g", "gw-0123456789")
    until(lambda: operator.requests("sw-2") and operator.target_status("sw-2") == "registered", "no registration by that token")
    two.stop()
    passed("the gateway's token registers a new one")
    return checks


def main():
    def use(folder):
        server = run.ScriptedServer(folder)
        try:
            return scenario(sys.argv[1], folder, ScriptedOperator(server.url))
        except Exception:
            for log in folder.glob("*.log"):
                print(log.name, log.read_text(errors="replace")[-3000:], sep="\n")
            raise
        finally:
            for client in Client.running:
                client.stop()
            server.stop()
    print(f"{run.in_new_folder(use)} passed, 0 failed")


if __name__ == "__main__":
    main()
