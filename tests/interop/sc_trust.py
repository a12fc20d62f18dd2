# SPDX-License-Identifier: Apache-2.0
"""Keys and thresholds, root rotation, rollback and recovery, expiry."""
import datetime

from makers import alias
from repo import when
from table import scenario, scenarios
from world import OK, REFUSED, Wrong

ONES = {"root": 1, "timestamp": 1, "snapshot": 1, "targets": 1}
LOWER = ("timestamp", "snapshot", "targets")
COUNTS_IDS = "counts key ids, not keys: GHSA-3633-5h82-39pq and its kind"
TAKES_IDS = "takes any key id; section 4.2 has it computed"


def both(why):
    return [Wrong("python-tuf", why), Wrong("tuf-js", why)]


# ---- keys ----

@scenarios("keys", {kind: kind for kind in ("ecdsa", "rsa", "p384", "ed25519")})
def kinds_of_keys(s, kind):
    repo = s.repo(kind=kind)
    repo.delegate("targets", "role", paths=["*.txt"])
    repo.add_target("a.txt", role="role")
    repo.put("role")
    repo.update("targets")
    w = s.follow(repo)
    w.download("a.txt")


@scenario("keys")
def mixed_kinds_in_one_role(s):
    repo = s.repo()
    repo.set_role("targets", 2, [repo.key("mixed", "rsa"), repo.key("mixed", "ecdsa")])
    repo.rotate_root()
    repo.update("targets")
    s.follow(repo).refresh(OK, trusted={"root": 2, "timestamp": 2, "snapshot": 2, "targets": 2})


@scenarios("keys", {f"{role} {t} of {n}, {have} signed": (role, t, n, have) for role in LOWER
                    for t, n, have in ((2, 3, 3), (2, 3, 2), (2, 3, 1), (3, 3, 2), (1, 3, 0))})
def thresholds(s, role, threshold, count, have):
    repo = s.repo(keys={role: count}, thresholds={role: threshold})
    w = s.follow(repo)
    w.refresh(OK)
    repo.bump(role, keys=repo.signers[role][count - have:])
    for above in LOWER[:LOWER.index(role)][::-1]:
        repo.bump(above)
    w.refresh(OK if have >= threshold else REFUSED)


@scenarios("keys", {role: role for role in LOWER})
def signed_by_another_role_only(s, role):
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    other = "root" if role != "root" else "targets"
    repo.update("targets")
    repo.put(role, keys=repo.signers[other])
    w.refresh(REFUSED)
    repo.put(role)
    w.refresh(OK)


@scenarios("keys", {role: role for role in LOWER})
def signatures_of_strangers_do_no_harm(s, role):
    repo = s.repo()
    repo.signed[role]["version"] = 1
    repo.put(role, keys=[repo.key(f"stranger{i}") for i in range(3)] + repo.signers[role])
    s.follow(repo).refresh(OK, trusted=ONES)


@scenarios("keys", {role: role for role in LOWER})
def one_key_signs_twice(s, role):
    repo = s.repo(keys={role: 2}, thresholds={role: 2})
    w = s.follow(repo)
    w.refresh(OK)
    repo.update("targets")
    key = repo.signers[role][0]
    repo.put(role, keys=[key, key], raw=True)
    w.refresh(REFUSED)
    repo.put(role)
    w.refresh(OK)


@scenarios("keys", {role: role for role in LOWER})
def one_key_under_two_ids(s, role):
    repo = s.repo()
    key = repo.signers[role][0]
    repo.set_role(role, 2, [key, alias(key, "ab" * 32)])
    repo.rotate_root()
    repo.update("targets")
    w = s.follow(repo)
    w.refresh(REFUSED, wrong=both(COUNTS_IDS))


@scenarios("keys", {role: role for role in LOWER})
def key_id_is_not_the_digest(s, role):
    repo = s.repo()
    repo.set_role(role, 1, [alias(repo.key("odd"), "cd" * 32)])
    repo.rotate_root()
    repo.update("targets")
    w = s.follow(repo)
    w.refresh(REFUSED, wrong=both(TAKES_IDS))


@scenario("keys")
def role_names_a_key_that_is_not_there(s):
    repo = s.repo()
    repo.signed["root"]["roles"]["timestamp"]["keyids"].append("ef" * 32)
    repo.rotate_root()
    s.follow(repo).refresh(OK)


@scenario("keys")
def keys_that_nobody_uses(s):
    repo = s.repo()
    for i in range(6):
        key = repo.key(f"unused{i}")
        repo.signed["root"]["keys"][key.keyid] = key.text
    repo.rotate_root()
    s.follow(repo).refresh(OK)


# ---- rotation of the root: versions as (keys, threshold, signers), and what becomes of it ----

ROTATIONS = {
    "the same key": ([((1,), 1, (1,)), ((1,), 1, (1,))], OK, 2),
    "another key, both signed": ([((1,), 1, (1,)), ((2,), 1, (1, 2))], OK, 2),
    "another key, the old one did not sign": ([((1,), 1, (1,)), ((2,), 1, (2,))], REFUSED, 1),
    "another key, the new one did not sign": ([((1,), 1, (1,)), ((2,), 1, (1,))], REFUSED, 1),
    "nobody signed": ([((1,), 1, (1,)), ((1,), 1, ())], REFUSED, 1),
    "a stranger signed": ([((1,), 1, (1,)), ((1,), 1, (9,))], REFUSED, 1),
    "1 of 2, the first signs": ([((1, 2), 1, (1,)), ((1, 2), 1, (1,))], OK, 2),
    "1 of 2, the second signs": ([((1, 2), 1, (1,)), ((1, 2), 1, (2,))], OK, 2),
    "2 of 3, other two": ([((1, 2, 3), 2, (1, 2)), ((1, 2, 3), 2, (2, 3))], OK, 2),
    "2 of 3, one signed": ([((1, 2, 3), 2, (1, 2)), ((1, 2, 3), 2, (3,))], REFUSED, 1),
    "2 of 2, all replaced": ([((1, 2), 2, (1, 2)), ((3, 4), 2, (1, 2, 3, 4))], OK, 2),
    "2 of 2 replaced, one old one signed": ([((1, 2), 2, (1, 2)), ((3, 4), 2, (1, 3, 4))], REFUSED, 1),
    "2 of 2 replaced, one new one signed": ([((1, 2), 2, (1, 2)), ((3, 4), 2, (1, 2, 3))], REFUSED, 1),
    "new keys do not count for the old threshold": ([((1, 2), 2, (1, 2)), ((1, 3), 2, (1, 3))], REFUSED, 1),
    "old keys do not count for the new threshold": ([((1, 2), 2, (1, 2)), ((1, 3), 2, (1, 2))], REFUSED, 1),
    "one stays, one goes": ([((1, 2), 2, (1, 2)), ((1, 3), 2, (1, 2, 3))], OK, 2),
    "threshold raised and reached": ([((1,), 1, (1,)), ((1, 2), 2, (1, 2))], OK, 2),
    "threshold raised and not reached": ([((1,), 1, (1,)), ((1, 2), 2, (1,))], REFUSED, 1),
    "threshold lowered, the old one reached": ([((1, 2), 2, (1, 2)), ((1, 2), 1, (1, 2))], OK, 2),
    "threshold lowered, the old one not reached": ([((1, 2), 2, (1, 2)), ((1, 2), 1, (1,))], REFUSED, 1),
    "a chain of new keys": ([((1,), 1, (1,)), ((2,), 1, (1, 2)), ((3,), 1, (2, 3)), ((4,), 1, (3, 4))], OK, 4),
    "a chain with a broken link": ([((1,), 1, (1,)), ((2,), 1, (1, 2)), ((3,), 1, (1, 3)), ((4,), 1, (3, 4))], REFUSED, 2),
    "there and back": ([((1,), 1, (1,)), ((2,), 1, (1, 2)), ((1,), 1, (2, 1))], OK, 3),
    "the retired key signs again": ([((1,), 1, (1,)), ((2,), 1, (1, 2)), ((1,), 1, (1,))], REFUSED, 2),
    "more signatures than needed": ([((1, 2, 3), 1, (1, 2, 3)), ((1, 2, 3), 1, (3, 2, 1))], OK, 2),
}


@scenarios("rotation", ROTATIONS)
def root_rotation(s, versions, expect, reached):
    repo = s.repo()
    def key(n):
        return repo.key(f"rotation{n}")
    keys, threshold, signers = versions[0]
    repo.set_role("root", threshold, [key(n) for n in keys])
    repo.first_root = repo.put("root", keys=[key(n) for n in signers])
    for keys, threshold, signers in versions[1:]:
        repo.set_role("root", threshold, [key(n) for n in keys])
        repo.bump("root", keys=[key(n) for n in signers])
    w = s.follow(repo)
    w.refresh(expect, trusted={**ONES, "root": reached} if expect == OK else {"root": reached})


@scenarios("rotation", {"repeated": 1, "skipped": 3, "far ahead": 100})
def root_of_another_version_than_its_name(s, version):
    repo = s.repo()
    w = s.follow(repo)
    repo.signed["root"]["version"] = version
    repo.put("root")
    repo.files["2.root.json"] = repo.files[f"{version}.root.json"]
    w.refresh(REFUSED, trusted={"root": 1})


@scenario("rotation")
def a_gap_ends_the_row(s):
    repo = s.repo()
    for _ in range(3):
        repo.rotate_root()
    del repo.files["3.root.json"]
    s.follow(repo).refresh(OK, trusted={**ONES, "root": 2})


@scenarios("rotation", {"to RSA": "rsa", "to P-384": "p384", "to Ed25519": "ed25519"})
def root_to_another_kind(s, kind):
    repo = s.repo()
    repo.rotate_root(keys=[repo.key("new root", kind)])
    s.follow(repo).refresh(OK, trusted={**ONES, "root": 2})


@scenarios("rotation", {role: role for role in LOWER})
def other_keys_for(s, role):
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    repo.set_role(role, 1, [repo.key(f"new {role}")])
    repo.signed["root"]["keys"].pop(repo.key(f"{role}0").keyid)
    repo.rotate_root()
    repo.update("targets")
    w.refresh(OK, trusted={"root": 2, "timestamp": 2, "snapshot": 2, "targets": 2})


@scenarios("rotation", {role: role for role in LOWER})
def retired_key_of(s, role):
    """The old key's signature is worth nothing as soon as the root says so, on files already stored, too."""
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    old = list(repo.signers[role])
    repo.set_role(role, 1, [repo.key(f"new {role}")])
    repo.rotate_root()
    # what is forgotten when keys are rotated (section 5.3.11) the references leave in their store
    w.refresh(REFUSED, same_files=False, same_requests=False)
    repo.update("targets")
    repo.put(role, keys=old)
    w.refresh(REFUSED, same_files=False, same_requests=False)
    repo.put(role)
    w.refresh(OK)


# ---- rollback ----

@scenario("rollback")
def older_timestamp(s):
    repo = s.repo()
    old = repo.files["timestamp.json"]
    repo.bump("timestamp")
    w = s.follow(repo)
    w.refresh(OK)
    repo.files["timestamp.json"] = old
    w.refresh(REFUSED, trusted={**ONES, "timestamp": 2})


@scenario("rollback")
def timestamp_names_an_older_snapshot(s):
    repo = s.repo()
    repo.update()
    w = s.follow(repo)
    w.refresh(OK)
    repo.signed["timestamp"]["meta"]["snapshot.json"] = {"version": 1}
    repo.bump("timestamp")
    w.refresh(REFUSED, trusted={**ONES, "timestamp": 2, "snapshot": 2})


@scenarios("rollback", {"consistent": True, "plain": False})
def snapshot_of_another_version(s, consistent):
    """Than the timestamp says."""
    repo = s.repo(consistent=consistent)
    w = s.follow(repo)
    old = repo.files[repo.url_name("snapshot")]
    repo.update()
    repo.files[repo.url_name("snapshot")] = old
    w.refresh(REFUSED)


@scenario("rollback")
def snapshot_names_older_targets(s):
    repo = s.repo()
    repo.update("targets")
    w = s.follow(repo)
    w.refresh(OK)
    repo.signed["snapshot"]["meta"]["targets.json"] = {"version": 1}
    repo.update()
    # the timestamp was good and is kept
    w.refresh(REFUSED, trusted={"root": 1, "timestamp": 3, "snapshot": 2, "targets": 2})


def delegated(s):
    repo = s.repo()
    repo.delegate("targets", "role", paths=["*.txt"])
    repo.add_target("a.txt", role="role")
    repo.bump("role")
    repo.update("targets")
    w = s.follow(repo)
    w.download("a.txt")
    return repo, w


@scenario("rollback")
def snapshot_names_an_older_delegated_role(s):
    repo, w = delegated(s)
    repo.signed["snapshot"]["meta"]["role.json"] = {"version": 1}
    repo.update()
    w.refresh(REFUSED)


@scenario("rollback")
def snapshot_drops_a_delegated_role(s):
    repo, w = delegated(s)
    del repo.signed["snapshot"]["meta"]["role.json"]
    repo.update()
    w.refresh(REFUSED)


@scenario("rollback")
def snapshot_drops_targets(s):
    repo, w = delegated(s)
    del repo.signed["snapshot"]["meta"]["targets.json"]
    repo.update()
    w.refresh(REFUSED)


@scenarios("rollback", {f"{role}, {way}": (role, way) for role in ("targets", "role") for way in ("older", "newer")})
def targets_of_another_version(s, role, way):
    """Than the snapshot says."""
    repo, w = delegated(s)
    repo.signed["snapshot"]["meta"][f"{role}.json"]["version"] += 2
    listed = repo.signed["snapshot"]["meta"][f"{role}.json"]["version"]
    repo.signed[role]["version"] = listed + (1 if way == "newer" else -1)
    text = repo.put(role)
    repo.signed["snapshot"]["meta"][f"{role}.json"]["version"] = listed
    repo.files[f"{listed}.{role}.json"] = text
    repo.update()
    w.download("a.txt", expect=REFUSED)


@scenario("rollback")
def the_same_version_with_other_bytes_changes_nothing(s):
    repo = s.repo()
    w = s.follow(repo)
    w.refresh(OK)
    repo.signed["timestamp"]["x-note"] = "other"
    repo.put("timestamp")
    w.refresh(OK, trusted=ONES)


# ---- recovery from a fast-forward attack ----

@scenarios("recovery", {role: role for role in ("timestamp", "snapshot")})
def fast_forward_of(s, role):
    """Whoever had the key set the version to a high number. A rotated key makes clients forget it."""
    repo = s.repo()
    repo.signed[role]["version"] = 99999
    repo.put(role)
    if role == "snapshot":
        repo.bump("timestamp")
    w = s.follow(repo)
    w.refresh(OK)
    repo.signed[role]["version"] = 2
    repo.put(role)
    if role == "snapshot":
        repo.bump("timestamp")
    w.refresh(REFUSED)
    repo.set_role(role, 1, [repo.key(f"new {role}")])
    if role == "snapshot":
        repo.set_role("timestamp", 1, [repo.key("new timestamp")])
    repo.rotate_root()
    repo.update()
    w.refresh(OK)


@scenario("recovery")
def fast_forward_of_targets(s):
    repo = s.repo()
    repo.signed["targets"]["version"] = 99999
    repo.put("targets")
    repo.update()
    w = s.follow(repo)
    w.refresh(OK)
    repo.signed["targets"]["version"] = 2
    repo.put("targets")
    repo.update()
    w.refresh(REFUSED)
    repo.set_role("snapshot", 1, [repo.key("new snapshot")])
    repo.rotate_root()
    repo.update()
    w.refresh(OK)


@scenario("recovery")
def fast_forward_of_a_delegated_role(s):
    repo, w = delegated(s)
    repo.signed["role"]["version"] = 99999
    repo.put("role")
    repo.update()
    w.download("a.txt")
    repo.signed["role"]["version"] = 4
    repo.put("role")
    repo.update()
    w.refresh(REFUSED)
    repo.set_role("snapshot", 1, [repo.key("new snapshot")])
    repo.rotate_root()
    repo.update()
    w.download("a.txt")


# ---- lengths and hashes that timestamp and snapshot list ----

@scenarios("listed", {f"{role}: {what}": (role, what) for role in ("snapshot", "targets")
                      for what in ("length", "short", "sha256", "sha512")})
def file_is_not_as_listed(s, role, what):
    repo = s.repo()
    w = s.follow(repo)
    at = repo.signed["timestamp" if role == "snapshot" else "snapshot"]["meta"][f"{role}.json"]
    size = len(repo.files[repo.url_name(role)])
    at.update({"length": {"length": size + 1}, "short": {"length": size - 1}, "sha256": {"hashes": {"sha256": "00" * 32}},
               "sha512": {"hashes": {"sha512": "00" * 64}}}[what])
    for file in ("snapshot", "timestamp") if role == "targets" else ("timestamp",):
        repo.put(file)
    w.refresh(REFUSED)


# ---- expiry ----

DAYS = {"root": 40, "timestamp": 10, "snapshot": 20, "targets": 30}


def later(days):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=days)


def expiring(s, **days):
    repo = s.repo()
    for role in ("root", "targets", "snapshot", "timestamp"):
        repo.signed[role]["expires"] = when({**DAYS, **days}[role])
        repo.put(role)
    repo.first_root = repo.files["1.root.json"]
    return repo, s.follow(repo)


@scenarios("expiry", {role: role for role in (*LOWER, "root")})
def expired_from_the_start(s, role):
    repo, w = expiring(s, **{role: -1})
    w.refresh(REFUSED, same_requests=role != "root")  # a reason to stop is looked at before the next request
    repo.signed[role]["expires"] = when(60)
    repo.bump(role)
    if role != "root":
        repo.update()
    w.refresh(OK)


@scenarios("expiry", {"before all": (5, OK), "timestamp": (11, REFUSED), "snapshot": (21, REFUSED), "root": (41, REFUSED)})
def at_a_later_time(s, days, expect):
    repo, w = expiring(s)
    w.refresh(OK)
    w.refresh(expect, at=later(days), same_requests=expect == OK)  # as above


@scenarios("expiry", {"timestamp": ("timestamp", 11), "snapshot": ("snapshot", 21), "targets": ("targets", 31)})
def stored_file_expired_and_a_new_one_is_there(s, role, days):
    repo, w = expiring(s)
    w.refresh(OK)
    for each in LOWER:
        if DAYS[each] <= DAYS[role]:
            repo.signed[each]["expires"] = when(60)
    repo.update(*(["targets"] if role == "targets" else []))
    w.refresh(OK, at=later(days))


@scenario("expiry")
def an_expired_timestamp_still_guards_against_rollback(s):
    repo, w = expiring(s)
    repo.bump("timestamp")
    w.refresh(OK)
    repo.signed["timestamp"].update(version=1, expires=when(60))
    repo.put("timestamp")
    w.refresh(REFUSED, at=later(11))


@scenario("expiry")
def an_expired_snapshot_still_guards_against_rollback(s):
    repo, w = expiring(s)
    repo.update("targets")
    w.refresh(OK)
    repo.signed["snapshot"].update(expires=when(60), meta={"targets.json": {"version": 1}})
    repo.signed["timestamp"]["expires"] = when(60)
    repo.update()
    w.refresh(REFUSED, at=later(21))


@scenario("expiry")
def expired_roots_on_the_way_do_no_harm(s):
    repo, w = expiring(s)
    repo.signed["root"]["expires"] = when(-5)
    repo.rotate_root()
    repo.signed["root"]["expires"] = when(60)
    repo.rotate_root()
    w.refresh(OK, trusted={**ONES, "root": 3})


@scenario("expiry")
def an_expired_last_root_is_kept_and_refused(s):
    repo, w = expiring(s)
    repo.signed["root"]["expires"] = when(-5)
    repo.rotate_root()
    w.refresh(REFUSED, trusted={"root": 2}, same_requests=False)  # as above
    repo.signed["root"]["expires"] = when(60)
    repo.rotate_root()
    w.refresh(OK, trusted={**ONES, "root": 3})


@scenario("expiry")
def expired_delegated_role(s):
    repo = s.repo()
    repo.delegate("targets", "role", paths=["*.txt"])
    repo.add_target("a.txt", role="role")
    repo.signed["role"]["expires"] = when(5)
    repo.bump("role")
    repo.update("targets")
    w = s.follow(repo)
    w.download("a.txt")
    w.refresh(OK, at=later(6))
    w.download("a.txt", expect=REFUSED, at=later(6))
