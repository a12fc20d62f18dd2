#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Image packages and manifests, both ways, against azuresphere-imagemetadata.

  package.py OTA_REPO WORK     prints "N passed, N failed"
"""
import datetime
import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

from azuresphere_imagemetadata.image import Image
from azuresphere_imagemetadata.image_manifest import ImageManifest
from azuresphere_imagemetadata.image_metadata import ImageMetadata
from azuresphere_imagemetadata.metadata_sections import (
    CompressionSection, DebugSection, IdentitySection, SignatureSection, TempImageMetadataSection)
from azuresphere_imagemetadata.metadata_sections.abi import ABIDependsSection, ABIIdentity, ABIProvidesSection
from azuresphere_imagemetadata.metadata_sections.image_policy import ImagePolicySection
from azuresphere_imagemetadata.metadata_sections.required_offset import RequiredOffsetSection
from azuresphere_imagemetadata.metadata_sections.revocation import RevocationSection
from azuresphere_imagemetadata.signing.app_development import AppDevelopmentSigner
from azuresphere_imagemetadata.signing.signer import Signer, SigningMap, SigningType
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

REPO, WORK = sys.argv[1], Path(sys.argv[2])
COMPONENT, IMAGE = "01234567-89ab-cdef-0123-456789abcdef", "fedcba98-7654-3210-fedc-ba9876543210"
PASSED, FAILED = 0, 0


def check(good, name):
    global PASSED, FAILED
    PASSED, FAILED = PASSED + bool(good), FAILED + (not good)
    if not good:
        print(f"FAIL: {name}")


def repo(*words, status=0):
    done = subprocess.run([REPO, *map(str, words)], capture_output=True, text=True, check=False)
    check(done.returncode == status, f"{words}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class Maker:
    """A key with a certificate, for both programs."""

    def __init__(self, name, curve):
        self.key = ec.generate_private_key(curve)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime(2026, 1, 1)
        self.cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(self.key.public_key())
                     .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=9000))
                     .sign(self.key, hashes.SHA256()))
        self.private, self.public, self.certificate = (WORK / f"{name}.{end}" for end in ("pem", "pub", "cert"))
        self.private.write_bytes(self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                        serialization.NoEncryption()))
        self.public.write_bytes(public_pem(self.key.public_key()))
        self.certificate.write_bytes(self.cert.public_bytes(serialization.Encoding.PEM))
        both = pkcs12.PKCS12KeyAndCertificates(self.key, pkcs12.PKCS12Certificate(self.cert, None), [])
        self.signer = Signer(SigningMap(ecdsa_256=both))


def public_pem(key):
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def holds(data, maker, size, digest):
    raw = data[-size:]
    der = utils.encode_dss_signature(int.from_bytes(raw[:size // 2], "big"), int.from_bytes(raw[size // 2:], "big"))
    try:
        maker.key.public_key().verify(der, data[:-size], ec.ECDSA(digest))
        return True
    except Exception:  # noqa: BLE001 any refusal is one
        return False


EVERYTHING = ["--name", "thermostat", "--depends", "application=5", "--depends", "os=9", "--provides", "secure-world=2",
              "--security", "7", "--temporary", "2", "--policy", "2", "--flash-offset", "65536", "--uncompressed", "5000"]


def same_sections(metadata, name):
    """What they read of a package made with EVERYTHING."""
    by = {type(s): s for s in metadata.sections}
    check(len(metadata.sections) == 10, f"{name}: ten sections")
    check(metadata.identity.component_uid.lower() == COMPONENT, f"{name}: component {metadata.identity.component_uid}")
    check(metadata.identity.image_uid.lower() == IMAGE, f"{name}: image {metadata.identity.image_uid}")
    check(metadata.identity.image_type == 10, f"{name}: type")
    check(metadata.debug.image_name == "thermostat" and metadata.debug.debug_time == 1767323045, f"{name}: debug")
    check([(v.version, v.type) for v in by[ABIDependsSection].versions] == [(5, 3), (9, 2)], f"{name}: depends")
    check([(v.version, v.type) for v in by[ABIProvidesSection].versions] == [(2, 1)], f"{name}: provides")
    check(by[RevocationSection].version == 7, f"{name}: security")
    check(metadata.tempinfo.flags.flags == 2, f"{name}: temporary")
    check(by[ImagePolicySection].serialize() == b"\2\0\0\0", f"{name}: policy")
    check(by[RequiredOffsetSection].offset == 65536, f"{name}: offset")
    check(metadata.compression_info.uncompressed_size == 5000, f"{name}: compression")
    check(metadata.compression_info.compression_type.compression_type == 1, f"{name}: LZMA")


def ours_to_theirs(p256, p384):
    body, out = WORK / "body", WORK / "ours.pkg"
    words = ["image", "pack", body, "--out", out, "--component", COMPONENT, "--image", IMAGE, "--now", "2026-01-02T03:04:05Z"]
    for length in (1, 2, 3, 4, 5, 4096, 70001):
        body.write_bytes(random.randbytes(length))
        repo(*words, "--key", p256.private, "--certificate", p256.certificate, *EVERYTHING)
        data = out.read_bytes()
        theirs = Image(data)
        same_sections(theirs.metadata, f"{length} bytes")
        check(theirs.data == body.read_bytes() + bytes(-length % 4), f"{length} bytes: body")
        check(theirs.has_valid_signature([p256.signer]), f"{length} bytes: signature")
        check(theirs.resolve_signer_and_type([p256.signer]) == (p256.signer, SigningType.ECDsa256), f"{length} bytes: type")
        check(theirs.metadata.signature.signing_cert_thumbprint == p256.cert.fingerprint(hashes.SHA1()), "thumbprint")
        check(theirs.metadata.serialize() == data[theirs.metadata.start_of_metadata:-64], "written again by them")
        broken = bytearray(data)
        broken[length // 2] ^= 1
        check(not Image(bytes(broken)).has_valid_signature([p256.signer]), "a flipped bit is seen")
    repo(*words, "--key", p384.private, *EVERYTHING)
    data = out.read_bytes()
    metadata = ImageMetadata(data)
    check(metadata.signature_size == 96 and metadata.signature.signing_type.signing_type == SigningType.ECDsa384, "P-384")
    same_sections(metadata, "P-384")
    check(holds(data, p384, 96, hashes.SHA384()), "P-384: signature")
    repo(*words, "--key", p256.private)
    check(len(Image(out.read_bytes()).metadata.sections) == 2, "the least that is needed")


def abi(kind, entries):
    section = kind()
    section.versions = [ABIIdentity(v.to_bytes(4, "little") + t.to_bytes(4, "little")) for v, t in entries]
    return section


def their_sections(rng):
    """A random package's sections, and what our tool must say of them."""
    identity = IdentitySection()
    identity.image_type, identity.component_uid, identity.image_uid = 10, COMPONENT, IMAGE
    sections, said = [identity], {"type": "application", "component": COMPONENT, "image": IMAGE}
    if rng.random() < .7:
        s = DebugSection()
        s.debug_time, s.image_name_raw = rng.randrange(1 << 32), b"n" * rng.randrange(1, 32)
        sections.append(s)
        said["name"] = s.image_name_raw.decode()
    if rng.random() < .7:
        entries = [(rng.randrange(1 << 32), 3)] * rng.randrange(1, 9)
        sections.append(abi(ABIDependsSection, entries))
        said["depends"] = [f"application={v}" for v, _ in entries]
    if rng.random() < .5:
        s = RevocationSection()
        s.version = said["security"] = rng.randrange(1 << 32)
        sections.append(s)
    if rng.random() < .5:
        s = TempImageMetadataSection()
        s.flags.flags = said["temporary"] = rng.randrange(4)
        sections.append(s)
    if rng.random() < .5:
        s = RequiredOffsetSection()
        s.offset = said["flash-offset"] = rng.randrange(1 << 32)
        sections.append(s)
    if rng.random() < .3:
        s = CompressionSection()
        s.uncompressed_size = said["uncompressed"] = rng.randrange(1, 1 << 32)
        s.compression_type.compression_type = 1
        sections.append(s)
    rng.shuffle(sections)
    return sections, said


def theirs_to_ours(p256):
    out, rng = WORK / "theirs.pkg", random.Random(7)
    for round_ in range(12):
        sections, said = their_sections(rng)
        image = Image()
        image.data = rng.randbytes(rng.randrange(1, 5000))
        for s in sections:
            image.metadata.add_section(s)
        out.write_bytes(image.as_bytes(p256.signer, include_signature=True))
        shown = json.loads(repo("image", "show", out, "--json"))
        for name, value in said.items():
            check(shown.get(name) == value, f"round {round_}: {name} is {shown.get(name)}, they wrote {value}")
        check(shown["thumbprint"] == p256.cert.fingerprint(hashes.SHA1()).hex(), "thumbprint")
        repo("image", "verify", out, "--key", p256.public, "--component", COMPONENT, "--temporary", 3, "--compressed")
        data = bytearray(out.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        out.write_bytes(data)
        repo("image", "verify", out, "--key", p256.public, "--temporary", 3, "--compressed", status=1)


def their_own_key():
    """Signed with the development key that their package brings along."""
    signer, out, public = AppDevelopmentSigner(), WORK / "dev.pkg", WORK / "dev.pub"
    public.write_bytes(public_pem(signer.signing_map.ecdsa_256.cert.certificate.public_key()))
    image = Image()
    image.data = b"application"
    identity = IdentitySection()
    identity.image_type, identity.component_uid, identity.image_uid = 10, COMPONENT, IMAGE
    image.metadata.add_section(identity)
    out.write_bytes(image.as_bytes(signer, include_signature=True))
    repo("image", "verify", out, "--key", public)


def manifests(p256):
    body, folder, listed = WORK / "body", WORK / "set", []
    folder.mkdir()
    for i in range(4):
        body.write_bytes(random.randbytes(1000 + i))
        out = folder / f"{i}.pkg"
        repo("image", "pack", body, "--out", out, "--key", p256.private, "--component", f"{i:08x}-0000-0000-0000-000000000000",
             "--type", 6 + i)
        data, identity = out.read_bytes(), ImageMetadata(out.read_bytes()).identity
        entry = identity.image_uid_raw + identity.component_uid_raw
        for value, size in ((6 + i, 2), (4, 2), (len(data), 4), (len(data) + 9, 4), (5, 4), (3, 4), (0, 8), (7, 4), (2, 4), (0, 8)):
            entry += value.to_bytes(size, "little")
        listed.append(entry)
    plain, hashed, package = WORK / "manifest", WORK / "hashed", WORK / "manifest.pkg"
    head = b"".join(v.to_bytes(n, "little") for v, n in ((3, 2), (4, 2), (16, 2), (76, 2), (1700000000, 8)))
    plain.write_bytes(head + b"".join(listed))
    repo("manifest", "convert", plain, "--images", folder, "--out", hashed)
    repo("image", "pack", hashed, "--out", package, "--key", p256.private, "--component", COMPONENT, "--type", "customer-manifest")
    old = ImageManifest(plain.read_bytes())
    new = ImageManifest.from_image_metadata(ImageMetadata(package.read_bytes()))
    check(str(new.header) == str(old.header).replace("manifest_entry_size=76", "manifest_entry_size=108"), "head of the manifest")
    check([str(e) for e in new.entries] == [str(e) for e in old.entries] and len(new.entries) == 4, "entries of the manifest")
    shown = json.loads(repo("manifest", "show", package, "--json"))
    check(shown["hashed"], "digests")
    for row, entry in zip(shown["images"], old.entries):
        check(row["image"] == entry.image_uid.lower() and row["component"] == entry.component_uid.lower(), "identifiers")
        check(row["length"] == entry.image_file_size and row["uncompressed"] == entry.uncompressed_image_size, "lengths")
        digests = {hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir()}
        check(row["sha256"] in digests, "digest")


def main():
    p256, p384 = Maker("p256", ec.SECP256R1()), Maker("p384", ec.SECP384R1())
    ours_to_theirs(p256, p384)
    theirs_to_ours(p256)
    their_own_key()
    manifests(p256)
    print(f"{PASSED} passed, {FAILED} failed")
    return FAILED > 0 or PASSED < 200


if __name__ == "__main__":
    sys.exit(main())
