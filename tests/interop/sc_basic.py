# SPDX-License-Identifier: Apache-2.0
"""What every client does every day; the shape of files; what goes wrong on the network."""
import json

from table import scenario, scenarios
from world import OK, REFUSED, Wrong

FIRST = ("2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json")
ONES = {"root": 1, "timestamp": 1, "snapshot": 1, "targets": 1}


@scenario("basic")
def first_refresh(s):
    s.follow(s.repo()).refresh(OK, trusted=ONES, asked=FIRST)


@scenario("basic")
def nothing_new(s):
    w = s.follow(s.repo())
    w.refresh(OK)
    w.refresh(OK, trusted=ONES, asked=("2.root.json", "timestamp.json"))


@scenario("basic")
def new_timestamp_only(s):
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    repo.bump("timestamp")
    w.refresh(OK, trusted={**ONES, "timestamp": 2}, asked=("2.root.json", "timestamp.json"))


@scenario("basic")
def new_snapshot(s):
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    repo.update()
    w.refresh(OK, trusted={**ONES, "timestamp": 2, "snapshot": 2}, asked=("2.root.json", "timestamp.json", "2.snapshot.json"))


@scenario("basic")
def new_targets(s):
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    repo.update("targets")
    w.refresh(OK, trusted={"root": 1, "timestamp": 2, "snapshot": 2, "targets": 2})


@scenario("basic")
def many_versions_at_once(s):
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    for _ in range(5):
        repo.rotate_root()
        repo.update("targets")
    w.refresh(OK, trusted={"root": 6, "timestamp": 6, "snapshot": 6, "targets": 6},
              asked=("2.root.json", "3.root.json", "4.root.json", "5.root.json", "6.root.json", "7.root.json",
                     "timestamp.json", "6.snapshot.json", "6.targets.json"))


@scenarios("basic", {"consistent": True, "plain": False})
def lengths_and_hashes_listed(s, consistent):
    repo = s.repo(listed=True, consistent=consistent)
    w = s.follow(repo)
    w.refresh(OK)
    repo.update("targets")
    w.refresh(OK, trusted={"root": 1, "timestamp": 2, "snapshot": 2, "targets": 2})
    w.refresh(OK)


@scenario("basic")
def files_lost_are_fetched_again(s):
    w = s.follow(s.repo())
    w.refresh(OK)
    for client in s.suite.clients:
        (w.directory / client.name / "metadata/targets.json").unlink()
        (w.directory / client.name / "metadata/timestamp.json").unlink()
    w.refresh(OK, trusted=ONES)


@scenarios("basic", {role: role for role in ("timestamp", "snapshot", "targets")})
def damaged_store_heals(s, role):
    w = s.follow(s.repo())
    w.refresh(OK)
    for client in s.suite.clients:
        file = w.directory / client.name / f"metadata/{role}.json"
        file.write_bytes(file.read_bytes().replace(b"20", b"21", 1)[:-7])
    w.refresh(OK, trusted=ONES)


def spaced(repo, text):
    return text + b" \n"


def tight(repo, text):
    return json.dumps(json.loads(text), separators=(",", ":")).encode()


def wide(repo, text):
    return json.dumps(json.loads(text), indent=4).encode()


def backwards(repo, text):
    """Members in the opposite order."""
    def turn(v):
        return {k: turn(v[k]) for k in reversed(list(v))} if isinstance(v, dict) else [turn(x) for x in v] if isinstance(v, list) else v
    return json.dumps(turn(json.loads(text))).encode()


def envelope(repo, text):
    return json.dumps({"note": {"any": [1, None, True]}, **json.loads(text)}).encode()


@scenarios("form", {f.__name__: f for f in (spaced, tight, wide, backwards, envelope)})
def other_forms_of_the_same_file(s, change):
    """Signatures are over the canonical form; what is stored is what came, byte for byte."""
    repo = s.repo()
    for name in list(repo.files):
        repo.files[name] = change(repo, repo.files[name])
    repo.first_root = repo.files["1.root.json"]
    w = s.follow(repo)
    # tuf-js and python-tuf store what came as well, so files are equal to the last blank
    w.refresh(OK, trusted=ONES)
    w.refresh(OK, trusted=ONES)


@scenarios("form", {role: role for role in ("root", "timestamp", "snapshot", "targets")})
def unknown_members(s, role):
    repo = s.repo()
    repo.signed[role]["x-note"] = {"deep": [1, {"text": 'a "quoted" \\ ü 语', "none": None, "yes": True}]}
    repo.bump(role)
    repo.first_root = repo.files.get("2.root.json", repo.first_root)
    repo.update()
    s.follow(repo).refresh(OK)


@scenarios("form", {"1.0": "1.0", "1.0.0": "1.0.0", "1.1.7": "1.1.7"})
def spec_versions_of_the_same_major(s, version):
    repo = s.repo()
    for role in ("timestamp", "snapshot", "targets"):
        repo.signed[role]["spec_version"] = version
    for role in ("targets", "snapshot", "timestamp"):
        repo.put(role)
    s.follow(repo).refresh(OK)


@scenario("form")
def another_major_spec_version(s):
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    repo.signed["timestamp"]["spec_version"] = "2.0.0"
    repo.bump("timestamp", raw=True)
    w.refresh(REFUSED, trusted=ONES)


# ---- what is no metadata at all ----

BROKEN = {
    "empty": b"", "space": b" ", "text": b"not JSON", "array": b"[]", "string": b'"x"', "null": b"null", "number": b"1",
    "object": b"{}", "unsigned": b'{"signed":{}}', "signatures only": b'{"signatures":[]}', "half": b'{"signatures":[],"sig',
    "null signed": b'{"signatures":[],"signed":null}', "null signatures": b'{"signatures":null,"signed":{}}',
    "latin-1": b'{"signatures":[],"signed":{"a":"\xe9"}}', "nul": b"\x00", "deep": b"[" * 5000,
}


@scenarios("broken", {f"{role}: {name}": (role, text) for role in ("timestamp", "targets") for name, text in BROKEN.items()})
def no_metadata_at_all(s, role, text):
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    repo.update("targets")
    good = repo.files[repo.url_name(role)]
    repo.files[repo.url_name(role)] = text
    w.refresh(REFUSED)
    repo.files[repo.url_name(role)] = good
    w.refresh(OK, trusted={"root": 1, "timestamp": 2, "snapshot": 2, "targets": 2})


@scenarios("broken", {f"{a} for {b}": (a, b) for a, b in
                      (("snapshot", "timestamp"), ("timestamp", "snapshot"), ("root", "timestamp"), ("targets", "snapshot"),
                       ("snapshot", "targets"), ("root", "targets"))})
def one_role_served_as_another(s, sent, wanted):
    """With one key for all roles, so that only the type tells them apart."""
    repo = s.repo()
    key = repo.key("all")
    for role in ("root", "timestamp", "snapshot", "targets"):
        repo.set_role(role, 1, [key])
    for role in ("root", "targets", "snapshot", "timestamp"):
        repo.put(role)
    repo.first_root = repo.files["1.root.json"]
    w = s.follow(repo)
    w.refresh(OK)
    repo.update("targets")
    good = repo.files[repo.url_name(wanted)]
    repo.files[repo.url_name(wanted)] = repo.files[repo.url_name(sent)]
    w.refresh(REFUSED)
    repo.files[repo.url_name(wanted)] = good
    w.refresh(OK)


# ---- the network ----

ROLES = ("timestamp", "snapshot", "targets")


@scenarios("network", {role: role for role in ROLES})
def absent(s, role):
    repo = s.repo()
    w = s.follow(repo)
    good = repo.files.pop(repo.url_name(role))
    w.refresh(REFUSED)
    repo.files[repo.url_name(role)] = good
    w.refresh(OK, trusted=ONES)


@scenarios("network", {role: role for role in (*ROLES, "root")})
def empty_reply(s, role):
    """The connection is closed without an answer: an error, and no second try."""
    repo = s.repo()
    name = "2.root.json" if role == "root" else repo.url_name(role)
    asked = FIRST[:FIRST.index(name) + 1]
    w = s.follow(repo)
    repo.dropped.add(name)
    w.refresh(REFUSED, asked=asked, same_requests=False)  # python-tuf's HTTP library tries again
    repo.dropped.clear()
    w.refresh(OK, trusted=ONES)


@scenarios("network", {f"{status} {name}": (status, name) for status in (500, 503, 401) for name in ("2.root.json", "timestamp.json")})
def other_status(s, status, name):
    repo = s.repo()
    w = s.follow(repo)
    repo.status[name] = status
    w.refresh(REFUSED)
    repo.status.clear()
    w.refresh(OK, trusted=ONES)


@scenario("network")
def next_root_is_gone(s):
    repo = s.repo()
    repo.status["2.root.json"] = 410
    why = "takes 404 and 403 only for a root that is not there; 410 says the same and means it (RFC 9110 section 15.5.11)"
    s.follow(repo).refresh(OK, trusted=ONES, wrong=[Wrong("python-tuf", why), Wrong("tuf-js", why)])


@scenarios("network", {role: role for role in ROLES})
def half_a_file(s, role):
    """The connection is closed before the length that was promised."""
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    repo.update("targets")
    repo.cut.add(repo.url_name(role))
    w.refresh(REFUSED, same_requests=False)  # as above
    repo.cut.clear()
    w.refresh(OK, trusted={"root": 1, "timestamp": 2, "snapshot": 2, "targets": 2})


@scenario("network")
def forbidden_next_root(s):
    """As a storage service says that there is none."""
    repo = s.repo()
    repo.status["2.root.json"] = 403
    s.follow(repo).refresh(OK, trusted=ONES)


@scenarios("network", {"timestamp": ("timestamp", 16384), "root": ("root", 512000)})
def too_long(s, role, limit):
    """One byte more than all three clients take. Of a shorter one with blanks behind it each is accepted."""
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    if role == "root":
        repo.rotate_root()
    else:
        repo.bump("timestamp")
    name = repo.url_name(role)
    good = repo.files[name]
    repo.files[name] = good + b" " * (limit - len(good) + 1)
    w.refresh(REFUSED, trusted=ONES)
    repo.files[name] = good + b" " * (limit - len(good))
    w.refresh(OK)


@scenario("basic")
def unusable_roots_are_not_trusted(s):
    """At init there is nobody to compare with: ota-tuf says so at once, others at the first refresh."""
    repo = s.repo()
    w = s.world(repo)
    wrong_type = repo.files["timestamp.json"]
    stranger = json.loads(repo.first_root)
    stranger["signatures"] = []
    for root in (b"", b"{}", b"[]", wrong_type, json.dumps(stranger).encode(), repo.first_root[:-30]):
        w.init(root, expect=REFUSED)
    w.init()
    w.refresh(OK, trusted=ONES)
