# SPDX-License-Identifier: Apache-2.0
"""Thousands of broken files, judged by tuf-js and by ota-tuf: both must accept or both must refuse, but for the known
differences in allowed.py, each of which is counted and must occur.
Usage: differential.py OTA_TUF EMPTY_DIR NODE DIRECTORY-OF-node_modules CORPUS [--seed N] [--count N]

A case changes one file of a repository: its text as it stands, or its values, which then are signed anew, so that what
comes behind the signatures is judged, too. Each client begins with the metadata of the version before."""
import argparse
import collections
import copy
import json
import pathlib
import random
import shutil
import sys

import allowed
import clients
import makers
from node import Node
from repo import Repo
from server import Server

TARGET = "dir/a.txt"
ROLES = ("root", "timestamp", "snapshot", "targets", "role")
VALUES = {"null": None, "true": True, "0": 0, "1": 1, "-1": -1, "2": 2, "2^31": 1 << 31, "2^32": 1 << 32, "2^53+1": (1 << 53) + 1,
          "empty text": "", "text": "x", "list": [], "object": {}, "deep": [[[[{}]]]], "list of text": ["x"]}


def sample(maker):
    """A repository that uses whatever there is."""
    repo = Repo(maker, keys={"root": 3, "targets": 2}, thresholds={"root": 2, "targets": 2}, listed=False)
    repo.delegate("targets", "other", prefixes=["00", "ab"], put=False)
    repo.delegate("targets", "role", paths=["dir/*", "x/?.txt"], terminating=True, put=False)
    repo.add_target("top.bin", algorithms=("sha256", "sha512"))
    repo.add_target(TARGET, role="role")
    repo.signed["role"]["targets"][TARGET]["custom"] = {"note": "é", "list": [1, True]}
    return repo


# ---- what is changed in a text ----

def insert(text, at, piece):
    return text[:at] + piece + text[at:]


def replace_once(rng, text, old, new):
    places = [i for i in range(len(text)) if text.startswith(old, i)]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + new + text[at + len(old):]


def flip(rng, text):
    at = rng.randrange(len(text))
    return text[:at] + bytes([text[at] ^ 1 << rng.randrange(8)]) + text[at + 1:]


def double_member(rng, text):
    """The same member twice, with the same value."""
    at = rng.choice([i for i in range(len(text)) if text.startswith(b'"_type":', i) or text.startswith(b'"version":', i)])
    end = min(i for i in (text.find(b",", at), text.find(b"}", at), text.find(b"\n", at)) if i > 0)
    return insert(text, at, text[at:end] + b",")


def in_string(piece):
    def change(rng, text):
        at = text.index(b'"expires"') + 1
        return insert(text, at, piece)
    return change


TEXT = {
    "one bit": flip,
    "cut": lambda rng, t: t[:rng.randrange(len(t))],
    "blank": lambda rng, t: replace_once(rng, t, b",", b", "),
    "tab and line": lambda rng, t: replace_once(rng, t, b":", b"\t:\r\n"),
    "vertical tab": lambda rng, t: replace_once(rng, t, b",", b",\x0b"),
    "trailing comma": lambda rng, t: replace_once(rng, t, b"}", b",}"),
    "comment": lambda rng, t: replace_once(rng, t, b",", b",/**/"),
    "single quotes": lambda rng, t: t.replace(b'"_type"', b"'_type'"),
    "text behind": lambda rng, t: t + b"x",
    "blanks behind": lambda rng, t: t + b" \n\t\r",
    "NUL behind": lambda rng, t: t + b"\0",
    "byte order mark": lambda rng, t: b"\xef\xbb\xbf" + t,
    "escaped letter": lambda rng, t: t.replace(b'"_type"', b'"\\u005ftype"'),
    "escaped slash": lambda rng, t: t.replace(b"dir/", b"dir\\/"),
    "wrong escape": lambda rng, t: t.replace(b'"_type"', b'"\\_type"'),
    "lone surrogate": in_string(b"\\ud800"),
    "raw control byte": in_string(b"\x01"),
    "not UTF-8": in_string(b"\xff"),
    "overlong UTF-8": in_string(b"\xc0\xaf"),
    "1.0": lambda rng, t: t.replace(b'"version": 2', b'"version": 2.0').replace(b'"version":2', b'"version":2.0'),
    "2e0": lambda rng, t: t.replace(b'"version": 2', b'"version": 2e0').replace(b'"version":2', b'"version":2e0'),
    "02": lambda rng, t: t.replace(b'"version": 2', b'"version": 02').replace(b'"version":2', b'"version":02'),
    "member twice": double_member,
    "signatures reversed": lambda rng, t: envelope(t, lambda d: d["signatures"].reverse()),
    "signature in capitals": lambda rng, t: envelope(t, capitals),
    "a stranger's signature first": lambda rng, t: envelope(t, lambda d: d["signatures"].insert(0, {"keyid": "ab" * 32, "sig": "00"})),
    "signature twice": lambda rng, t: envelope(t, lambda d: d["signatures"].append(d["signatures"][0])),
    "no signature": lambda rng, t: envelope(t, lambda d: d["signatures"].clear()),
    "empty signature": lambda rng, t: envelope(t, lambda d: d["signatures"][0].update(sig="")),
    "odd signature": lambda rng, t: envelope(t, lambda d: d["signatures"][0].update(sig=d["signatures"][0]["sig"] + "a")),
    "member in signature": lambda rng, t: envelope(t, lambda d: d["signatures"][0].update(note=1)),
    "member in envelope": lambda rng, t: envelope(t, lambda d: d.update(note={"a": 1})),
    "signatures are an object": lambda rng, t: envelope(t, lambda d: d.update(signatures={s["keyid"]: s["sig"] for s in d["signatures"]})),
}


def envelope(text, change):
    document = json.loads(text)
    change(document)
    return json.dumps(document).encode()


def capitals(document):
    for signature in document["signatures"]:
        signature["sig"] = signature["sig"].upper()


# ---- what is changed in values ----

def places(value, path=()):
    """Every place in a document: path of keys and indexes."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def parent_of(document, path):
    for part in path[:-1]:
        document = document[part]
    return document


def change_value(rng, signed):
    """@return what was done where"""
    path = rng.choice(list(places(signed)))
    parent, key = parent_of(signed, path), path[-1]
    what = rng.choice([*VALUES, "removed", "removed", "twice", "renamed", "more", "capitals", "blank behind"])
    if what == "removed":
        del parent[key]
    elif what == "twice" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    elif what == "renamed" and isinstance(parent, dict):
        parent[f"{key}x"] = parent.pop(key)
    elif what == "more" and isinstance(parent[key], dict):
        parent[key]["x-more"] = {"a": [None]}
    elif what == "capitals" and isinstance(parent[key], str):
        parent[key] = parent[key].upper()
    elif what == "blank behind" and isinstance(parent[key], str):
        parent[key] += " "
    elif what in VALUES:
        parent[key] = copy.deepcopy(VALUES[what])
    return f"{where(path)}: {what}"


def where(path):
    """Ids and names that differ from run to run are left out."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else ".KEYID" if len(part) == 64 else f".{part}"
    return text.lstrip(".")


# ---- judging ----

class Judge:
    def __init__(self, args):
        self.server, self.node = Server(), Node(args.node, args.modules)
        self.maker = makers.PythonTuf()
        self.clients = [clients.TufJs(self.node), clients.OtaTuf(pathlib.Path(args.ota_tuf).resolve())]
        self.directory = pathlib.Path(args.directory).resolve()
        self.repo = sample(self.maker)
        self.server.add("d", self.repo)
        self.repo.update("targets", "other", "role")
        self.first = self.let_follow()
        self.repo.rotate_root()
        self.repo.update("targets", "other", "role")

    def let_follow(self):
        """What each client has stored of the version before."""
        kept = {}
        for client in self.clients:
            home = self.directory / client.name
            (home / "metadata").mkdir(parents=True)
            (home / "targets").mkdir()
            assert client.init(home, self.repo.first_root).ok
            verdict = client.run(self.job(client))
            assert verdict.ok, verdict.why
            kept[client.name] = clients.stored(home / "metadata")
        return kept

    def job(self, client):
        return clients.Job(self.directory / client.name, *(self.server.url("d", client.name, p) for p in ("metadata", "targets")), [TARGET])

    def restore(self, client):
        home = self.directory / client.name
        for part in ("metadata", "targets"):
            shutil.rmtree(home / part)
            (home / part).mkdir()
        for name, data in self.first[client.name].items():
            (home / "metadata" / name).write_bytes(data)

    def verdicts(self, role, text):
        name = self.repo.url_name(role)
        before, self.repo.files[name] = self.repo.files[name], text
        seen = []
        for client in self.clients:
            self.restore(client)
            seen.append(client.run(self.job(client)))
        self.repo.files[name] = before
        return seen

    def close(self):
        self.node.close()
        self.server.shutdown()

    def sign(self, role, signed):
        """The changed values, signed as if nothing were wrong. None: they have no canonical form."""
        signers = list(self.repo.signers[role])
        try:
            return json.dumps(self.maker.raw(signed, signers), ensure_ascii=False).encode()
        except Exception:  # securesystemslib has several
            return None


def cases(judge, rng, count, corpus):
    """(label, role, text)"""
    for role in ROLES:
        yield f"{role}: nothing", role, judge.repo.files[judge.repo.url_name(role)]
        for what, change in TEXT.items():
            for _ in range(6 if what in ("one bit", "cut") else 1):
                yield f"{role}: {what}", role, change(rng, judge.repo.files[judge.repo.url_name(role)])
    for path in sorted(p for d in ("json", "tuf_root", "tuf_timestamp", "tuf_snapshot", "tuf_targets", "canonical") for p in (corpus / d).glob("*")):
        yield f"timestamp: corpus {path.parent.name}/{path.name}", "timestamp", path.read_bytes()
    made = 0
    while made < count:
        role = rng.choice(ROLES)
        signed = json.loads(json.dumps(judge.repo.signed[role]))
        what = change_value(rng, signed)
        if rng.random() < 0.2:
            what += " and " + change_value(rng, signed) if signed else ""
        text = judge.sign(role, signed)
        if text is not None:
            made += 1
            yield f"{role}: {what}", role, text


def run(judge, args):
    rng = random.Random(args.seed)
    tally, excuses, unlike = collections.Counter(), collections.Counter(), []
    for label, role, text in cases(judge, rng, args.count, pathlib.Path(args.corpus)):
        theirs, ours = judge.verdicts(role, text)
        tally["accepted" if ours.ok else "refused"] += 1
        if label.endswith(": nothing") and not (ours.ok and theirs.ok):
            unlike.append(f"{label}: {theirs.why} / {ours.why}")
        elif ours.ok != theirs.ok:
            why = allowed.why(label, ours.ok)
            if why:
                excuses[why] += 1
            else:
                unlike.append(f"{label}: tuf-js {'accepts' if theirs.ok else 'refuses: ' + theirs.why}; ota-tuf {'accepts' if ours.ok else 'refuses: ' + ours.why}")
    return tally, excuses, unlike


def main():
    parser = argparse.ArgumentParser()
    for name in ("ota_tuf", "directory", "node", "modules", "corpus"):
        parser.add_argument(name)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=250)
    args = parser.parse_args()
    judge = Judge(args)
    try:
        tally, excuses, unlike = run(judge, args)
    finally:
        judge.close()
    for line in unlike:
        print(f"FAIL {line}")
    for why, count in sorted(excuses.items()):
        print(f"judged otherwise {count} times: {why}")
    print(f"seed {args.seed}: {tally['accepted']} accepted, {tally['refused']} refused by ota-tuf")
    # a run in which nothing was accepted or nothing refused has compared nothing
    good = sum(tally.values()) - len(unlike) if tally["accepted"] >= 20 and tally["refused"] >= 20 else 0
    print(f"{good} passed, {len(unlike)} failed")
    return 1 if unlike or not good else 0


if __name__ == "__main__":
    sys.exit(main())
