# SPDX-License-Identifier: Apache-2.0
"""Repositories of the shapes that well-known public ones have: their kinds of keys, thresholds, delegations, habits of
writing. All of them must be accepted as they come, with nobody setting anything."""
import json

from makers import legacy
from repo import TOP
from table import scenario
from world import OK

def online(repo, name="online", kind="ecdsa"):
    """Timestamp and snapshot under one key of a key service."""
    key = repo.key(name, kind)
    for role in ("timestamp", "snapshot"):
        repo.set_role(role, 1, [key])


def begin(repo):
    """Publish everything anew, version 1."""
    for role in ("root", "targets", "snapshot", "timestamp"):
        repo.put(role)
    repo.first_root = repo.files["1.root.json"]


@scenario("shapes")
def like_sigstore(s):
    """Five hardware tokens, three of which must sign; keys as older libraries wrote them and as newer ones do; members
    of the signing tool's own; a delegation; and a row of roots since the client's."""
    repo = s.repo()
    holders = [repo.key(f"holder{i}") for i in range(7)]
    old = [legacy(k) for k in holders[:5]]
    for role in ("root", "targets"):
        repo.set_role(role, 3, old)
    online(repo)
    for role in TOP:
        repo.signed[role]["spec_version"] = "1.0"
        repo.signed[role]["x-tuf-on-ci-expiry-period"] = 197
    begin(repo)
    w = s.follow(repo)
    w.refresh(OK)
    current = old
    for i in range(5):
        current, before = [*current[1:], holders[i]], current
        for role in ("root", "targets"):
            repo.set_role(role, 3, current)
        repo.bump("root", keys=list(dict.fromkeys([*before[:4], *current[-3:]])))
    repo.delegate("targets", "registry.npmjs.org", paths=["registry.npmjs.org/*"], keys=[repo.key("npm")])
    repo.add_target("registry.npmjs.org/keys.json", b"{}", role="registry.npmjs.org")
    for name in ("trusted_root.json", "fulcio_v1.crt.pem", "rekor.pub"):
        repo.add_target(name, name.encode() * 200, algorithms=("sha256", "sha512"))
    repo.signed["targets"]["targets"]["rekor.pub"]["custom"] = {"sigstore": {"status": "Active", "usage": "Rekor"}}
    repo.update("targets", "registry.npmjs.org")
    w.download("trusted_root.json", "rekor.pub", "registry.npmjs.org/keys.json", trusted={"root": 6, "timestamp": 2, "snapshot": 2, "targets": 2})


@scenario("shapes")
def like_docker(s):
    """P-384 tokens for root, targets and delegations of several levels, all terminating, two of seven; P-256 online."""
    repo = s.repo()
    holders = [repo.key(f"holder{i}", "p384") for i in range(7)]
    for role in ("root", "targets"):
        repo.set_role(role, 2, holders)
    online(repo)
    begin(repo)
    for name, paths in (("opkl", ["opkl/*"]), ("doi", ["doi/*", "doi/*/*", "doi/*/*/*"])):
        repo.delegate("targets", name, paths=paths, terminating=True, keys=holders, threshold=2)
    repo.add_target("doi/policy/image.rego", b"package docker", role="doi")
    repo.update("targets", "opkl", "doi")
    w = s.follow(repo)
    w.download("doi/policy/image.rego")
    repo.rotate_root()
    repo.update("targets")
    w.download("doi/policy/image.rego", trusted={"root": 2, "timestamp": 3, "snapshot": 3, "targets": 3})


@scenario("shapes")
def like_bottlerocket(s):
    """Eight RSA keys of 3072 bits, six signatures, lengths and hashes listed, members in no order, "signed" first."""
    repo = s.repo(listed=True)
    holders = [repo.key(f"holder{i}", "rsa3072") for i in range(8)]
    for role in ("root", "targets"):
        repo.set_role(role, 3, holders[:5] if role == "targets" else holders)
    online(repo, kind="rsa3072")

    def unsorted(role, keys):
        text = json.loads(repo.maker.build(repo.signed[role], keys))
        order = ("_type", "spec_version", "consistent_snapshot", "version", "expires", "keys", "roles", "targets", "meta", "delegations")
        signed = {m: text["signed"][m] for m in order if m in text["signed"]}
        return repo.put(role, text=json.dumps({"signed": signed, "signatures": text["signatures"]}, indent=2).encode())

    repo.signed["targets"]["delegations"] = {"keys": {}, "roles": []}
    repo.add_target("bottlerocket-aws-k8s-x86_64-1.0.0-boot.ext4.lz4", b"boot" * 5000)
    repo.add_target("manifest.json", b"{}")
    unsorted("root", holders[:6])
    unsorted("targets", holders[:3])
    unsorted("snapshot", repo.signers["snapshot"])
    unsorted("timestamp", repo.signers["timestamp"])
    repo.first_root = repo.files["1.root.json"]
    w = s.follow(repo)
    w.download("manifest.json", "bottlerocket-aws-k8s-x86_64-1.0.0-boot.ext4.lz4")
    repo.signed["root"]["version"] = 2
    unsorted("root", holders[2:])
    w.refresh(OK, trusted={"root": 2, "timestamp": 1, "snapshot": 1, "targets": 1})


@scenario("shapes")
def like_pypi(s):
    """Roots on hardware of two makers, P-256 and P-384 mixed; packages in hashed bins under an online key."""
    repo = s.repo()
    holders = [repo.key(f"holder{i}", kind) for i in range(3) for kind in ("ecdsa", "p384")]
    for role in ("root", "targets"):
        repo.set_role(role, 3, holders)
    online(repo)
    begin(repo)
    names = repo.delegate_bins("targets", 4, "bin")
    paths = [f"packages/{i:02x}/project-{i}.whl" for i in range(6)]
    for path in paths:
        role = repo.bin_of(names, path)
        repo.add_target(path, path.encode(), role=role)
        repo.put(role)
    repo.update("targets")
    w = s.follow(repo)
    w.download(*paths)
    repo.rotate_root(keys=[k for k in holders if k.text["scheme"].endswith("384")], threshold=2)
    repo.update()
    w.download(paths[0])
