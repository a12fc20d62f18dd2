# SPDX-License-Identifier: Apache-2.0
"""Reports and facts of a real agent: storage behind signed URLs that never overwrites, a socket like syslog's, the header of facts.
Usage: report_sinks.py WORK_DIR DIRECTORY-OF-PROGRAMS..."""
import functools
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

SECRET = b"the account's key"
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAIL: {what}\n{str(detail)[-1500:]}")


def sign(folder, expires):
    return hmac.new(SECRET, f"{folder}\n{expires}".encode(), hashlib.sha256).hexdigest()


def query(folder="/reports/", expires=None):
    """As shared access signatures do: for every name in a folder, for a time."""
    expires = expires or int(time.time()) + 3600
    return urllib.parse.urlencode({"se": expires, "sp": "w", "sig": sign(folder, expires)})


class Storage(http.server.SimpleHTTPRequestHandler):
    """The site, and a folder that takes what is signed, once."""

    def __init__(self, *args, world, **more):
        self.world = world
        super().__init__(*args, **more)

    def do_GET(self):
        self.world.facts.append((self.path, self.headers["OTA-Device"]))
        path = pathlib.Path(self.directory + urllib.parse.urlsplit(self.path).path)
        body = path.read_bytes() if path.is_file() else None
        etag = f'"{hashlib.sha256(body or b"").hexdigest()[:32]}"'
        status = 404 if body is None else 304 if self.headers["If-None-Match"] == etag else 200
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)) if status == 200 else "0")
        self.end_headers()
        if status == 200:
            self.wfile.write(body)

    def answer(self, status):
        self.world.answers.append(status)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        url = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(url.query))
        expires = int(asked.get("se", "0"))
        signed = hmac.compare_digest(sign("/reports/", expires), asked.get("sig", "")) and expires > time.time()
        if not (signed and url.path.startswith("/reports/")):
            return self.answer(403)
        if url.path in self.world.stored:
            self.world.twice.append(body == self.world.stored[url.path])
            return self.answer(412)
        self.world.stored[url.path] = body
        self.world.order.append(url.path)
        return self.answer(500 if self.world.lose_answer else 201)

    def log_message(self, *_):
        pass


class World:
    def __init__(self, work, path):
        self.work = work
        self.env = {**os.environ, "PATH": os.pathsep.join([*path, os.environ["PATH"]]), "LC_ALL": "C"}
        self.facts, self.answers, self.stored, self.order, self.twice, self.lose_answer = [], [], {}, [], [], False
        handler = functools.partial(Storage, directory=str(work / "pub/web"), world=self)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.repo("init")
        self.repo("product", "add", "thermostat", "--component", "app")
        self.device = work / "device"
        self.device.mkdir()
        (self.device / "root.json").write_bytes((work / "pub/web/p/thermostat/metadata/1.root.json").read_bytes())
        for slot in "ab":
            (self.device / slot).write_bytes(b"#!/bin/sh\nexit 0\n".ljust(65536, b"\0"))
            (self.device / slot).chmod(0o755)
        self.log = self.logs = ""

    def repo(self, *args):
        subprocess.run(["ota-repo", "--dir", str(self.work / "pub"), *args], env=self.env, check=True, capture_output=True)

    def deploy(self, version):
        image = self.work / f"app-{version}"
        image.write_text(f"#!/bin/sh\n# {version}\nexit 0\n")
        self.repo("image", "add", str(image), "--product", "thermostat", "--component", "app", "--version", version)
        self.repo("deploy", "--product", "thermostat", "--group", "production", "--image", f"app={version}")

    def configure(self, **more):
        d = self.device
        (d / "agent.json").write_text(json.dumps({
            "product": "thermostat", "group": "production", "device_id": "dev-1", "state_dir": f"{d}/state", "runtime_dir": f"{d}/run",
            "components": [{"name": "app", "factory_version": "0",
                            "slots": [{"file": f"{d}/a", "size": 65536}, {"file": f"{d}/b", "size": 65536}]}],
            "repositories": [{"name": "product", "prefixes": ["app/", "group/"], "root": f"{d}/root.json",
                              "metadata_url": f"{self.url}/p/thermostat/metadata/", "targets_url": f"{self.url}/p/thermostat/targets/"}],
            "boot": {"type": "file", "path": f"{d}/boot"}, "health": {"command": ["/bin/true"]}, "plain_http": True, **more}))

    def restart(self, *init):
        d = self.device
        subprocess.run(["ota-boot-supervisor", *init, "--max-boots", "3", "--link", f"{d}/runs", f"{d}/boot", f"{d}/a", f"{d}/b"],
                       env=self.env, capture_output=True)

    def check_in(self):
        """As often as the agent asks for a restart, and once more. @return the last status"""
        while True:
            done = subprocess.run(["ota-agent", "--verbose", "check", "--config", str(self.device / "agent.json")], env=self.env,
                                  capture_output=True, text=True)
            self.log += done.stdout + done.stderr
            if done.returncode != 3:
                return done.returncode
            self.restart()

    def told(self):
        """Reports acknowledged, and reports kept, since the last look."""
        log, self.log = self.log, ""
        self.logs += log
        return log.count(" acknowledged"), log.count(" kept for later")


def signed_storage(w):
    good = query()
    w.deploy("1.0.0")
    w.configure(report_url=f"{w.url}/reports/?{good}")
    w.restart("--init", "a")
    w.check_in()
    check("a report goes where the signature leads", len(w.order) == 1 and w.order[0].startswith("/reports/dev-1/") and w.order[0].endswith("-1.json"), w.log)
    check("it is whole", json.loads(w.stored[w.order[0]])["outcome"] == "confirmed" if w.order else False)
    check("and is acknowledged", w.answers == [201] and w.told() == (1, 0), w.log)

    w.deploy("2.0.0")
    w.lose_answer = True
    w.check_in()
    check("an answer that is lost acknowledges nothing", w.answers[-1] == 500 and w.told() == (0, 1), w.log)
    w.lose_answer = False
    w.check_in()
    check("what is there already comes again, the same", w.answers[-1] == 412 and w.twice and all(w.twice), w.answers)
    check("and is acknowledged by that", w.told() == (1, 0) and len(w.order) == 2, w.order)

    w.deploy("3.0.0")
    for what, bad in (("an expired signature", query(expires=int(time.time()) - 60)), ("one of another folder", query("/other/")),
                      ("none", "sv=1")):
        w.configure(report_url=f"{w.url}/reports/?{bad}")
        w.check_in()
        acknowledged, kept = w.told()
        check(f"{what} is refused, and the report kept", w.answers[-1] == 403 and acknowledged == 0 and kept > 0, w.answers)
    w.configure(report_url=f"{w.url}/reports/?{good}")
    w.check_in()
    check("with a new one it is told", w.told() == (1, 0) and len(w.order) == 3, w.order)
    check("no signature is in any log", "sig=" not in w.logs and good not in w.logs and len(w.logs) > 500, w.logs)


def facts(w):
    check("facts are told by nobody who was not asked to", all(f is None for _, f in w.facts), w.facts)
    w.configure(telemetry={"facts": True})
    w.check_in()
    w.facts.clear()
    w.check_in()
    told = [(path, f) for path, f in w.facts if f]
    check("they are told at the check-in only", len(told) == 1 and told[0][0].endswith("/timestamp.json"), w.facts)
    check("what they are", told and told[0][1].startswith('product="thermostat", group="production", version="3.0.0", seq=') and
          ", boot=" in told[0][1], told)
    check("they do not name the device", told and "dev-1" not in told[0][1], told)


def syslog(w):
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = f"{w.work}/log"
    w.configure(report_url=f"file://{path}/")
    w.deploy("4.0.0")
    w.check_in()
    acknowledged, kept = w.told()
    check("without syslog a report is kept", acknowledged == 0 and kept > 0, w.logs)
    log.bind(path)
    log.setblocking(False)
    w.check_in()
    check("with it it is told", w.told() == (1, 0), w.logs)
    line = log.recv(8192).decode()
    head, body = line.split(": report=", 1)
    name, body = body.split(" ", 1)
    check("as one line", head.startswith("<29>") and "ota-agent[" in head and name.startswith("dev-1/") and
          json.loads(body)["version"] == "4.0.0", line)


def main():
    work = pathlib.Path(tempfile.mkdtemp(prefix="sinks.", dir=sys.argv[1]))
    w = World(work, sys.argv[2:])
    try:
        signed_storage(w)
        facts(w)
        syslog(w)
    finally:
        w.server.shutdown()
        shutil.rmtree(work, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or passed < 14 else 0)


if __name__ == "__main__":
    main()
