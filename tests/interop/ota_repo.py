# SPDX-License-Identifier: Apache-2.0
"""Repositories made by ota-repo, read by another implementation's client.
Usage: ota_repo.py OTA_REPO EMPTY_DIR python-tuf|tuf-js [NODE DIRECTORY-OF-node_modules]"""
import functools
import hashlib
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import zlib

from node import Node, Refused
from tuf.api.exceptions import DownloadError, ExpiredMetadataError, RepositoryError
from tuf.ngclient import Updater

PRODUCT = "thermostat"
POINTER = "group/production/deploy.json"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Web:
    """A directory served on 127.0.0.1."""

    def __init__(self, root):
        handler = functools.partial(QuietHandler, directory=str(root))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()


class Publisher:
    def __init__(self, program, directory):
        self.program, self.dir = program, directory

    def __call__(self, *args):
        done = subprocess.run([self.program, "--dir", self.dir, "--json", *args], capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"ota-repo {' '.join(map(str, args))}: {done.stderr}")
        return json.loads(done.stdout)

    def factory_root(self, repo):
        return (self.dir / "web" / repo / "metadata/1.root.json").read_bytes()


class Target:
    """What the metadata say of a target, and its bytes."""

    def __init__(self, length, hashes, custom, data):
        self.length, self.hashes, self.custom, self.data = length, hashes, custom, data


class PythonTuf:
    """One session of python-tuf with one repository."""

    def __init__(self, here, url, root):
        self.updater = Updater(str(here / "metadata"), f"{url}metadata/", str(here / "targets"), f"{url}targets/", bootstrap=root)
        self.updater.refresh()

    def fetch(self, path):
        info = self.updater.get_targetinfo(path)
        assert info is not None, f"{path}: no role vouches for it"
        data = pathlib.Path(self.updater.download_target(info)).read_bytes()
        return Target(info.length, info.hashes, info.unrecognized_fields.get("custom"), data)


class TufJs:
    """One session of tuf-js with one repository."""
    node = None

    def __init__(self, here, url, root):
        stored = here / "metadata/root.json"
        if not stored.exists():
            stored.write_bytes(root)
        self.here = here
        self.options = {"metadataDir": str(here / "metadata"), "metadataBaseUrl": f"{url}metadata/",
                        "targetDir": str(here / "targets"), "targetBaseUrl": f"{url}targets/"}
        self.node.ask("refresh", at=None, options=self.options)

    def fetch(self, path):
        file = self.here / "targets/fetched"
        file.unlink(missing_ok=True)
        info = self.node.ask("download", at=None, options=self.options, paths=[path], files=[str(file)])["infos"][0]
        return Target(info["length"], info["hashes"], info.get("custom"), file.read_bytes())


class Device:
    """Trusted metadata of both repositories, as a device keeps it."""
    client = PythonTuf

    def __init__(self, directory, publisher):
        self.dir, self.publisher = directory, publisher
        for part in ("os", "p/" + PRODUCT):
            (directory / part / "metadata").mkdir(parents=True)
            (directory / part / "targets").mkdir()

    def session(self, web, repo):
        return self.client(self.dir / repo, f"{web.url}{repo}/", self.publisher.factory_root(repo))

    def deployed(self, web):
        """Images of the group's pointer, each found again where its path belongs: {component: bytes}."""
        product, os_repo = self.session(web, "p/" + PRODUCT), self.session(web, "os")
        pointer = json.loads(product.fetch(POINTER).data)
        found = {}
        for image in pointer["images"]:
            target = (os_repo if image["path"].startswith("os/") else product).fetch(image["path"])
            assert target.length == image["length"] and target.hashes["sha256"] == image["sha256"]
            ota = target.custom["ota"]
            assert ota["component"] == image["component"] and PRODUCT in ota["compatible"]
            for encoding in ota.get("encodings", []):
                if encoding["codec"] != "deflate":
                    continue
                packed = (os_repo if encoding["path"].startswith("os/") else product).fetch(encoding["path"]).data
                assert zlib.decompress(packed) == target.data
            found[image["component"]] = target.data
        return pointer["seq"], found


class Case:
    """A published product, and everything that a check needs."""

    def __init__(self, program, work, *init_options):
        self.work = work
        self.publisher = Publisher(program, work / "publisher")
        self.os_image = bytes(range(256)) * 900
        self.app_image = b"application " * 20000
        (work / "os.img").write_bytes(self.os_image)
        (work / "app.img").write_bytes(self.app_image)
        self.publisher("init", *init_options)
        self.publisher("product", "add", PRODUCT)
        self.publish("1.0.0")

    def publish(self, version):
        for component in ("os", "app"):
            self.publisher("image", "add", self.work / f"{component}.img", "--product", PRODUCT, "--component", component,
                           "--version", version)
        self.publisher("deploy", "--product", PRODUCT, "--group", "Production", "--image", f"os={version}",
                       "--image", f"app={version}")

    def device(self, name="device"):
        return Device(self.work / name, self.publisher)

    @property
    def web(self):
        return self.work / "publisher/web"

    def expect(self, device, seq):
        with Web(self.web) as web:
            assert device.deployed(web) == (seq, {"os": self.os_image, "app": self.app_image})


def reads_both_repositories(program, work):
    case = Case(program, work)
    case.expect(case.device(), 1)


def follows_every_rotation(program, work):
    case = Case(program, work)
    old = case.device("old")
    case.expect(old, 1)
    for role in ("root", "timestamp", "snapshot", "targets", "os-images"):
        case.publisher("key", "rotate", role)
        case.expect(old, 1)
    for role in ("root", "timestamp", "snapshot", "targets", "groups", "pub-maker"):
        case.publisher("key", "rotate", role, "--product", PRODUCT)
        case.expect(old, 1)
    case.publish("2.0.0")
    case.expect(old, 2)
    case.expect(case.device("new"), 2)


def reads_thresholds(program, work):
    case = Case(program, work, "--root-keys", "3", "--root-threshold", "2", "--targets-keys", "2", "--targets-threshold", "2")
    device = case.device()
    case.expect(device, 1)
    case.publisher("key", "rotate", "root")
    case.publisher("key", "add", "timestamp", "--threshold", "2")
    case.expect(device, 1)


def feed_is_found(program, work):
    case = Case(program, work)
    case.publisher("feed", "set", "retail", "--product", PRODUCT, "--image", "os=1.0.0")
    device = case.device()
    with Web(case.web) as web:
        text = device.session(web, "os").fetch(f"os/feed/retail/{PRODUCT}.json").data
    assert json.loads(text)["feed"] == "retail"


def refresh_renews(program, work):
    case = Case(program, work)
    device = case.device()
    case.expect(device, 1)
    case.publisher("refresh")
    case.publisher("refresh", "--all")
    case.expect(device, 1)


def refuses_flipped_image(program, work):
    case = Case(program, work)
    case.expect(case.device("before"), 1)
    image = next((case.web / "os/targets/os/img").glob("*.img"))
    data = bytearray(image.read_bytes())
    data[len(data) // 2] ^= 1
    image.write_bytes(data)
    refused(case, case.device(), (RepositoryError, DownloadError))


def refuses_changed_metadata(program, work):
    case = Case(program, work)
    case.expect(case.device("before"), 1)
    path = case.web / "os/metadata/timestamp.json"
    document = json.loads(path.read_text())
    document["signed"]["version"] += 1
    path.write_text(json.dumps(document))
    refused(case, case.device(), RepositoryError)


def refuses_old_timestamp(program, work):
    case = Case(program, work)
    path = case.web / f"p/{PRODUCT}/metadata/timestamp.json"
    before = path.read_bytes()
    case.publish("2.0.0")
    device = case.device()
    case.expect(device, 2)
    path.write_bytes(before)
    refused(case, device, RepositoryError)


def refuses_expired(program, work):
    case = Case(program, work)
    case.expect(case.device("before"), 1)
    case.publisher("refresh", "--now", "2020-01-01T00:00:00Z")
    refused(case, case.device(), ExpiredMetadataError)


def refuses_foreign_repository(program, work):
    case = Case(program, work)
    (work / "other").mkdir()
    other = Case(program, work / "other")
    factory_root = case.publisher.factory_root("os")
    shutil.rmtree(case.web / "os")
    shutil.copytree(other.web / "os", case.web / "os")
    (case.web / "os/metadata/1.root.json").write_bytes(factory_root)
    refused(case, case.device(), RepositoryError)


def reads_a_shard(program, work):
    """A client that knows nothing of scopes reads a shard of the director, from the director's factory root."""
    if Device.client is not PythonTuf:
        return
    case = Case(program, work)
    case.publisher("device", "set", "dev-1", "--product", PRODUCT, "--group", "field-test")
    case.publisher("director", "set", "--product", PRODUCT, "--digits", "1")
    shard = hashlib.sha256(b"dev-1").hexdigest()[0]
    for group in ("field-test", "production"):
        case.publisher("device", "set", "dev-1", "--product", PRODUCT, "--group", group)
        here = work / group
        (here / "targets").mkdir(parents=True)
        with Web(case.web) as web:
            url = f"{web.url}d/{PRODUCT}/metadata/{shard}/"
            updater = Updater(str(here / "metadata"), url, str(here / "targets"), url, bootstrap=case.publisher.factory_root(f"d/{PRODUCT}"))
            updater.refresh()
            info = updater.get_targetinfo(f"shard/{shard}.json")
        assert info.custom == {"ota": {"devices": {"dev-1": group}}}, info.custom


def refused(case, device, kinds):
    """Call it with a repository that was accepted before it was changed."""
    with Web(case.web) as web:
        try:
            device.deployed(web)
        except (kinds if device.client is PythonTuf else Refused):
            return
    raise AssertionError("accepted")


CHECKS = [reads_both_repositories, follows_every_rotation, reads_thresholds, feed_is_found, refresh_renews, reads_a_shard,
          refuses_flipped_image, refuses_changed_metadata, refuses_old_timestamp, refuses_expired, refuses_foreign_repository]


def main():
    program, work = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    if sys.argv[3] == "tuf-js":
        Device.client, TufJs.node = TufJs, Node(*sys.argv[4:])
    failed = 0
    for check in CHECKS:
        place = work / check.__name__
        place.mkdir()
        try:
            check(program, place)
            print(f"ok   {check.__name__}")
        except Exception as error:  # a check may fail in any way; the others still run
            failed += 1
            print(f"FAIL {check.__name__}: {type(error).__name__}: {error}")
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed or not CHECKS else 0


if __name__ == "__main__":
    sys.exit(main())
