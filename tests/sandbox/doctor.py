#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ota-agent doctor on devices that are made up: /proc and /sys below a folder, a state directory, an agent that answers.

  doctor.py AGENT    the program

A device that has all seven properties is told so; then one thing at a time is taken away, and exactly the property that rests on it
must not be present any more. A device with nothing has nothing.
"""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PROPERTIES = ("hardware root of trust", "defence in depth", "small trusted base", "dynamic compartments", "certificate-based authentication",
              "error reporting", "renewable security")
ROOT, DEPTH, BASE, PARTS, CERTIFICATES, REPORTS, RENEWABLE = range(7)
EFI = "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
PRESENT, INCOMPLETE = 0, 8


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def process(name, pid, parent, caps=0, privs=1, seccomp=2, kernel=False):
    memory = "" if kernel else "VmSize:\t    1234 kB\n"
    return pid, f"Name:\t{name}\nUmask:\t0022\nPPid:\t{parent}\n{memory}CapEff:\t{caps:016x}\nNoNewPrivs:\t{privs}\nSeccomp:\t{seccomp}\n"


class Device:
    """Everything that the doctor looks at, as plain data; write() puts it into files."""

    def __init__(self, folder):
        self.folder = folder
        self.state, self.run, self.root = folder / "state", folder / "run", folder / "root"
        self.efi = {"SecureBoot": 1, "SetupMode": 0}
        self.cpu = "fpu vme de"
        self.mount = "24 1 253:0 / / ro,relatime shared:1 - ext4 /dev/mapper/root ro"
        self.verity = "CRYPT-VERITY-0123456789abcdef-root"
        self.processes = [process("systemd", 1, 0, caps=0x1ffffffffff, privs=0, seccomp=0), process("kthreadd", 2, 0, caps=0x1ff, privs=0, seccomp=0, kernel=True),
                          process("ota-agent", 700, 1), process("ota-helper", 701, 700, seccomp=0), process("ota-fetcher", 699, 701)]
        self.status = {"agent_running": True, "agent_pid": 700, "last_fault": None, "reports_kept": 0,
                       "sandbox": {"writer": {"has": [], "landlock_abi": 7, "loose": False}},
                       "components": [{"name": "os", "slot": "a"}, {"name": "app", "slot": "b"}]}
        self.metadata = {"root": {"version": 4, "expires": utc(86400 * 90)}, "timestamp": {"version": 9, "expires": utc(86400 * 5)}}
        self.reports = 0
        self.certificate_days = 2
        self.program_mode = 0o755
        self.config = {
            "product": "thermostat", "group": "production", "device_id": "t-1", "state_dir": str(self.state), "runtime_dir": str(self.run),
            "components": [{"name": n, "slots": [{"file": f"/s/{n}{s}", "size": 4096} for s in "ab"], "package": {"key": "/k"}} for n in ("os", "app")],
            "repositories": [{"name": "product", "metadata_url": "https://h/m/", "targets_url": "https://h/t/", "prefixes": ["app/", "os/", "group/"], "root": "/r"}],
            "boot": {"type": "file", "path": "/b"}, "health": {"command": ["/h"]}, "report_url": "https://h/r/",
            "monitor": {"answer": "report"},
            "identity": {"kind": "file", "dir": str(self.state / "identity")}, "attest": {"url": "https://a", "log": "/l"},
        }

    def write(self):
        for folder in (self.state, self.root):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        self.run.mkdir(exist_ok=True)
        for pid, text in self.processes:
            self.put(f"proc/{pid}/status", text)
        self.put("proc/700/exe", "program")
        os.chmod(self.root / "proc/700/exe", self.program_mode)
        self.put("proc/cpuinfo", f"processor\t: 0\nflags\t\t: {self.cpu}\nbugs\t\t:\n")
        self.put("proc/self/mountinfo", f"22 24 0:20 / /proc rw - proc proc rw\n{self.mount}\n")
        if self.verity:
            self.put("sys/dev/block/253:0/dm/uuid", self.verity + "\n")
        for name, value in self.efi.items():
            self.put(f"sys/firmware/efi/efivars/{name}{EFI}", bytes([6, 0, 0, 0, value]))
        for role, signed in self.metadata.items():
            (self.state / f"product.{role}.json").write_text(json.dumps({"signed": signed, "signatures": []}))
        if self.reports is not None:
            (self.state / "reports").write_bytes(b"OTAR" + struct.pack("<BBHI", 3, self.reports, 0, 5))
        if self.certificate_days is not None:
            certificate(self.state / "attest-update.pem", self.certificate_days)
        (self.folder / "agent.json").write_text(json.dumps(self.config))

    def put(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def certificate(path, days):
    """A real one. Days below zero: it has ended."""
    made = path.parent.parent / f"certificate{days}.pem"
    if not made.exists():
        key = path.parent.parent / "key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=t-1", "-keyout", key, "-out", made]
        subprocess.run(command + ["-days", str(abs(days))], check=True, capture_output=True)
        if days < 0:  # a time that has passed, in the certificate's own form; nobody here checks the signature
            raw = subprocess.run(["openssl", "x509", "-in", made, "-outform", "DER"], check=True, capture_output=True).stdout
            year = time.gmtime().tm_year % 100
            at = raw.index(b"\x17\x0d", raw.index(b"\x17\x0d") + 1)
            first = raw.index(b"\x17\x0d")
            raw = bytearray(raw)
            for where in (first, at):
                raw[where + 2:where + 4] = b"%02d" % (year - 2)
            subprocess.run(["openssl", "base64", "-A", "-out", made], input=bytes(raw), check=True)
            made.write_text("-----BEGIN CERTIFICATE-----\n" + made.read_text() + "\n-----END CERTIFICATE-----\n")
    shutil.copy(made, path)


class Agent:
    """Answers `status` as a running agent does."""

    def __init__(self, device):
        self.device = device
        self.path = device.run / "agent.sock"
        self.path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        self.socket.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                client.recv(512)
                text = json.dumps(self.device.status).encode() + b"\n"
                client.sendall(b'{"exit":0,"bytes":%d}\n' % len(text) + text)

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        self.path.unlink()


def examine(program, device, runs=True):
    device.write()
    agent = Agent(device) if runs else None
    try:
        command = [program, "doctor", "--config", device.folder / "agent.json", "--root", device.root]
        out = subprocess.run([*command, "--json"], capture_output=True, text=True)
        table = subprocess.run(command, capture_output=True, text=True)
    finally:
        if agent:
            agent.stop()
    if out.returncode not in (PRESENT, INCOMPLETE) or table.returncode != out.returncode:
        sys.exit(f"status {out.returncode} and {table.returncode}: {out.stderr}{table.stderr}")
    answer = json.loads(out.stdout)
    if tuple(p["name"] for p in answer["properties"]) != PROPERTIES:
        sys.exit(f"other properties: {out.stdout}")
    if answer["all_present"] != (out.returncode == PRESENT):
        sys.exit("the status and all_present contradict each other")
    for p in answer["properties"]:
        if f"{p['name']:34} {p['verdict']:8}" not in table.stdout:
            sys.exit(f"the table says something else of {p['name']}: {table.stdout}")
    return answer["properties"], out.returncode


def evidence(p):
    return "; ".join(f"{'+' if e['holds'] else '-'} {e['what']}: {e['found']}" for e in p["evidence"])


# What is taken away, what must then be found, and the property that is not whole without it.
def no_secure_boot(d): d.efi["SecureBoot"] = 0
def no_firmware(d): d.efi = {}
def setup_mode(d): d.efi["SetupMode"] = 1
def virtual_machine(d): d.cpu += " hypervisor"
def no_verity(d): d.verity = None
def other_mapper(d): d.verity = "LVM-0123"
def writable_root(d): d.mount = d.mount.replace("ro,relatime", "rw,relatime")
def no_fetcher(d): d.processes.pop()
def unheld_fetcher(d): d.processes[-1] = process("ota-fetcher", 699, 701, seccomp=0)
def stray_fetcher(d): d.processes[-1] = process("ota-fetcher", 699, 1)
def writer_with_caps(d): d.processes[2] = process("ota-agent", 700, 1, caps=1)
def writer_unfiltered(d): d.processes[2] = process("ota-agent", 700, 1, seccomp=0)
def no_landlock(d): d.status["sandbox"]["writer"]["landlock_abi"] = 0
def test_build(d): d.status["sandbox"]["writer"]["loose"] = True
def no_sandbox(d): d.status["sandbox"] = None
def one_unsigned(d): del d.config["components"][1]["package"]
def no_monitor(d): del d.config["monitor"]
def no_health(d): del d.config["health"]
def open_program(d): d.program_mode = 0o775
def one_component(d): d.config["components"].pop()
def nothing_runs(d): d.status["components"] = [{"name": n, "slot": "none"} for n in ("os", "app")]
def certificate_ended(d): d.certificate_days = -2
def certificate_of_years(d): d.certificate_days = 700
def no_certificate(d): d.certificate_days = None
def no_attest(d): del d.config["attest"]
def plain_http(d): d.config["plain_http"] = True
def no_report_url(d): del d.config["report_url"]
def reports_pile_up(d): d.reports = 5
def no_ring(d): d.reports = None
def no_metadata(d): d.metadata = {}
def timestamp_expired(d): d.metadata["timestamp"]["expires"] = utc(-60)
def root_expired(d): d.metadata["root"]["expires"] = utc(-60)
def strange_expiry(d): d.metadata["timestamp"]["expires"] = "tomorrow"
def last_failed(d): d.status["last_fault"] = {"name": "RETRY_NETWORK", "where": "net.head"}


TAKEN = (
    (no_secure_boot, ROOT, "SecureBoot is off"), (no_firmware, ROOT, "nothing can be seen"), (setup_mode, ROOT, "setup mode"),
    (virtual_machine, ROOT, "its host decides"), (no_verity, ROOT, "not on dm-verity"), (other_mapper, ROOT, "not on dm-verity"),
    (writable_root, DEPTH, "can be written"), (no_fetcher, DEPTH, "no such process"), (unheld_fetcher, DEPTH, "seccomp 0"),
    (stray_fetcher, DEPTH, "no such process"), (writer_with_caps, DEPTH, "capabilities 1"), (writer_unfiltered, DEPTH, "seccomp 0"),
    (no_landlock, DEPTH, "no Landlock"), (test_build, DEPTH, "built for tests"), (no_sandbox, DEPTH, "sandbox.mode is off"),
    (one_unsigned, DEPTH, "not every component"), (no_health, DEPTH, "only by applications"), (no_monitor, DEPTH, "no \"monitor\""), (writer_with_caps, BASE, "has capabilities"),
    (no_fetcher, BASE, "in the process that writes slots"), (open_program, BASE, "others than root"), (one_component, PARTS, "1: os"),
    (nothing_runs, PARTS, "0 of 2"), (certificate_ended, CERTIFICATES, "has expired"), (certificate_of_years, CERTIFICATES, "700 days"),
    (no_certificate, CERTIFICATES, "No such file"), (no_attest, CERTIFICATES, "none is configured"), (plain_http, CERTIFICATES, "plain_http is allowed"),
    (no_report_url, REPORTS, "no report_url"), (reports_pile_up, REPORTS, "5 wait"), (no_ring, REPORTS, "there was none yet"),
    (no_metadata, RENEWABLE, "none yet"), (timestamp_expired, RENEWABLE, "timestamp has expired"), (root_expired, RENEWABLE, "root has expired"),
    (strange_expiry, RENEWABLE, "timestamp has expired"), (last_failed, RENEWABLE, "RETRY_NETWORK"),
)
# What no made-up device can have: its key, and its counters, are measured at the real thing.
NEVER = {(ROOT, "key of the device"), (RENEWABLE, "counters that never go back")}


def lacking(properties):
    return {(i, e["what"]) for i, p in enumerate(properties) for e in p["evidence"] if e["needed"] and not e["holds"]}


def main():
    program = sys.argv[1]
    wrong, rows = [], 0
    with tempfile.TemporaryDirectory(prefix="ota-doctor-") as folder:
        full, _ = examine(program, Device(Path(folder)))
        for at, what in lacking(full) - NEVER:
            wrong.append(f"the best device lacks {PROPERTIES[at]}: {what}: {evidence(full[at])}")
        for p in (DEPTH, BASE, PARTS, CERTIFICATES, REPORTS):
            if full[p]["verdict"] != "present":
                wrong.append(f"the best device: {full[p]['name']} is {full[p]['verdict']}")
        for take, at, text in TAKEN:
            device = Device(Path(folder))
            take(device)
            properties, status = examine(program, device)
            rows += 1
            found = evidence(properties[at])
            if properties[at]["verdict"] == "present" or status != INCOMPLETE or text not in found:
                wrong.append(f"{take.__name__}: {properties[at]['verdict']}: {found}")
        nothing = Device(Path(folder))
        nothing.efi, nothing.verity, nothing.processes, nothing.metadata, nothing.reports, nothing.certificate_days = {}, None, [], {}, None, None
        nothing.mount = nothing.mount.replace("ro,relatime", "rw,relatime")
        for key in ("attest", "report_url", "health", "monitor"):
            del nothing.config[key]
        nothing.config["plain_http"] = True
        nothing.config["components"] = nothing.config["components"][:1]
        del nothing.config["components"][0]["package"]
        properties, _ = examine(program, nothing, runs=False)
        wrong += [f"a device with nothing: {p['name']} is {p['verdict']}: {evidence(p)}" for p in properties if p["verdict"] != "missing"]
        wrong += [f"a device with nothing: {p['name']} is worth {p['strength']}" for p in properties if p["strength"] != "none"]
    if wrong or rows < 30:
        sys.exit("\n".join(wrong) or f"only {rows} rows")
    print(f"{rows} devices that lack one thing, each found")


main()
