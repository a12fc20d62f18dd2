# SPDX-License-Identifier: Apache-2.0
"""A repository in memory: what is to be signed as plain dictionaries, and the files as published."""
import datetime
import hashlib
import json
from urllib.parse import quote

TOP = ("root", "timestamp", "snapshot", "targets")


def when(days):
    """A time from now on, as metadata has it."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def hashes(data, *algorithms):
    return {a: hashlib.new(a, data).hexdigest() for a in algorithms or ("sha256",)}


class Repo:
    """Everything is signed again when it is put. Scenarios change the dictionaries as they like before that."""

    def __init__(self, maker, *, consistent=True, kind="ecdsa", keys=None, thresholds=None, listed=False):
        self.maker, self.listed = maker, listed  # listed: snapshot and timestamp tell lengths and hashes
        self.kind = kind
        self.signed = {}
        self.signers = {}
        self.delegator = {}    # delegated role -> its first delegator
        self.files = {}        # below the metadata URL
        self.targets = {}      # below the targets URL
        self.dropped = set()   # files whose request is not answered
        self.cut = set()       # files of which half is sent
        self.status = {}       # files answered with another status
        keys, thresholds = keys or {}, thresholds or {}
        for role in TOP:
            self.signed[role] = self.head(role)
            self.signers[role] = [maker.key(kind, f"{role}{i}") for i in range(keys.get(role, 1))]
        root = self.signed["root"]
        root.update(consistent_snapshot=consistent, keys={}, roles={})
        for role in TOP:
            self.set_role(role, thresholds.get(role, 1))
        self.signed["snapshot"]["meta"] = {"targets.json": {"version": 1}}
        self.signed["timestamp"]["meta"] = {"snapshot.json": {"version": 1}}
        self.signed["targets"]["targets"] = {}
        for role in ("root", "targets", "snapshot", "timestamp"):
            self.put(role)
        self.first_root = self.files["1.root.json"]

    @staticmethod
    def head(kind):
        return {"_type": kind, "spec_version": "1.0.31", "version": 1, "expires": when(400)}

    # ---- keys ----

    def set_role(self, role, threshold=1, keys=None):
        """Put the role's signers into the root's dictionary."""
        if keys is not None:
            self.signers[role] = keys
        root = self.signed["root"]
        root["roles"][role] = {"keyids": [k.keyid for k in self.signers[role]], "threshold": threshold}
        root["keys"].update({k.keyid: k.text for k in self.signers[role]})

    def key(self, name, kind=None):
        return self.maker.key(kind or self.kind, name)

    # ---- files ----

    def url_name(self, role, version=None):
        version = version or self.signed[role]["version"]
        name = f"{quote(role, safe='')}.json"
        if role == "timestamp" or (role != "root" and not self.signed["root"]["consistent_snapshot"]):
            return name
        return f"{version}.{name}"

    def put(self, role, keys=None, raw=False, text=None):
        """Sign and publish. keys: who signs, instead of the role's own. raw: something that no library would make."""
        keys = self.signers[role] if keys is None else keys
        signed = self.signed[role]
        if text is None:
            text = json.dumps(self.maker.raw(signed, keys)).encode() if raw else self.maker.build(signed, keys)
        self.files[self.url_name(role)] = text
        self.note(role, text)
        return text

    def note(self, role, text):
        """What snapshot and timestamp say of the file."""
        if role in ("root", "timestamp"):
            return
        at = self.signed["timestamp" if role == "snapshot" else "snapshot"]
        if "meta" in at:
            entry = {"version": self.signed[role]["version"]}
            if self.listed:
                entry.update(length=len(text), hashes=hashes(text))
            at["meta"][f"{role}.json"] = entry

    def bump(self, role, by=1, **put):
        self.signed[role]["version"] += by
        return self.put(role, **put)

    def update(self, *roles):
        """New versions of these, of snapshot and of timestamp."""
        for role in (*roles, "snapshot", "timestamp"):
            self.bump(role)

    def rotate_root(self, old=None, threshold=None, keys=None):
        """A new root with these keys, signed by the old ones (or by `old`) and by its own."""
        signers = list(self.signers["root"] if old is None else old)
        if keys is not None:
            self.set_role("root", threshold or 1, keys)
        signers += [k for k in self.signers["root"] if k not in signers]
        return self.bump("root", keys=signers)

    def update_raw(self, role):
        """As update(), for a role that no library would sign."""
        self.bump(role, raw=True)
        self.update()

    # ---- targets and delegations ----

    def add_target(self, path, data=b"some bytes", role="targets", algorithms=("sha256",), serve=True):
        self.signed[role]["targets"][path] = {"length": len(data), "hashes": hashes(data, *algorithms)}
        if serve:
            self.serve_target(path, data, algorithms)

    def serve_target(self, path, data, algorithms=("sha256",)):
        directory, slash, name = path.rpartition("/")
        self.targets[quote(path)] = data
        for digest in hashes(data, *algorithms).values():
            self.targets[quote(f"{directory}{slash}{digest}.{name}")] = data

    def role(self, name, *, put=True):
        """A targets file for a delegated role."""
        if name not in self.signed:
            self.signed[name] = {**self.head("targets"), "targets": {}}
            self.signers[name] = [self.key(f"role:{name}")]
        if put:
            self.put(name)

    def delegations(self, parent, **members):
        at = self.signed[parent].setdefault("delegations", {"keys": {}, **({} if members else {"roles": []})})
        at.update(members)
        return at

    def delegate(self, parent, name, *, paths=("*",), prefixes=None, terminating=False, keys=None, threshold=1, put=True):
        self.role(name, put=False)
        at = self.delegations(parent)
        signers = self.signers[name] if keys is None else keys
        if keys is not None and name not in self.delegator:
            self.signers[name] = keys
        self.delegator.setdefault(name, parent)
        at["keys"].update({k.keyid: k.text for k in signers})
        entry = {"name": name, "keyids": [k.keyid for k in signers], "threshold": threshold, "terminating": terminating}
        entry.update({"path_hash_prefixes": list(prefixes)} if prefixes is not None else {"paths": list(paths)})
        at["roles"].append(entry)
        if put:
            self.put(name)

    def delegate_bins(self, parent, bits, prefix):
        """Succinct roles, all bins under one key."""
        key = self.key("bins")
        self.delegations(parent, succinct_roles={"keyids": [key.keyid], "threshold": 1, "bit_length": bits,
                                                 "name_prefix": prefix}, keys={key.keyid: key.text})
        width = len(f"{(1 << bits) - 1:x}")
        names = [f"{prefix}-{i:0{width}x}" for i in range(1 << bits)]
        for name in names:
            self.signed[name] = {**self.head("targets"), "targets": {}}
            self.signers[name] = [key]
            self.put(name)
        return names

    def bin_of(self, names, path):
        bits = (len(names) - 1).bit_length()
        return names[int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") >> (32 - bits)]
