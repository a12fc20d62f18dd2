# SPDX-License-Identifier: Apache-2.0
"""The same client three times: python-tuf, tuf-js, ota-tuf. Each works in directories of its own and says whether it
succeeded; what it stored and what it asked for is looked up from outside."""
import datetime
import os
import pathlib
import shutil
import subprocess
from urllib.parse import quote

from node import Refused
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient._internal import trusted_metadata_set

TIMEOUT = 60


class Job:
    """One refresh, or with paths one download."""

    def __init__(self, directory, metadata_url, targets_url, paths=(), at=None):
        self.metadata_dir, self.target_dir = directory / "metadata", directory / "targets"
        self.metadata_url, self.targets_url, self.paths, self.at = metadata_url, targets_url, paths, at


class Verdict:
    def __init__(self, ok, why=""):
        self.ok, self.why = ok, why


class PythonTuf:
    name = "python-tuf"

    def init(self, directory, root):
        (directory / "factory-root").write_bytes(root)
        return Verdict(True)

    def run(self, job):
        before = trusted_metadata_set.datetime
        trusted_metadata_set.datetime = Clock(job.at) if job.at else before
        try:
            self.work(job)
            return Verdict(True)
        except Exception as error:  # whatever it raises, it refuses
            return Verdict(False, f"{type(error).__name__}: {error}")
        finally:
            trusted_metadata_set.datetime = before

    @staticmethod
    def work(job):
        factory = job.metadata_dir.parent / "factory-root"
        bootstrap = factory.read_bytes() if factory.exists() else None
        updater = Updater(str(job.metadata_dir), job.metadata_url, str(job.target_dir), job.targets_url, bootstrap=bootstrap)
        factory.unlink(missing_ok=True)  # from now on it has what it stored
        updater.refresh()
        for path in job.paths:
            info = updater.get_targetinfo(path)
            if info is None:
                raise LookupError(f"no role vouches for {path}")
            if updater.find_cached_target(info) is None:
                updater.download_target(info)


class Clock:
    """The module `datetime`, standing still."""

    def __init__(self, at):
        self.datetime = self
        self.timezone, self.at = datetime.timezone, at

    def now(self, _zone):
        return self.at


class TufJs:
    name = "tuf-js"

    def __init__(self, node):
        self.node = node

    def init(self, directory, root):
        (directory / "metadata/root.json").write_bytes(root)
        return Verdict(True)

    def run(self, job):
        options = {"metadataDir": str(job.metadata_dir), "metadataBaseUrl": job.metadata_url,
                   "targetDir": str(job.target_dir), "targetBaseUrl": job.targets_url}
        at = job.at and job.at.timestamp() * 1000
        try:
            self.node.ask("download" if job.paths else "refresh", at=at, options=options, paths=list(job.paths),
                          files=[str(job.target_dir / quote(p, safe="")) for p in job.paths])
            return Verdict(True)
        except Refused as error:
            return Verdict(False, str(error))


class OtaTuf:
    """As the contract of the public conformance suite has it: options before the command, and 0 or exactly 1."""
    name = "ota-tuf"

    def __init__(self, program, options=()):
        self.program, self.options = [str(program)], list(options)
        self.environment = {**os.environ, "TZ": "UTC"}

    def call(self, at, *words):
        clock = ["faketime", at.strftime("%Y-%m-%d %H:%M:%S")] if at else []
        done = subprocess.run([*clock, *self.program, *self.options, *map(str, words)], capture_output=True, text=True,
                              timeout=TIMEOUT, env=self.environment, errors="replace")
        if done.returncode not in (0, 1):
            raise AssertionError(f"ota-tuf ended with {done.returncode}, not 0 or 1: {done.stderr}")
        if done.returncode == 1 and not done.stderr.startswith("ota-tuf: "):
            raise AssertionError(f"ota-tuf failed and did not say why: {done.stderr!r}")
        return Verdict(done.returncode == 0, done.stderr.strip())

    def init(self, directory, root):
        file = directory / "factory-root"
        file.write_bytes(root)
        return self.call(None, "--metadata-dir", directory / "metadata", "init", file)

    def run(self, job):
        words = ["--metadata-url", job.metadata_url, "--metadata-dir", job.metadata_dir]
        if not job.paths:
            return self.call(job.at, *words, "refresh")
        names = [word for path in job.paths for word in ("--target-name", path)]
        return self.call(job.at, *words, *names, "--target-dir", job.target_dir, "--target-base-url", job.targets_url, "download")


def need_faketime():
    if not shutil.which("faketime"):
        raise SystemExit("faketime is missing: scripts/install-deps.sh ci")


def stored(directory):
    """The trusted files' bytes by role: what is a link or a history is looked through."""
    return {path.name: path.read_bytes() for path in pathlib.Path(directory).glob("*.json")}


def all_files(directory):
    return sorted(str(p.relative_to(directory)) for p in pathlib.Path(directory).rglob("*") if p.is_file())
