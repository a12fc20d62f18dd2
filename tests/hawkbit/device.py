# SPDX-License-Identifier: Apache-2.0
"""A publisher's repository, and devices that run the real agent and the real supervisor from its images."""
import json
import os
import pathlib
import signal
import subprocess
import time

SLOT = 4 << 20
RESTART, RETRY, REFUSED, LOCKED = 3, 4, 5, 7


class Failed(Exception):
    pass


class Programs:
    def __init__(self, build):
        build = pathlib.Path(build)
        self.repo, self.agent = build / "tools/ota-repo", build / "examples/posix-agent/ota-agent"
        self.supervisor = build / "examples/boot-supervisor/ota-boot-supervisor"


class Publisher:
    """One product with one component. Every image prints its version; a big one takes its time to fetch."""

    def __init__(self, programs, folder):
        self.programs, self.folder, self.web = programs, folder, folder / "site/web"
        self.major, self.seq = 1, 0
        self.run("init")
        self.run("product", "add", "thermostat", "--component", "os")
        self.image(folder / "factory", "1.0.0", 0)

    def run(self, *args):
        done = subprocess.run([self.programs.repo, "--dir", self.folder / "site", *map(str, args)], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise Failed(f"ota-repo {args}: {done.stderr}")

    @staticmethod
    def image(path, version, more):
        path.write_bytes(f"#!/bin/sh\necho thermostat {version}\nexit 0\n".encode() + os.urandom(more))
        path.chmod(0o755)

    def publish(self, more=1000):
        """(deployment's number, version) of a new image."""
        self.major, self.seq = self.major + 1, self.seq + 1
        version = f"{self.major}.0.0"
        self.image(self.folder / version, version, more)
        self.run("image", "add", self.folder / version, "--product", "thermostat", "--component", "os", "--version", version,
                 "--delta-from", "none", "--no-index")
        self.run("deploy", "--product", "thermostat", "--group", "production", "--os-feed", "none", "--image", f"os={version}")
        return self.seq, version


class Device:
    def __init__(self, publisher, name, url, token=None, hawkbit=None, **config):
        self.programs, self.name, self.token = publisher.programs, name, token
        self.home = publisher.folder / "devices" / name
        self.home.mkdir(parents=True)
        factory = (publisher.folder / "factory").read_bytes()
        for slot, content in (("a", factory), ("b", b"")):
            (self.home / slot).write_bytes(content.ljust(SLOT, b"\0"))
            (self.home / slot).chmod(0o755)
        (self.home / "root.json").write_bytes((publisher.web / "p/thermostat/metadata/1.root.json").read_bytes())
        (self.home / "os.root.json").write_bytes((publisher.web / "os/metadata/1.root.json").read_bytes())
        self.health(0)
        section = {"url": url + "/", "poll_min_s": 1, "look_s": 1, **(hawkbit or {})}
        if token:
            self.secret("token", token)
            section["target_token_file"] = str(self.home / "token")
        web = publisher.web.as_uri()
        self.config = {
            "product": "thermostat", "group": "production", "device_id": name, "plain_http": True,
            "state_dir": str(self.home / "state"), "runtime_dir": str(self.home / "run"),
            "components": [{"name": "os", "factory_version": "1.0.0",
                            "slots": [{"file": str(self.home / s), "size": SLOT} for s in ("a", "b")]}],
            "repositories": [
                {"name": "product", "prefixes": ["app/", "group/"], "root": str(self.home / "root.json"),
                 "metadata_url": f"{web}/p/thermostat/metadata/", "targets_url": f"{web}/p/thermostat/targets/"},
                {"name": "os", "prefixes": ["os/"], "root": str(self.home / "os.root.json"),
                 "metadata_url": f"{web}/os/metadata/", "targets_url": f"{web}/os/targets/"}],
            "times": {"poll_s": 600, "retry_base_s": 1, "health_deadline_s": 60, "start_s": 1},
            "boot": {"type": "file", "path": str(self.home / "boot")}, "health": {"command": [str(self.home / "health")]},
            "hawkbit": section, **config}
        self.configure()
        self.running = None
        self.restart("--init", "a")

    def configure(self):
        (self.home / "agent.json").write_text(json.dumps(self.config))

    def secret(self, file, text):
        (self.home / file).write_text(text)
        (self.home / file).chmod(0o600)

    def health(self, status):
        """What the image's self-test says from now on."""
        (self.home / "health").write_text(f"#!/bin/sh\nexit {status}\n")
        (self.home / "health").chmod(0o755)

    def restart(self, *options):
        """A boot loader's part, and the start of the image that it chose: the version that ran."""
        done = subprocess.run([self.programs.supervisor, *options, "--max-boots", "3", "--link", self.home / "runs",
                               self.home / "boot", self.home / "a", self.home / "b"], capture_output=True, text=True, check=False)
        ran = [line for line in done.stdout.splitlines() if line.startswith("thermostat ")]
        if not ran:
            raise Failed(f"nothing starts: {done.stdout}{done.stderr}")
        return ran[-1].split()[1]

    def command(self, *args):
        return [self.programs.agent, *args, "--config", self.home / "agent.json"]

    def check(self, *wanted):
        """One check-in; it must end with one of these statuses (0 if none is given). What it said."""
        done = subprocess.run(self.command("check"), capture_output=True, text=True, timeout=300, check=False)
        said = done.stdout + done.stderr
        if done.returncode not in (wanted or (0,)):
            raise Failed(f"{self.name}: check ended with {done.returncode}, not {wanted or (0,)}: {said}")
        return said

    def begin(self, what="check"):
        self.running = subprocess.Popen(self.command(what), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return self.running

    def end(self, *wanted):
        said, _ = self.running.communicate(timeout=300)
        status, self.running = self.running.returncode, None
        if wanted and status not in wanted:
            raise Failed(f"{self.name}: ended with {status}, not {wanted}: {said}")
        return said

    def kill(self):
        if self.running:
            self.running.send_signal(signal.SIGKILL)
            self.end()

    def stop(self):
        self.running.terminate()
        return self.end()

    def status(self):
        """Also of one that is not running. One that is about to listen is waited for."""
        done = None

        def answered():
            nonlocal done
            done = subprocess.run(self.command("status", "--json"), capture_output=True, text=True, check=False)
            return done.returncode != LOCKED
        until(answered, f"{self.name}: no status")
        must(done.returncode == 0, f"{self.name}: status: {done.stderr}")
        return json.loads(done.stdout)

    def defer(self, seconds):
        done = subprocess.run(self.command("defer", str(seconds)), capture_output=True, text=True, check=False)
        must(done.returncode == 0, f"{self.name}: defer: {done.stdout}{done.stderr}")

    def update(self, version):
        """Fetch, restart, confirm: all of a good update."""
        self.check(RESTART)
        must(self.restart() == version, f"{version} does not start")
        self.check()


def must(true, why):
    if not true:
        raise Failed(why)


def until(condition, why, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        must(time.monotonic() < end, f"{why}: not within {seconds} s")
        time.sleep(0.05)
