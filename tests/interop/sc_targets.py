# SPDX-License-Identifier: Apache-2.0
"""Delegations, names, downloads."""
import hashlib
import os

from table import scenario, scenarios
from world import OK, REFUSED, Wrong

# ---- which roles are looked at, in which order: (edges, order, holder) ----
# An edge is delegator, role, and what is special. The path looked for is "dir/file.txt"; nobody has it unless `holder` does.

ANY, NOT = ("dir/*", "*/*.txt"), ("other/*",)
GRAPHS = {
    "none": ([], [], None),
    "one": ([("targets", "A")], ["A"], None),
    "one that has it": ([("targets", "A")], ["A"], "A"),
    "two": ([("targets", "A"), ("targets", "B")], ["A", "B"], "B"),
    "the first that has it is the last asked": ([("targets", "A"), ("targets", "B")], ["A"], "A"),
    "chain": ([("targets", "A"), ("A", "B"), ("B", "C")], ["A", "B", "C"], "C"),
    "children before siblings": ([("targets", "A"), ("targets", "B"), ("A", "C")], ["A", "C", "B"], None),
    "grandchildren before siblings": ([("targets", "A"), ("targets", "B"), ("A", "C"), ("C", "D")], ["A", "C", "D", "B"], "B"),
    "two trees": ([("targets", "A"), ("targets", "B"), ("A", "C"), ("A", "D"), ("B", "E"), ("B", "F")],
                  ["A", "C", "D", "B", "E", "F"], None),
    "itself": ([("targets", "A"), ("A", "A")], ["A"], None),
    "ring of two": ([("targets", "A"), ("A", "B"), ("B", "A")], ["A", "B"], None),
    "ring of three": ([("targets", "A"), ("A", "B"), ("B", "C"), ("C", "A")], ["A", "B", "C"], None),
    "two delegators": ([("targets", "A"), ("targets", "B"), ("A", "C"), ("B", "C")], ["A", "C", "B"], None),
    "child and sibling": ([("targets", "A"), ("targets", "B"), ("A", "B")], ["A", "B"], None),
    "terminating": ([("targets", "A", "stop"), ("targets", "B")], ["A"], None),
    "terminating later": ([("targets", "A"), ("targets", "B", "stop"), ("targets", "C")], ["A", "B"], None),
    "terminating below": ([("targets", "A"), ("targets", "B"), ("A", "C", "stop"), ("A", "D")], ["A", "C"], None),
    "terminating, its children count": ([("targets", "A", "stop"), ("targets", "B"), ("A", "C")], ["A", "C"], "C"),
    "terminating twice": ([("targets", "A", "stop"), ("A", "B", "stop"), ("A", "C")], ["A", "B"], None),
    "terminating for other paths": ([("targets", "A", "stop other"), ("targets", "B")], ["B"], "B"),
    "terminating hides what a later one has": ([("targets", "A", "stop"), ("targets", "B")], ["A"], "-B"),
    "terminating below hides an uncle's": ([("targets", "A"), ("A", "C", "stop"), ("targets", "B")], ["A", "C"], "-B"),
    "other paths are passed over": ([("targets", "A", "other"), ("targets", "B")], ["B"], None),
    "each hop must match": ([("targets", "A"), ("A", "B", "other"), ("B", "C")], ["A"], "-C"),
    "wide": ([("targets", f"R{i}") for i in range(20)], [f"R{i}" for i in range(20)], "R19"),
    "deep": ([("targets", "R0"), *((f"R{i}", f"R{i + 1}") for i in range(19))], [f"R{i}" for i in range(20)], "R19"),
}


@scenarios("graphs", GRAPHS)
def order_of_delegations(s, edges, order, holder):
    repo = s.repo()
    for parent, role, *special in edges:
        what = special[0] if special else ""
        repo.delegate(parent, role, paths=NOT if "other" in what else ANY, terminating="stop" in what, put=False)
    if holder:
        repo.add_target("dir/file.txt", f"from {holder}".encode(), role=holder.lstrip("-"))
    found = holder is not None and not holder.startswith("-")
    repo.update("targets", *dict.fromkeys(role for _, role, *_ in edges))
    w = s.follow(repo)
    w.refresh(OK)
    w.download("dir/file.txt", expect=OK if found else REFUSED,
               asked=("2.root.json", "timestamp.json", *(f"2.{r}.json" for r in order)))
    # what was fetched once is not fetched again
    w.download("dir/file.txt", expect=OK if found else REFUSED, asked=("2.root.json", "timestamp.json"))


PATTERNS = {
    "whole": ("a/b.txt", "a/b.txt", True), "star": ("*", "b.txt", True), "no slash for a star": ("*", "a/b.txt", False),
    "one star each": ("*/*", "a/b.txt", True), "too few parts": ("*/*/*", "a/b.txt", False), "ending": ("a/*.txt", "a/b.txt", True),
    "other ending": ("a/*.bin", "a/b.txt", False), "question mark": ("a/?.txt", "a/b.txt", True),
    "question mark is one character": ("a/?.txt", "a/bb.txt", False), "question mark is no slash": ("a?b.txt", "a/b.txt", False),
    "star in the middle": ("v*-x.img", "v1.2-x.img", True), "case counts": ("A/*", "a/b.txt", False),
    "star may be empty": ("b*.txt", "b.txt", True), "several stars": ("*-*-*.img", "a-b-c.img", True),
    "a directory is not its files": ("a", "a/b.txt", False),
}


@scenarios("patterns", PATTERNS)
def path_patterns(s, pattern, path, matches):
    repo = s.repo()
    repo.delegate("targets", "role", paths=[pattern])
    repo.add_target(path, role="role")
    repo.update("targets", "role")
    s.follow(repo).download(path, expect=OK if matches else REFUSED)


def digest(path, digits):
    return hashlib.sha256(path.encode()).hexdigest()[:digits]


PREFIXES = {"one digit": ((1,), True), "two": ((2,), True), "all": ((64,), True), "one of several": ((-3, -2, 4), True),
            "none of several": ((-1, -2, -3), False), "no prefix": ((), False)}


@scenarios("patterns", PREFIXES)
def path_hash_prefixes(s, lengths, matches):
    path = "dir/file.txt"
    def prefix(n):
        right = digest(path, abs(n))
        return right if n > 0 else right[:-1] + f"{15 - int(right[-1], 16):x}"
    repo = s.repo()
    repo.delegate("targets", "role", prefixes=[prefix(n) for n in lengths])
    repo.add_target(path, role="role")
    repo.update("targets", "role")
    s.follow(repo).download(path, expect=OK if matches else REFUSED)


@scenarios("bins", {f"{bits} bits": bits for bits in (1, 2, 3, 4, 5)})
def succinct_roles(s, bits):
    repo = s.repo()
    names = repo.delegate_bins("targets", bits, "bin")
    paths = [f"file-{i}" for i in range(8)]
    for path in paths:
        role = repo.bin_of(names, path)
        repo.add_target(path, path.encode(), role=role)
        repo.put(role)
    repo.update("targets")
    w = s.follow(repo)
    w.download(*paths)
    w.download("file-99", expect=REFUSED)


@scenario("bins")
def succinct_bin_of_another_name(s):
    """A target in the wrong bin is not found."""
    repo = s.repo()
    names = repo.delegate_bins("targets", 2, "bin")
    right = repo.bin_of(names, "file")
    wrong = names[(names.index(right) + 1) % len(names)]
    repo.add_target("file", role=wrong)
    repo.put(wrong)
    repo.update("targets")
    s.follow(repo).download("file", expect=REFUSED)


# ---- delegated roles are held to everything that targets are held to ----

def with_role(s, **more):
    repo = s.repo(**more)
    repo.delegate("targets", "role", paths=["*.txt"])
    repo.add_target("a.txt", role="role")
    repo.update("targets", "role")
    return repo, s.follow(repo)


@scenario("delegations")
def delegated_role_signed_by_the_delegator(s):
    repo, w = with_role(s)
    repo.put("role", keys=repo.signers["targets"])
    w.download("a.txt", expect=REFUSED)


@scenario("delegations")
def delegated_role_below_its_threshold(s):
    repo = s.repo()
    keys = [repo.key("first"), repo.key("second")]
    repo.delegate("targets", "role", paths=["*.txt"], keys=keys, threshold=2)
    repo.add_target("a.txt", role="role")
    repo.update("targets", "role")
    w = s.follow(repo)
    w.download("a.txt")
    repo.bump("role", keys=keys[:1])
    repo.update()
    w.download("a.txt", expect=REFUSED)


@scenario("delegations")
def delegated_role_is_absent(s):
    """A role that cannot be loaded ends the search, also when a later one would have the target."""
    repo, w = with_role(s)
    repo.delegate("targets", "other", paths=["*.txt"])
    repo.add_target("a.txt", role="other")
    repo.update("targets", "other")
    del repo.files[repo.url_name("role")]
    w.download("a.txt", expect=REFUSED)


@scenario("delegations")
def delegated_role_is_not_in_the_snapshot(s):
    repo, w = with_role(s)
    del repo.signed["snapshot"]["meta"]["role.json"]
    repo.update()
    w.download("a.txt", expect=REFUSED)


@scenario("delegations")
def delegated_role_is_not_as_listed(s):
    repo, w = with_role(s)
    repo.signed["snapshot"]["meta"]["role.json"]["hashes"] = {"sha256": "11" * 32}
    repo.update()
    w.download("a.txt", expect=REFUSED)


@scenario("delegations")
def delegation_to_another_key(s):
    """The delegator changes the key; the role's old key is worth nothing, on the stored file neither."""
    repo, w = with_role(s)
    w.download("a.txt")
    entry = repo.signed["targets"]["delegations"]["roles"][0]
    new = repo.key("new role")
    entry["keyids"] = [new.keyid]
    repo.signed["targets"]["delegations"]["keys"] = {new.keyid: new.text}
    repo.update("targets")
    w.download("a.txt", expect=REFUSED)
    repo.bump("role", keys=[new])
    repo.update()
    w.download("a.txt")


@scenario("delegations")
def cached_role_is_verified_against_its_delegator(s):
    """Two roles delegate to one, with different keys; it is signed with the key of the second only."""
    repo = s.repo()
    one, two = repo.key("one"), repo.key("two")
    repo.delegate("targets", "A", paths=["a/*"])
    repo.delegate("targets", "B", paths=["b/*"])
    repo.delegate("A", "C", paths=["a/*"], keys=[one])
    repo.delegate("B", "C", paths=["b/*"], keys=[two])
    repo.signers["C"] = [two]
    repo.add_target("a/x", role="C")
    repo.add_target("b/x", role="C")
    repo.update("targets", "A", "B", "C")
    w = s.follow(repo)
    w.download("b/x")
    w.download("a/x", expect=REFUSED)  # a new session verifies what it loads
    # and so does one that loaded it already, where earlier versions of both references did not; tuf-js then gives up at once
    w.download("b/x", "a/x", expect=REFUSED, same_requests=False)


@scenario("delegations")
def top_level_role_is_no_delegation(s):
    repo = s.repo()
    repo.add_target("a.txt", b"top")
    repo.delegate("targets", "role", paths=["*"])
    repo.add_target("a.txt", b"role", role="role", serve=False)
    repo.update("targets", "role")
    s.follow(repo).download("a.txt")  # the delegator goes first


@scenarios("delegations", {name: name for name in ("timestamp", "snapshot", "root")})
def delegated_role_with_the_name_of(s, name):
    repo = s.repo()
    delegations = repo.delegations("targets")
    key = repo.signers[name][0]
    delegations["keys"][key.keyid] = key.text
    delegations["roles"].append({"name": name, "keyids": [key.keyid], "threshold": 1, "terminating": False, "paths": ["*"]})
    repo.update_raw("targets")
    s.follow(repo).refresh(REFUSED, same_files=False, wrong=[])


# ---- names ----

ROLE_NAMES = ("?", "#", "/role", "../role", "a b", "ü语", "%41", "a+b&c=d", "role.json", "1.role", "-", "~x", "'\"", "a\\b", "..", "COM1:")


@scenarios("names", {f"{consistent}: {name}": (name, value) for name in ROLE_NAMES
                     for consistent, value in (("consistent", True), ("plain", False))})
def unusual_role_names(s, name, consistent):
    repo = s.repo(consistent=consistent)
    repo.delegate("targets", name, paths=["*.txt"])
    repo.add_target("a.txt", role=name)
    repo.update("targets", name)
    s.follow(repo).download("a.txt", same_requests="'" not in name)  # which tuf-js does not escape


TARGET_NAMES = ("a b.txt", "ü/语.bin", "a%20b", "a+b", "dir.with.dots/file", "~tilde", "a=b&c", "x:y", "(1)", "a,b;c", "@at", ".hidden", "a..b")


@scenarios("names", {name: name for name in TARGET_NAMES})
def unusual_target_names(s, name):
    repo = s.repo()
    repo.add_target(name)
    repo.update("targets")
    why = "does not escape a percent sign in the path of a target"
    wrong = [Wrong("python-tuf", why), Wrong("tuf-js", why)] if "%" in name else ()
    w = s.follow(repo)
    w.download(name, same_requests=False, wrong=wrong)  # each HTTP library has its own idea of what must be escaped


# ---- downloads ----

@scenarios("download", {"consistent": True, "plain": False})
def several_targets(s, consistent):
    repo = s.repo(consistent=consistent)
    paths = ["one", "dir/two", "dir/sub/three"]
    for path in paths:
        repo.add_target(path, path.encode() * 100)
    repo.update("targets")
    w = s.follow(repo)
    w.download(*paths)
    made = [os.stat(w.directory / "ota-tuf/targets" / f).st_mtime_ns for f in ("one", "dir%2Ftwo", "dir%2Fsub%2Fthree")]
    assert made == sorted(made), "not in order"
    w.download(*reversed(paths))
    assert made == [os.stat(w.directory / "ota-tuf/targets" / f).st_mtime_ns for f in ("one", "dir%2Ftwo", "dir%2Fsub%2Fthree")], "touched"


@scenarios("download", {"sha256": ("sha256",), "sha512": ("sha512",), "both": (("sha256", "sha512"),)})
def digests_of_targets(s, *algorithms):
    many = algorithms[0] if isinstance(algorithms[0], tuple) else algorithms
    repo = s.repo()
    repo.add_target("file", algorithms=many)
    repo.update("targets")
    s.follow(repo).download("file")


def change(data):
    return data[:-1] + bytes([data[-1] ^ 1])


BAD_TARGETS = {"one bit": change, "longer": lambda d: d + b"x", "shorter": lambda d: d[:-1], "empty": lambda d: b""}


@scenarios("download", BAD_TARGETS)
def target_is_not_as_signed(s, damage):
    repo = s.repo()
    repo.add_target("file", b"what was signed")
    repo.update("targets")
    w = s.follow(repo)
    for name in list(repo.targets):
        repo.targets[name] = damage(repo.targets[name])
    w.download("file", expect=REFUSED)
    assert not list((w.directory / "ota-tuf/targets").iterdir()), "something was kept"
    repo.serve_target("file", b"what was signed")
    w.download("file")


@scenario("download")
def half_a_target(s):
    repo = s.repo()
    repo.add_target("file", b"0123456789" * 50000)
    repo.update("targets")
    w = s.follow(repo)
    repo.cut.update(repo.targets)
    w.download("file", expect=REFUSED, same_requests=False)  # as for metadata
    assert not list((w.directory / "ota-tuf/targets").iterdir()), "something was kept"
    repo.cut.clear()
    w.download("file")


@scenario("download")
def both_digests_must_match(s):
    repo = s.repo()
    repo.add_target("file", algorithms=("sha256", "sha512"))
    repo.signed["targets"]["targets"]["file"]["hashes"]["sha512"] = "00" * 64
    repo.update("targets")
    s.follow(repo).download("file", expect=REFUSED)


@scenario("download")
def one_bad_target_ends_the_row(s):
    repo = s.repo()
    for name in ("one", "two", "three"):
        repo.add_target(name, name.encode())
    repo.update("targets")
    w = s.follow(repo)
    w.download("one", "none", "three", expect=REFUSED)
    assert [p.name for p in (w.directory / "ota-tuf/targets").iterdir()] == ["one"]


@scenario("download")
def no_such_target(s):
    w = s.follow(s.repo())
    w.download("nothing", expect=REFUSED)


@scenario("download")
def file_of_the_target_is_absent(s):
    repo = s.repo()
    repo.add_target("file", serve=False)
    repo.update("targets")
    s.follow(repo).download("file", expect=REFUSED)


@scenario("download")
def target_changes(s):
    repo = s.repo()
    w = s.follow(repo)
    for version in range(3):
        repo.add_target("file", b"version %d" % version)
        repo.update("targets")
        w.download("file")
        assert (w.directory / "ota-tuf/targets/file").read_bytes() == b"version %d" % version


@scenario("download")
def local_copy_is_mended(s):
    repo = s.repo()
    repo.add_target("file", b"right")
    repo.update("targets")
    w = s.follow(repo)
    w.download("file")
    for client in s.suite.clients:
        (w.directory / client.name / "targets/file").write_bytes(b"wrong")
    w.download("file")


@scenario("download")
def large_target(s):
    repo = s.repo()
    repo.add_target("file", os.urandom(3 << 20))
    repo.update("targets")
    s.follow(repo).download("file")


@scenario("download")
def custom_data_does_no_harm(s):
    repo = s.repo()
    repo.add_target("file")
    repo.signed["targets"]["targets"]["file"]["custom"] = {"text": "é\n\t\"\\ 语", "list": [1, [2, {"x": None}]], "no": False}
    repo.update("targets")
    s.follow(repo).download("file")
