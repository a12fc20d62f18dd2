# SPDX-License-Identifier: Apache-2.0
"""A device in QEMU, the publisher whose images it runs, and the web server between them."""
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
import zlib
from pathlib import Path

from kit import HERE, run

SECTOR = 512
SLOT_BYTES = 40 << 20
IMAGE_BYTES = 36 << 20
# Sectors of the disk: the loader's environment, slot a, slot b, data. GPT around them.
ENV_AT, A_AT, B_AT, DATA_AT, END_AT = 2048, 4096, 4096 + SLOT_BYTES // SECTOR, 4096 + 2 * SLOT_BYTES // SECTOR, 4096 + 2 * SLOT_BYTES // SECTOR + 32768
COPY = 0x4000
PATIENCE = 400
NGINX = """daemon off; pid {dir}/pid; error_log {dir}/error.log; worker_processes 1; worker_shutdown_timeout 50ms; {user}
events {{ worker_connections 64; }}
http {{
    access_log {dir}/access.log; sendfile_max_chunk 32k; default_type application/octet-stream; types {{ }}
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    server {{
        listen 127.0.0.1:{port}; root {web}; limit_rate {rate};
        location /reports/ {{ root {dir}; dav_methods PUT; create_full_put_path on; }}
    }}
}}
"""


class Wrong(Exception):
    """The device did not do what it must."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def make_ext4(tree, path, size, *options):
    """The same tree gives the same bytes: times, identity and hash seed are fixed."""
    env = dict(os.environ, E2FSPROGS_FAKE_TIME="1700000000", PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    path.unlink(missing_ok=True)
    uuid = "11111111-2222-3333-4444-555555555555"
    run("mke2fs", "-q", "-t", "ext4", "-U", uuid, "-E", f"hash_seed={uuid},root_owner=0:0", *options, "-d", tree, path, str(size // 1024), env=env)


class Publisher:
    """The repository and its images; a web root for each deployment, as it was when that was published."""

    def __init__(self, kit, repo_tool, path):
        self.kit, self.tool, self.path = kit, repo_tool, path
        self.images = {}
        self.repo("init")
        self.repo("product", "add", "box", "--component", "os")

    def repo(self, *args):
        run(self.tool, "--dir", self.path / "site", *args)

    def image(self, version, behaviour="good", kernel="cloud", size=IMAGE_BYTES):
        """A slot's file system: the root, its version, what is wrong with it, and the kernel that starts it."""
        tree, path = self.path / f"tree-{version}", self.path / f"os-{version}.img"
        shutil.copytree(self.kit.root, tree, symlinks=True, copy_function=os.link)
        (tree / "etc/version").write_text(version + "\n")
        (tree / "etc/behaviour").write_text(behaviour + "\n")
        for repository in ("os", "p/box"):
            shutil.copy(self.path / f"site/web/{repository}/metadata/1.root.json", tree / f"usr/share/ota/{Path(repository).name}.root.json")
        for name in ("vmlinuz", "initrd"):
            os.link(self.kit.base / f"{name}-{kernel}", tree / "boot" / name)
        make_ext4(tree, path, size, "-O", "^has_journal,^metadata_csum,^64bit", "-m", "0")
        shutil.rmtree(tree)
        self.images[version] = path
        return path

    def deploy(self, version, *options):
        """The web root in which this version is deployed."""
        self.repo("image", "add", self.images[version], "--product", "box", "--component", "os", "--version", version, *(options or ("--delta-from", "none")))
        self.repo("deploy", "--product", "box", "--group", "production", "--image", f"os={version}")
        web = self.path / f"web-{version}"
        shutil.copytree(self.path / "site/web", web, copy_function=os.link)
        return web


class Server:
    """nginx on the loopback; stop() breaks off what is under way, as a network does that goes away."""

    def __init__(self, path, web):
        self.dir, self.web, self.process = path, web, None
        self.dir.mkdir()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.start()

    def start(self, rate="0"):
        user = "user root root;" if os.getuid() == 0 else ""
        (self.dir / "conf").write_text(NGINX.format(dir=self.dir, port=self.port, web=self.web, rate=rate, user=user))
        env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        self.process = subprocess.Popen(["nginx", "-p", self.dir, "-c", self.dir / "conf", "-e", self.dir / "error.log"], env=env,
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise Wrong("nginx does not start: " + (self.dir / "error.log").read_text()[-300:])

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def reports(self):
        """What arrived, in order."""
        paths = sorted((self.dir / "reports").rglob("*.json"), key=lambda p: p.stat().st_mtime_ns)
        return [json.loads(p.read_bytes()) for p in paths]

    def sent(self, pattern):
        """(status, bytes) of every answer to a GET of a path that matches."""
        lines = (self.dir / "access.log").read_text().splitlines()
        return [(int(m[2]), int(m[3])) for m in (re.search(r'"GET (\S+) \S+" (\d+) (\d+)', line) for line in lines) if m and re.search(pattern, m[1])]


class Machine:
    """One process of QEMU, from power on to power off; the device may restart meanwhile."""

    def __init__(self, command, log):
        self.lines, self.news, self.log = [], threading.Condition(), log
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.began = time.monotonic()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for raw in self.process.stdout:
            line = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", raw.decode("latin1")).strip()
            with self.news:
                self.lines.append(line)
                self.log.write(f"{time.monotonic() - self.began:6.2f} {line}\n")
                self.news.notify_all()

    def until(self, done, what):
        """Wait until done() answers with something; it is asked after every line, and ten times a second."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = done()
            if answer:
                return answer
            with self.news:
                self.news.wait(0.1)
            expect(self.process.poll() is None or done(), f"QEMU ended while waiting for {what}: {self.lines[-3:]}")
        raise Wrong(f"waited in vain for {what}; the last lines: {self.lines[-3:]}")

    def line(self, pattern, start=0):
        """The number of the first line from `start` on that matches."""
        def look():
            return next((i + 1 for i in range(start, len(self.lines)) if re.search(pattern, self.lines[i])), 0)
        return self.until(look, f"/{pattern}/") - 1

    def power_off(self):
        """What was written and not synced is in QEMU's caches: it dies with them."""
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.log.flush()


def newest_env(disk):
    """The variables of the newer valid copy of U-Boot's environment, None where none is valid. disk: bytes from the partition on."""
    valid = []
    for raw in (disk[:COPY], disk[COPY:2 * COPY]):
        if struct.unpack_from("<I", raw)[0] == zlib.crc32(raw[5:]):
            valid.append((raw[4], dict(v.split("=", 1) for v in raw[5:].split(b"\0\0")[0].decode("latin1").split("\0") if "=" in v)))
    if len(valid) == 2:  # the flag counts round
        return valid[1][1] if (valid[1][0] - valid[0][0]) % 256 == 1 else valid[0][1]
    return valid[0][1] if valid else None


class UBootDevice:
    """arm64, U-Boot. One disk; a process of QEMU for each power on."""
    data, boot = "/dev/vda4", {"type": "uboot", "path": "/etc/fw_env.config", "slots": ["A", "B"]}

    def __init__(self, publisher, path, factory, web, **more):
        self.publisher, self.path, self.machine = publisher, path, None
        path.mkdir()
        self.log = open(path / "serial", "w")
        self.server = Server(path / "nginx", web)
        self.disk = path / "disk"
        self.more = more
        self.make_disk(factory)

    def configuration(self, factory):
        url = f"http://10.0.2.2:{self.server.port}"
        repositories = [{"name": name, "metadata_url": f"{url}/{at}/metadata/", "targets_url": f"{url}/{at}/targets/", "prefixes": prefixes,
                         "root": f"/usr/share/ota/{Path(at).name}.root.json"}
                        for name, at, prefixes in (("product", "p/box", ["app/", "group/"]), ("os", "os", ["os/"]))]
        return {"product": "box", "group": "production", "device_id": "box-1", "state_dir": "/data/state", "runtime_dir": "/run/ota",
                "components": [{"name": "os", "slots": [{"block": self.slots[0]}, {"block": self.slots[1]}], "factory_version": factory}],
                "repositories": repositories, "boot": self.boot, "health": {"command": ["/bin/health"], "timeout_s": 60},
                "report_url": f"{url}/reports/", "plain_http": True, "tries": 3, "limits": {"block": 1 << 20},
                "times": {"poll_s": 2, "retry_base_s": 1, "retry_cap_s": 2, "health_deadline_s": 120}, **self.more}

    slots = ("/dev/vda2", "/dev/vda3")

    def make_disk(self, factory):
        env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        data = self.path / "data"
        data.mkdir()
        (data / "agent.json").write_text(json.dumps(self.configuration(factory)))
        make_ext4(data, self.path / "data.img", (END_AT - DATA_AT) * SECTOR)
        with open(self.disk, "wb") as f:
            f.truncate((END_AT + 2048) * SECTOR)
        run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", self.disk, env=env, input="label: gpt\n" + "".join(
            f"start={a}, size={b - a}\n" for a, b in ((ENV_AT, A_AT), (A_AT, B_AT), (B_AT, DATA_AT), (DATA_AT, END_AT))))
        self.put(self.publisher.images[factory], A_AT)
        self.put(self.path / "data.img", DATA_AT)
        self.make_loader()

    def put(self, path, sector):
        run("dd", f"if={path}", f"of={self.disk}", f"bs={SECTOR * 64}", f"seek={sector // 64}", "conv=notrunc,sparse")

    def make_loader(self):
        (self.path / "first").write_text("BOOT_ORDER=A B\nBOOT_A_LEFT=3\nBOOT_B_LEFT=0\n")
        run("mkenvimage", "-r", "-s", hex(COPY), "-o", self.path / "copy", self.path / "first")
        copy = (self.path / "copy").read_bytes()
        (self.path / "env").write_bytes(copy + copy)
        self.put(self.path / "env", ENV_AT)
        run(HERE / "uboot.sh", "flash", self.path / "flash", f"{ENV_AT:x}")

    def drive(self):
        return ["-drive", f"if=none,id=d0,format=raw,file={self.disk},cache=writethrough"]

    def power_on(self, *extra, drive=None):
        self.machine = Machine(["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a57", "-m", "512", "-nographic", "-monitor", "none",
                                "-serial", "stdio", "-bios", "/usr/lib/u-boot/qemu_arm64/u-boot.bin",
                                "-drive", f"if=pflash,format=raw,unit=1,file={self.path}/flash,snapshot=on", *(drive or self.drive()),
                                "-device", "virtio-blk-device,drive=d0", "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0", *extra],
                               self.log)
        return self.machine

    def power_off(self):
        if self.machine:
            self.machine.power_off()
            self.machine = None

    def close(self):
        self.power_off()
        self.server.stop()
        self.log.close()

    def environment(self):
        with open(self.disk, "rb") as f:
            f.seek(ENV_AT * SECTOR)
            return newest_env(f.read(2 * COPY))

    def holds(self, slot, version):
        """That slot has these bytes; asked of the disk, not of the device."""
        image = self.publisher.images[version].read_bytes()
        with open(self.disk, "rb") as f:
            f.seek((A_AT, B_AT)[slot] * SECTOR)
            return f.read(len(image)) == image
