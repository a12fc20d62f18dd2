# SPDX-License-Identifier: Apache-2.0
"""Instructions of one whole refresh, by ota-tuf and by other clients, in one run. Usage: tuf.sh beside this directory."""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests/interop"))

from makers import PythonTuf  # noqa: E402
from repo import Repo         # noqa: E402
from server import Server     # noqa: E402

ROTATIONS = 5
REFS = re.compile(r"I\s+refs:\s+([\d,]+)")
MILLION = 1e6


class Failed(Exception):
    """A measurement could not be made."""


def sigstore_like():
    """Root and targets under five P-256 keys of which three sign, one of them replaced in each new root; timestamp and
    snapshot under one key online."""
    repo = Repo(PythonTuf())
    holders = [repo.key(f"holder{i}") for i in range(5 + ROTATIONS)]

    def hold(keys):
        for role in ("root", "targets"):
            repo.signed["root"]["keys"] = {}
            repo.set_role(role, 3, keys)
        for role in ("timestamp", "snapshot"):
            repo.set_role(role, 1, [repo.key("online")])

    hold(holders[:5])
    repo.first_root = repo.put("root")
    for i in range(ROTATIONS):
        before, now = holders[i:i + 5], holders[i + 1:i + 6]
        hold(now)
        repo.bump("root", keys=list(dict.fromkeys(before[:3] + now[-3:])))
    for name in ("trusted_root.json", "fulcio_v1.crt.pem", "fulcio_intermediate_v1.crt.pem", "rekor.pub", "ctfe.pub"):
        repo.add_target(name, name.encode() * 100, algorithms=("sha256", "sha512"))
    for role in ("targets", "snapshot", "timestamp"):
        repo.put(role)
    return repo


class Lab:
    def __init__(self, work):
        self.work, self.server, self.repo = work, Server(), sigstore_like()
        self.server.add("bench", self.repo)
        self.root = work / "root.json"
        self.root.write_bytes(self.repo.first_root)

    def count(self, command):
        """Instructions that the process executes in user mode, all of its threads together."""
        valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", "--smc-check=all-non-file"]
        done = subprocess.run([*valgrind, *map(str, command)], capture_output=True, text=True, timeout=900,
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
        found = REFS.search(done.stderr)
        if done.returncode or not found:
            raise Failed(f"{command[0]} ended with {done.returncode}: {done.stderr[-300:]}")
        return int(found[1].replace(",", ""))

    def measure(self, client):
        """(all of it, start alone)"""
        directory = pathlib.Path(tempfile.mkdtemp(dir=self.work))
        client.prepare(self, directory)
        client.warm()
        idle = self.count(client.idle())
        whole = self.count(client.refresh(self, self.server.url("bench", client.name.replace(" ", "_"), "metadata"), directory))
        self.check(client, directory)
        return whole, idle

    def check(self, client, directory):
        """It must have done all of the work."""
        want = [f"GET metadata/{i}.root.json" for i in range(2, ROTATIONS + 3)]
        want += [f"GET metadata/{f}.json" for f in ("timestamp", "1.snapshot", "1.targets")]
        got = self.server.requests("bench", client.name.replace(" ", "_"))
        if got != want or (directory / "targets.json").read_bytes() != self.repo.files["1.targets.json"]:
            raise Failed(f"{client.name} did not refresh: {got}")


class Peer:
    def __init__(self, name, *command):
        self.name, self.command = name, command

    def prepare(self, lab, directory):
        pass

    def warm(self):
        """What is compiled at the first start is no part of the figure."""
        subprocess.run([*map(str, self.command)], capture_output=True)

    def idle(self):
        return self.command

    def refresh(self, lab, url, directory):
        return [*self.command, url, lab.root, directory]


class OtaTuf(Peer):
    def prepare(self, lab, directory):
        subprocess.run([self.command[0], "--metadata-dir", directory, "init", lab.root], check=True)

    def idle(self):
        return [*self.command, "--version"]

    def refresh(self, lab, url, directory):
        return [*self.command, "--metadata-url", url, "--metadata-dir", directory, "refresh"]


def report(measured, bars):
    """@return names of the bars that were missed"""
    ours = measured[OURS][0]
    missed = []
    print(f'\n{"one refresh, instructions in millions":40} {"whole":>9} {"start alone":>12} {"ota-tuf takes":>14}')
    for name, (whole, idle) in measured.items():
        share = ours / whole
        bar = bars.get(name)
        verdict = "" if bar is None else f"  bar {bar:.2f}  " + ("ok" if share < bar else "MISSED")
        if verdict.endswith("MISSED"):
            missed.append(name)
        print(f"{name:40} {whole / MILLION:9.1f} {idle / MILLION:12.1f} {share:13.3f}x{verdict}")
    return missed


OURS = "ota-tuf on OpenSSL"


def main():
    parser = argparse.ArgumentParser(prog="tuf.sh")
    for name in ("ota_tuf", "ota_tuf_openssl", "node", "modules", "go_program", "work"):
        parser.add_argument(name)
    parser.add_argument("--strict", action="store_true")
    args = parser.parse_args()
    peers = [OtaTuf(OURS, args.ota_tuf_openssl), OtaTuf("ota-tuf as installed (Mbed TLS)", args.ota_tuf),
             Peer("python-tuf", sys.executable, HERE / "refresh.py"), Peer("tuf-js", args.node, HERE / "refresh.js", args.modules)]
    if args.go_program:
        peers.append(Peer("go-tuf", args.go_program))
    lab = Lab(pathlib.Path(args.work).resolve())
    try:
        measured = {p.name: lab.measure(p) for p in peers}
    except Failed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    missed = report(measured, {"python-tuf": 0.1, "tuf-js": 1, "go-tuf": 1})
    (lab.work / "figures.json").write_text(json.dumps(measured, indent=2) + "\n")
    return 1 if missed and args.strict else 0


sys.exit(main())
