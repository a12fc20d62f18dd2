# SPDX-License-Identifier: Apache-2.0
"""A device in QEMU, the publisher whose images it runs, and the web server between them."""
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from kit import run

SECTOR = 512
SLOT_BYTES = 64 << 20
DATA_BYTES = 16 << 20
LOADER_AT = 2048  # sector of the first partition, which is the boot loader's; then slot a, slot b, data
PR_SET_PDEATHSIG = 1
PATIENCE = 600
NGINX = """daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log; {user}
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


WITH_SBIN = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")


class Wrong(Exception):
    """The device did not do what it must."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def die_with_us():
    """In a child: nothing is left running, whatever ends the test."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def make_ext4(tree, path, size, *options):
    """The same tree gives the same bytes: times, identity and hash seed are fixed."""
    env = dict(WITH_SBIN, E2FSPROGS_FAKE_TIME="1700000000")
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

    def image(self, version, behaviour="good", kernel="cloud"):
        """A slot's file system: the root, its version, what is wrong with it, and the kernel that starts it."""
        tree, path = self.path / f"tree-{version}", self.path / f"os-{version}.img"
        shutil.copytree(self.kit.root, tree, symlinks=True, copy_function=os.link)
        (tree / "etc/version").write_text(version + "\n")
        (tree / "etc/behaviour").write_text(behaviour + "\n")
        for repository in ("os", "p/box"):
            shutil.copy(self.path / f"site/web/{repository}/metadata/1.root.json", tree / f"usr/share/ota/{Path(repository).name}.root.json")
        for name in ("vmlinuz", "initrd"):
            os.link(self.kit.base / f"{name}-{kernel}", tree / "boot" / name)
        size = sum(f.stat().st_size for f in tree.rglob("*") if not f.is_symlink())
        make_ext4(tree, path, (size * 102 // 100 + (3 << 20)) >> 20 << 20, "-O", "^has_journal,^metadata_csum,^64bit", "-m", "0")
        shutil.rmtree(tree)
        self.images[version] = path
        return path

    def deploy(self, version, options):
        """The web root in which this version is deployed."""
        self.repo("image", "add", self.images[version], "--product", "box", "--component", "os", "--version", version, "--no-index", *options)
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
        self.process = subprocess.Popen(["nginx", "-p", self.dir, "-c", self.dir / "conf", "-e", self.dir / "error.log"], env=WITH_SBIN,
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_us)
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
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        preexec_fn=die_with_us)
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


class Device:
    """One disk; a process of QEMU for each power on. The boot loader and the board are a subclass's."""
    boot = {}                  # of the agent's configuration
    loader_bytes = 1 << 20     # size of the first partition

    def __init__(self, publisher, path, factory, web, **more):
        self.publisher, self.path, self.machine, self.more = publisher, path, None, more
        path.mkdir()
        self.log = open(path / "serial", "w", buffering=1)
        self.server = Server(path / "nginx", web)
        self.disk = path / "disk"
        self.slot_at = [LOADER_AT + (self.loader_bytes + i * SLOT_BYTES) // SECTOR for i in range(2)]
        self.data_at = self.slot_at[1] + SLOT_BYTES // SECTOR
        self.end_at = self.data_at + DATA_BYTES // SECTOR
        self.make_disk(factory)
        self.make_loader()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.power_off()
        self.server.stop()
        self.log.close()

    def configuration(self, factory):
        url = f"http://10.0.2.2:{self.server.port}"
        repositories = [{"name": name, "metadata_url": f"{url}/{at}/metadata/", "targets_url": f"{url}/{at}/targets/", "prefixes": prefixes,
                         "root": f"/usr/share/ota/{Path(at).name}.root.json"}
                        for name, at, prefixes in (("product", "p/box", ["app/", "group/"]), ("os", "os", ["os/"]))]
        return {"product": "box", "group": "production", "device_id": "box-1", "state_dir": "/data/state", "runtime_dir": "/run/ota",
                "components": [{"name": "os", "slots": [{"block": "/dev/vda2"}, {"block": "/dev/vda3"}], "factory_version": factory}],
                "repositories": repositories, "boot": self.boot, "health": {"command": ["/bin/health"], "timeout_s": 60},
                "report_url": f"{url}/reports/", "plain_http": True, "tries": 3, "limits": {"block": 1 << 20},
                "times": {"poll_s": 2, "retry_base_s": 1, "retry_cap_s": 2, "health_deadline_s": 120, "start_s": 1}, **self.more}

    def make_disk(self, factory):
        data = self.path / "data"
        data.mkdir()
        (data / "agent.json").write_text(json.dumps(self.configuration(factory)))
        make_ext4(data, self.path / "data.img", DATA_BYTES)
        with open(self.disk, "wb") as f:
            f.truncate((self.end_at + 2048) * SECTOR)
        ends = (LOADER_AT, *self.slot_at, self.data_at, self.end_at)
        run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", self.disk, env=WITH_SBIN,
            input="label: gpt\n" + "".join(f"start={a}, size={b - a}\n" for a, b in zip(ends, ends[1:])))
        self.put(self.publisher.images[factory], self.slot_at[0])
        self.put(self.path / "data.img", self.data_at)

    def put(self, path, sector):
        run("dd", f"if={path}", f"of={self.disk}", f"bs={SECTOR * 64}", f"seek={sector // 64}", "conv=notrunc,sparse")

    def get(self, sector, count):
        with open(self.disk, "rb") as f:
            f.seek(sector * SECTOR)
            return f.read(count)

    def power_on(self, *extra, **how):
        self.machine = Machine([*self.command(**how), *extra], self.log)
        return self.machine

    def power_off(self):
        if self.machine:
            self.machine.power_off()
            self.machine = None

    def outcome(self, version):
        """The report that tells what became of this version, once it has arrived."""
        def look():
            return [r for r in self.server.reports() if r["version"] == version]
        return self.machine.until(look, f"the report on {version}")[-1]

    def starts(self):
        """(slot, version) of every start since power on."""
        return re.findall(r"DEVICE up slot=(\S+) version=(\S+)", "\n".join(self.machine.lines))

    def holds(self, slot, version):
        """That slot has these bytes; asked of the disk, not of the device."""
        image = self.publisher.images[version].read_bytes()
        return self.get(self.slot_at[slot], len(image)) == image

    def next_start(self):
        """The slot that the loader tries first, and how many starts that has left."""
        return self.may_start()[0]
