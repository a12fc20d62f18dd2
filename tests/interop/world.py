# SPDX-License-Identifier: Apache-2.0
"""One repository and the clients that follow it. Each step is done by all of them; their verdicts, what they stored and
what they asked for are compared, with each other and with what the scenario says must happen."""
import hashlib
import json

from clients import Job, all_files, stored
from repo import TOP

OK, REFUSED = True, False


class Unlike(Exception):
    """A client did other than what is right."""


class Wrong:
    """A reference client that is known to judge otherwise here, and why ota-tuf's verdict is the right one."""

    def __init__(self, client, why):
        self.client, self.why = client, why


class World:
    def __init__(self, suite, site, repo, directory):
        self.suite, self.site, self.repo, self.directory = suite, site, repo, directory
        self.steps, self.excused = 0, []
        self.untold = set()  # clients that went another way and are not compared any more
        suite.server.add(site, repo)
        for client in suite.clients:
            (directory / client.name / "metadata").mkdir(parents=True)
            (directory / client.name / "targets").mkdir()

    def init(self, root=None, expect=OK):
        for client in self.suite.clients:
            verdict = client.init(self.directory / client.name, self.repo.first_root if root is None else root)
            if client.name == "ota-tuf" and verdict.ok != expect:
                raise Unlike(f"init: {verdict.why or 'accepted'}")

    def refresh(self, expect=OK, **more):
        return self.step(expect, **more)

    def download(self, *paths, expect=OK, **more):
        return self.step(expect, paths=paths, **more)

    def step(self, expect, *, paths=(), at=None, wrong=(), trusted=None, asked=None, same_files=True, same_requests=True):
        """@param wrong     reference clients that are known to judge otherwise
           @param trusted   {role: version} that must be stored afterwards
           @param asked     the metadata files that must have been asked for, in order
           @param same_files, same_requests  False: the references differ among themselves or from the specification"""
        self.steps += 1
        seen = {}
        for client in self.suite.clients:
            if client.name not in self.untold:
                seen[client.name] = self.one(client, paths, at)
        excuses = {w.client: w for w in ([wrong] if isinstance(wrong, Wrong) else wrong)}
        for name, (verdict, _) in seen.items():
            if name in excuses:
                self.excuse(excuses[name], verdict.ok == expect)
            elif verdict.ok != expect:
                raise Unlike(f"step {self.steps}: {name} {'accepts' if verdict.ok else 'refuses'}: {verdict.why}")
        self.compare({n: s for n, s in seen.items() if n not in self.untold}, same_files, same_requests)
        if trusted is not None:
            self.check_trusted(trusted)
        if asked is not None:
            self.check_asked(seen["ota-tuf"][1], asked)
        if expect and paths:
            self.check_targets(paths)

    def one(self, client, paths, at):
        directory = self.directory / client.name
        before = len(self.suite.server.requests(self.site, client.name))
        job = Job(directory, *(self.suite.server.url(self.site, client.name, p) for p in ("metadata", "targets")), paths, at)
        verdict = client.run(job)
        return verdict, self.suite.server.requests(self.site, client.name)[before:]

    def excuse(self, wrong, agrees):
        """An excuse that is not needed is a mistake in the table."""
        if agrees:
            raise Unlike(f"step {self.steps}: {wrong.client} is right by now, the table says: {wrong.why}")
        self.excused.append(wrong)
        self.untold.add(wrong.client)

    def compare(self, seen, same_files, same_requests):
        ours = self.files("ota-tuf")
        hidden = [f for f in all_files(self.directory / "ota-tuf/metadata") if not f.endswith(".json") or f.startswith(".")]
        hidden += [f for f in all_files(self.directory / "ota-tuf/targets") if f.startswith(".")]
        if hidden:
            raise Unlike(f"step {self.steps}: ota-tuf leaves {hidden}")
        for name, (_, requests) in seen.items():
            if same_files and self.files(name) != ours:
                raise Unlike(f"step {self.steps}: {name} stores {describe(self.files(name))}, ota-tuf {describe(ours)}")
            if same_requests and requests != seen["ota-tuf"][1]:
                raise Unlike(f"step {self.steps}: {name} asks {requests}, ota-tuf {seen['ota-tuf'][1]}")

    def files(self, client):
        """What is trusted, whatever the files are called: names of delegated roles' files are each client's own."""
        return sorted(stored(self.directory / client / "metadata").values())

    def check_trusted(self, want):
        found = stored(self.directory / "ota-tuf/metadata")
        have = {r: json.loads(found[f"{r}.json"])["signed"]["version"] for r in TOP if f"{r}.json" in found}
        if have != want:
            raise Unlike(f"step {self.steps}: ota-tuf trusts {have}, not {want}")

    def check_asked(self, requests, want):
        got = [line.removeprefix("GET metadata/") for line in requests if "metadata/" in line]
        if got != list(want):
            raise Unlike(f"step {self.steps}: ota-tuf asks {got}, not {list(want)}")

    def check_targets(self, paths):
        """The bytes that the repository has, under the same name for the same path."""
        digests = {hashlib.sha256(f.read_bytes()).digest() for f in (self.directory / "ota-tuf/targets").iterdir()}
        for path in paths:
            data = self.repo.targets.get(path)
            if data is not None and hashlib.sha256(data).digest() not in digests:
                raise Unlike(f"step {self.steps}: {path} is not there")


def describe(files):
    return sorted(f"{d['signed']['_type']} {d['signed']['version']}" for d in map(json.loads, files))
