# SPDX-License-Identifier: Apache-2.0
"""Run the steps of docs/ci-deploy.yml as they stand there, in a scratch repository, with real agents as the devices.
Usage: ci_workflow.py WORKFLOW WORK_DIR DIRECTORY-OF-PROGRAMS...      Exit 77: rsync is missing."""
import base64
import functools
import http.server
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading

STEP_TIMEOUT_S = 240
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAIL: {what}\n{str(detail)[-1500:]}")


class Step:
    def __init__(self, name):
        self.name, self.run, self.uses, self.always = name, None, None, False


def parse(text):
    """Environment of the job, and its steps. The file keeps to one form; anything else is refused."""
    env = dict(re.findall(r"^      (\w+): (.+)$", re.search(r"^    env:\n((?:      .*\n)+)", text, re.M)[1], re.M))
    steps = []
    part = text[re.search(r"^    steps:\n", text, re.M).end():]
    lines = iter(part.splitlines())
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            if steps and steps[-1].run is not None and line.startswith(" " * 10):
                steps[-1].run += line[10:] + "\n"
            continue
        if m := re.fullmatch(r"      - (?:name: (.+)|uses: (.+))", line):
            steps.append(Step(m[1]))
            steps[-1].uses = m[2]
        elif m := re.fullmatch(r"        run: (?!\|)(.+)", line):
            steps[-1].run = m[1] + "\n"
        elif line == "        run: |":
            steps[-1].run = ""
        elif line == "        if: always()":
            steps[-1].always = True
        elif line.startswith(" " * 10) and steps and steps[-1].run is not None:
            steps[-1].run += line[10:] + "\n"
        else:
            raise SystemExit(f"a line that this test does not know: {line}")
    return env, steps


def same_as_yaml(text, env, steps):
    """A real parser sees the same, where there is one."""
    try:
        import yaml
    except ImportError:
        return
    job = yaml.safe_load(text)["jobs"]["deploy"]
    check("the environment is what YAML says", job["env"] == env, job["env"])
    seen = [(s.get("name"), s.get("uses"), (s.get("run") or "").rstrip("\n"), s.get("if") == "always()") for s in job["steps"]]
    check("the steps are what YAML says", seen == [(s.name, s.uses, (s.run or "").rstrip("\n"), s.always) for s in steps], seen)


class Server(http.server.SimpleHTTPRequestHandler):
    """The site, and a place for reports."""

    def __init__(self, *args, inbox, **more):
        self.inbox = inbox
        super().__init__(*args, **more)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = self.inbox / self.path.removeprefix("/reports/")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name("." + path.name)
        part.write_bytes(body)
        part.rename(path)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


DEVICE = """
cd "$1"
restart() { ota-boot-supervisor "$@" --max-boots 3 --link runs boot "$PWD/a" "$PWD/b" >> log 2>&1; }
restart --init a
while [ ! -e ../stop ]; do
    status=0
    ota-agent check --config agent.json >> log 2>&1 || status=$?
    if [ $status -eq 3 ]; then restart; else sleep 0.5; fi
done
"""
BUILD = """#!/bin/sh
printf '#!/bin/sh\\n# version %s, %s\\nexit 0\\n' "$2" "$(cat condition)" > "$1"
"""


class World:
    def __init__(self, work, path):
        self.work = work
        self.env = {**os.environ, "PATH": os.pathsep.join([*path, os.environ["PATH"]]), "LC_ALL": "C"}
        for name in ("site", "reports", "private", "devices"):
            (work / name).mkdir()
        handler = functools.partial(Server, directory=str(work / "site"), inbox=work / "reports")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.devices, self.run_number = [], 0

    def repo(self, *args):
        return subprocess.run(["ota-repo", "--dir", str(self.work / "private"), *args], env=self.env, check=True,
                              capture_output=True, text=True).stdout

    def publisher(self):
        """What a maker prepares once: docs/fleet.md."""
        self.repo("init")
        self.repo("product", "add", "thermostat", "--component", "app")
        for device, group in (("test-1", "field-test"), ("test-2", "field-test"), ("home-1", "production")):
            self.repo("device", "set", device, "--product", "thermostat", "--group", group)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:  # without those that administrators keep
            for key in sorted((self.work / "private/keys").iterdir()):
                if not re.search(r"\.(root|targets)\.", key.name):
                    tar.add(key, f"keys/{key.name}")
        self.keys = base64.b64encode(out.getvalue()).decode()
        self.root = (self.work / "private/web/p/thermostat/metadata/1.root.json").read_bytes()

    def administrators(self, source):
        """The next root, signed by its key on another machine; the payload and the signature are committed."""
        self.repo("sign", "export", str(source / "signatures/2.root.json"), "--product", "thermostat", "--role", "root")
        key = next((self.work / "private/keys").glob("p-thermostat.root.*"))
        subprocess.run(["ota-repo", "sign", "payload", str(source / "signatures/2.root.json"), "--key", str(key), "--out",
                        str(source / "signatures/2.root.json.ann.sig")], env=self.env, check=True, capture_output=True)

    def device(self, name, group):
        there = self.work / "devices" / name
        there.mkdir()
        (there / "root.json").write_bytes(self.root)
        for slot in ("a", "b"):
            (there / slot).write_bytes(b"#!/bin/sh\n# version 0, good\nexit 0\n".ljust(65536, b"\0"))
            (there / slot).chmod(0o755)
        url = f"http://127.0.0.1:{self.server.server_port}"
        (there / "agent.json").write_text(f"""{{ "product": "thermostat", "group": "{group}", "device_id": "{name}",
  "state_dir": "{there}/state", "runtime_dir": "{there}/run",
  "components": [ {{ "name": "app", "factory_version": "0",
      "slots": [ {{ "file": "{there}/a", "size": 65536 }}, {{ "file": "{there}/b", "size": 65536 }} ] }} ],
  "repositories": [ {{ "name": "product", "prefixes": [ "app/", "group/" ], "root": "{there}/root.json",
      "metadata_url": "{url}/p/thermostat/metadata/", "targets_url": "{url}/p/thermostat/targets/" }} ],
  "boot": {{ "type": "file", "path": "{there}/boot" }},
  "health": {{ "command": [ "/bin/sh", "-c", "! grep -qa sick '{there}/runs'" ] }},
  "report_url": "{url}/reports/", "plain_http": true }}""")
        self.devices.append(subprocess.Popen(["bash", "-c", DEVICE, "device", str(there)], env=self.env,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def end(self):
        (self.work / "devices/stop").touch()
        for device in self.devices:
            device.wait()
        self.server.shutdown()

    def runs(self, name):
        return (self.work / "devices" / name / "runs").read_bytes().split(b"\n")[1].decode()

    def merge(self, source, steps, job_env, branch):
        """One run of the workflow. @return (name of the step that failed or None, its exit code, all output)"""
        self.run_number += 1
        checkout = pathlib.Path(tempfile.mkdtemp(dir=self.work))
        shutil.copytree(source, checkout, dirs_exist_ok=True)
        given = {"vars.PUBLISHER": self.work / "store", "vars.SITE": self.work / "site", "vars.REPORTS": self.work / "reports",
                 "vars.INTERVAL": "1", "secrets.KEYS": self.keys}
        env = {**self.env, "GITHUB_REF_NAME": branch, "GITHUB_RUN_NUMBER": str(self.run_number)}
        for name, value in job_env.items():
            m = re.fullmatch(r"\$\{\{ ([\w.]+) \}\}", value)
            env[name] = str(given[m[1]]) if m else value
        broken, code, output = None, 0, ""
        for step in steps:
            if step.run is None or (broken and not step.always):
                continue
            github_env = checkout / ".github_env"
            github_env.touch()
            script = checkout / ".step.sh"
            script.write_text(step.run)
            done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)], cwd=checkout,
                                  env={**env, "GITHUB_ENV": str(github_env)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=STEP_TIMEOUT_S)
            output += f"== {step.name}: {done.returncode}\n{done.stdout}"
            env.update(line.split("=", 1) for line in github_env.read_text().splitlines())
            if done.returncode and not broken:
                broken, code = step.name, done.returncode
        check("the keys are gone from the runner", not list(checkout.rglob("keys")), list(checkout.iterdir()))
        return broken, code, output


def story(world, env, steps):
    source = world.work / "application"
    (source / "signatures").mkdir(parents=True)
    (source / "build.sh").write_text(BUILD)
    (source / "build.sh").chmod(0o755)
    (source / "condition").write_text("good")
    world.publisher()
    shutil.copytree(world.work / "private", world.work / "store", ignore=shutil.ignore_patterns("keys"))
    for name, group in (("test-1", "field-test"), ("test-2", "field-test"), ("home-1", "production")):
        world.device(name, group)

    end = world.merge(source, steps, env, "main")
    check("a merge to main reaches the field test", end[:2] == (None, 0), end[2])
    check("both devices run it", {world.runs("test-1"), world.runs("test-2")} == {"# version 1.0.1, good"}, world.runs("test-1"))
    check("the customer's does not", world.runs("home-1") == "# version 0, good", world.runs("home-1"))

    world.administrators(source)
    end = world.merge(source, steps, env, "release")
    check("a merge to release reaches the customers", end[:2] == (None, 0), end[2])
    check("whose device runs it", world.runs("home-1") == "# version 1.0.2, good", world.runs("home-1"))
    check("the administrators' root is published", (world.work / "site/p/thermostat/metadata/2.root.json").exists(), end[2])

    (source / "condition").write_text("sick")
    end = world.merge(source, steps, env, "main")
    check("a sick version fails, with the code for it", end[:2] == ("Wait for the devices", 4), end[2])
    check("and is rolled back", world.runs("test-1") == "# version 1.0.1, good", world.runs("test-1"))

    end = world.merge(source, steps, env, "topic")
    check("another branch goes nowhere", end[:2] == ("Choose the group", 1), end[2])
    planted = [s for s in steps if s.name != "Add the image"]
    check("a workflow that lost a step is found", len(planted) == len(steps) - 1 and
          world.merge(source, planted, env, "main")[0] == "Deploy to the group")
    check("keys are in no place but the secret", not list((world.work / "store").rglob("keys")) and
          not list((world.work / "site").rglob("keys")))


def main():
    if shutil.which("rsync") is None:
        print("SKIPPED: rsync is missing")
        sys.exit(77)
    workflow, there, path = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    text = workflow.read_text()
    env, steps = parse(text)
    same_as_yaml(text, env, steps)
    check("the only foreign action is the checkout", [s.uses for s in steps if s.uses] == ["actions/checkout@v4"])
    work = pathlib.Path(tempfile.mkdtemp(prefix="ci_workflow.", dir=there))
    world = World(work, path)
    try:
        story(world, env, steps)
    finally:
        world.end()
        shutil.rmtree(work, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or passed < 12 else 0)


if __name__ == "__main__":
    main()
