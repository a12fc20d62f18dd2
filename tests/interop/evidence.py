# SPDX-License-Identifier: Apache-2.0
"""usage: evidence.py EVIDENCE-TOOL: cwt, pycose and PyJWT check our evidence, and ours checks what they sign."""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

import cbor2
import cwt
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import Sign1Message
from pycose.headers import Algorithm
from pycose.algorithms import Es256

tool = sys.argv[1]
passed = 0


def check(good, what):
    global passed
    if not good:
        raise SystemExit(f"FAILED: {what}")
    passed += 1


def read(folder, form):
    out = subprocess.run([tool, "read", folder, form], capture_output=True, text=True, check=False)
    return out.returncode, out.stdout.split()


def b64url(data):
    return jwt.utils.base64url_encode(data).decode()


def theirs_read_ours(folder):
    subprocess.run([tool, "write", folder], check=True)
    public = (folder / "public.bin").read_bytes()
    nonce = (folder / "nonce.bin").read_bytes()
    token = (folder / "token.cose").read_bytes()
    instance = b"\x01" + hashlib.sha256(public).digest()
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    x, y = public[1:33], public[33:]

    # cwt wants COSE alone: the claims are PSA's, not those of a CWT.
    cose_key = cwt.COSEKey.new({1: 2, 3: -7, -1: 1, -2: x, -3: y})
    claims = cbor2.loads(cwt.COSE.new().decode(token, cose_key))
    message = Sign1Message.decode(token)
    message.key = EC2Key(crv=P256, x=x, y=y)
    check(message.verify_signature(), "pycose: signature of ours")
    check(cbor2.loads(message.payload) == claims, "cwt and pycose read the same")
    check(claims[10] == nonce and claims[256] == instance, "nonce and instance")
    check(claims[265] == "tag:psacertified.org,2023:psa#tfm" and claims[2394] == -1 and claims[2395] == 0x3000, "claims of RFC 9783")
    check([e[1] for e in claims[2399]] == ["boot/supervisor", "image/os"], "components")
    check(cbor2.dumps(claims, canonical=True) != b"" and message.payload[0] == 0xa9, "nine claims")
    bad = bytearray(token)
    bad[-1] ^= 1
    message = Sign1Message.decode(bytes(bad))
    message.key = EC2Key(crv=P256, x=x, y=y)
    check(not message.verify_signature(), "pycose: a changed signature")

    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = (folder / "token.jwt").read_text()
    body = jwt.decode(text, pem, algorithms=["ES256"])
    check(jwt.get_unverified_header(text) == {"alg": "ES256", "typ": "eat+jwt"}, "PyJWT: header")
    check(body["eat_nonce"] == b64url(nonce) and body["ueid"] == b64url(instance), "PyJWT: nonce and ueid")
    check(body["ota"]["log"][0]["digest"] == "01" + 62 * "0", "PyJWT: log")
    try:
        jwt.decode(text[:-2] + ("AA" if text[-2:] != "AA" else "BB"), pem, algorithms=["ES256"])
        check(False, "PyJWT: a changed signature")
    except jwt.InvalidSignatureError:
        check(True, "PyJWT: a changed signature")


def ours_reads_theirs(folder):
    secret = ec.generate_private_key(ec.SECP256R1())
    public = secret.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    nonce = hashlib.sha256(b"epoch").digest()
    instance = b"\x01" + hashlib.sha256(public).digest()
    (folder / "public.bin").write_bytes(public)
    (folder / "nonce.bin").write_bytes(nonce)
    zero = bytes(32)
    claims = {-70001: "tpm", 2399: [{5: zero, 2: zero, 1: "image/os", 6: "sha-256"}], 2396: zero, 2395: 12288, 2394: 3,
              265: "tag:psacertified.org,2023:psa#tfm", 256: instance, 10: nonce, "x": [1.5, None, {1: 2}]}
    d = secret.private_numbers().private_value.to_bytes(32, "big")

    def cose(claims):
        message = Sign1Message(phdr={Algorithm: Es256}, payload=cbor2.dumps(claims))
        message.key = EC2Key(crv=P256, x=public[1:33], y=public[33:], d=d)
        (folder / "token.cose").write_bytes(message.encode())
        return read(folder, "cose")

    def by_jwt(body):
        (folder / "token.jwt").write_text(jwt.encode(body, secret, algorithm="ES256", headers={"typ": "eat+jwt"}))
        return read(folder, "jwt")

    check(cose(claims) == (0, ["OK", "tpm", "1"]), "pycose's token")
    check(cose({**claims, 10: zero})[1][0] == "REJECT_NONCE", "pycose's token for another challenge")
    check(cose({k: v for k, v in claims.items() if k != 2396})[1] == ["REJECT_MISSING", "none", "0", "evidence.implementation"], "a claim left out")
    check(cose({**claims, 265: "psa"})[1][0] == "REJECT_SPEC", "another profile")
    key = cwt.COSEKey.from_pem(secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    check(cwt.COSE.new().decode((folder / "token.cose").read_bytes(), key) is not None, "cwt reads pycose's")

    entry = {"what": "image/os", "digest": zero.hex(), "version": "1", "signer": zero.hex()}
    body = {"iat": 1700000000, "eat_profile": "urn:x-libota:evidence:1", "eat_nonce": b64url(nonce), "ueid": b64url(instance),
            "ota": {"implementation": zero.hex(), "client_id": -5, "lifecycle": 0, "strength": "soft", "log": [entry]}}
    check(by_jwt(body) == (0, ["OK", "soft", "1"]), "PyJWT's token")
    check(by_jwt({**body, "ueid": b64url(b"\x01" + zero)})[1][0] == "REJECT_SCOPE", "PyJWT's token of another device")
    check(by_jwt({**body, "ota": {**body["ota"], "lifecycle": 12288}})[1][-1] == "evidence.lifecycle", "soft, and secured")
    text = jwt.encode(body, None, algorithm="none")
    (folder / "token.jwt").write_text(text)
    check(read(folder, "jwt")[1][0] in ("REJECT_SIGNATURE", "REJECT_SYNTAX"), "a token without a signature")
    text = jwt.encode(body, json.dumps(public.hex()), algorithm="HS256")
    (folder / "token.jwt").write_text(text)
    check(read(folder, "jwt")[1][0] == "REJECT_SIGNATURE", "a token with the public key as secret")


with tempfile.TemporaryDirectory() as name:
    theirs_read_ours(pathlib.Path(name))
    ours_reads_theirs(pathlib.Path(name))
print(f"{passed} passed, 0 failed")
