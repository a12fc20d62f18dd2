# SPDX-License-Identifier: Apache-2.0
"""A board in QEMU, the relay at its line, and the publisher's web server."""
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples/cortex-m"))
import device  # noqa: E402

ERRORS = {int(n, 16): name for name, n in re.findall(r"X\((\w+), (0x[0-9a-f]+),", (ROOT / "include/ota/error.h").read_text())}
EVENTS = {int(n): (name, text) for name, n, text in re.findall(r'^OTA_EVENT\((\w+), (\d+), "(.*)"\)', (ROOT / "include/ota/events.def").read_text(), re.M)}


def readable(line):
    """What the console says in numbers, in words."""
    found = re.match(r"event (\d+) (\d+) (\d+)(?: (0x\w+) (0x\w+) ?(.*))?$", line)
    if not found:
        return re.sub(r"^(app: \S+) (0x\w+) (0x\w+)$", lambda m: f"{m[1]} {error_name(m[2])} {signed(m[3])}", line)
    name, text = EVENTS[int(found[1])]
    text = text.replace("%a", found[2]).replace("%b", found[3])
    why = f": {error_name(found[4])} {signed(found[5])} {found[6]}" if found[4] else ""
    return f"{name} {text}{why}".strip()


def error_name(number):
    return ERRORS.get(int(number, 16), number)


def signed(number):
    value = int(number, 16)
    return value - (value >> 31 << 32)


def error_code(name):
    return next(code for code, other in ERRORS.items() if other == name)


class Died(Exception):
    pass


class Server:
    """nginx on the loopback."""

    def __init__(self, work, web):
        self.work, self.web, self.port, self.process = work, web, 0, None
        (work / "tmp").mkdir()
        (work / "inbox").mkdir()
        for port in range(20000 + os.getpid() % 20000, 60000):
            if self.start(port):
                return
        raise Died("nginx does not start")

    def start(self, port):
        conf = self.work / "nginx.conf"
        temp = "".join(f"{n}_temp_path {self.work}/tmp/{n};\n" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root root;" if os.getuid() == 0 else ""
        conf.write_text(
            f"{user} daemon off; pid {self.work}/nginx.pid; error_log {self.work}/error.log; worker_processes 1;\n"
            f"events {{ worker_connections 64; }}\nhttp {{ access_log {self.work}/access.log; {temp}\n"
            f"server {{ listen 127.0.0.1:{port}; root {self.web}; location /reports/ {{ root {self.work}/inbox; dav_methods PUT; create_full_put_path on; }} }} }}\n"
        )
        nginx = next((p for p in ("/usr/sbin/nginx", "/usr/bin/nginx") if os.path.exists(p)), "nginx")
        self.process = subprocess.Popen([nginx, "-p", self.work, "-c", conf, "-e", self.work / "error.log"], stderr=subprocess.DEVNULL)
        for _ in range(50):
            if self.process.poll() is not None:
                return False
            if (self.work / "nginx.pid").exists():
                self.port = port
                return True
            time.sleep(0.05)
        return False

    def reports(self):
        return "".join(p.read_text() for p in sorted((self.work / "inbox").rglob("*")) if p.is_file())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Board:
    """A device: its flash is a file, and lasts while it is off."""

    alive = []

    def __init__(self, build, work, name="board"):
        Board.alive.append(self)
        self.name = name
        self.build, self.flash, self.line = build, work / f"{name}.nor", work / f"{name}.line"
        self.log = open(work / f"{name}.log", "a", buffering=1)
        self.qemu = self.relay = None
        self.pending = b""

    def start_relay(self, damage=None):
        self.stop_relay()
        command = [sys.executable, "-B", ROOT / "tools/ota-relay.py"] + (["--damage", damage] if damage else []) + [self.line]
        self.relay = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log)
        self.relay.stdout.readline()

    def stop_relay(self):
        if self.relay:
            self.relay.kill()
            self.relay.wait()
            self.relay = None

    def power_on(self):
        self.log.write("---- power on\n")
        self.pending = b""
        self.qemu = subprocess.Popen(
            ["qemu-system-arm", "-M", "ast1030-evb", "-display", "none", "-monitor", "none", "-serial", "stdio",
             "-chardev", f"socket,id=line,path={self.line},reconnect=1", "-serial", "chardev:line",
             "-drive", f"if=mtd,format=raw,file={self.flash}", "-kernel", self.build / "boot"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)  # fmt: skip

    def power_off(self):
        if self.qemu:
            self.qemu.kill()
            self.qemu.wait()
            self.qemu.stdout.close()
            self.qemu = None

    def lines(self, until):
        """Lines of the console, in words, up to a time."""
        fd = self.qemu.stdout.fileno()
        while True:
            while b"\n" in self.pending:
                line, _, self.pending = self.pending.partition(b"\n")
                text = readable(line.decode("ascii", "replace").strip())
                self.log.write(text + "\n")
                yield text
            left = until - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                return
            data = os.read(fd, 65536)
            if not data:
                raise Died("QEMU ended: see the log")
            self.pending += data

    def wait_for(self, pattern, seconds=60):
        """Everything up to a line that has the pattern, that line included."""
        seen = []
        for line in self.lines(time.monotonic() + seconds):
            seen.append(line)
            if re.search(pattern, line):
                return seen
        raise Died(f"no {pattern!r} within {seconds} s; last: {seen[-4:]}")

    def run(self, pattern="app: idle", seconds=60):
        """On, until the console says it, off."""
        self.power_on()
        try:
            return self.wait_for(pattern, seconds)
        finally:
            self.power_off()

    def close(self):
        self.power_off()
        self.stop_relay()
        self.log.close()
        Board.alive.remove(self)

    @classmethod
    def close_all(cls):
        for board in list(cls.alive):
            board.close()
