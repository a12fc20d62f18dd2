# SPDX-License-Identifier: Apache-2.0
"""Publishers' libraries: each makes keys, and files out of what is to be signed."""
import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata
from tuf.api.serialization.json import JSONSerializer


class Key:
    def __init__(self, keyid, text, secret=None):
        self.keyid, self.text, self.secret = keyid, text, secret


def canonical(value):
    return encode_canonical(value).encode()


def right_keyid(text):
    """Section 4.2 of the specification: the digest of the key's canonical form."""
    return hashlib.sha256(canonical(text)).hexdigest()


class Maker:
    """Keys are made once for each kind and number, and shared by scenarios."""

    def __init__(self):
        self.keys = {}

    def key(self, kind, number):
        if (kind, number) not in self.keys:
            self.keys[kind, number] = self.make_key(kind)
        return self.keys[kind, number]

    def raw(self, signed, keys):
        """For files that no library would make: signed as they are. @return the file's text as an object"""
        data = canonical(signed)
        return {"signatures": [{"keyid": k.keyid, "sig": self.sign(k, data)} for k in keys], "signed": signed}


class PythonTuf(Maker):
    name = "python-tuf"
    KINDS = {"ecdsa": CryptoSigner.generate_ecdsa, "ed25519": CryptoSigner.generate_ed25519,
             "rsa": lambda: CryptoSigner.generate_rsa(size=2048), "rsa3072": lambda: CryptoSigner.generate_rsa(size=3072),
             "p384": lambda: CryptoSigner(ec.generate_private_key(ec.SECP384R1()))}

    def make_key(self, kind):
        signer = self.KINDS[kind]()
        return Key(signer.public_key.keyid, signer.public_key.to_dict(), signer)

    def sign(self, key, data):
        return key.secret.sign(data).signature

    def build(self, signed, keys):
        file = Metadata.from_dict({"signatures": [], "signed": json.loads(json.dumps(signed))})
        for key in keys:
            signature = key.secret.sign(file.signed_bytes)
            file.signatures[key.keyid] = signature
            signature.keyid = key.keyid
        return file.to_bytes(JSONSerializer(compact=False))


class TufJs(Maker):
    name = "tuf-js"

    def __init__(self, node):
        super().__init__()
        self.node = node

    def make_key(self, kind):
        made = self.node.ask("makeKey", kind=kind)
        return Key(made["keyid"], made["key"])

    def sign(self, key, data):
        return self.node.ask("sign", keyid=key.secret or key.keyid, bytes=base64.b64encode(data).decode())["sig"]

    def build(self, signed, keys):
        if any(k.secret for k in keys):  # an alias: the process knows the key by its first id
            return json.dumps(self.raw(signed, keys)).encode()
        return self.node.ask("build", signed=signed, keyids=[k.keyid for k in keys])["text"].encode()


def legacy(key):
    """The same key as older libraries wrote it: its scheme for its type, too. Another text is another id."""
    text = {**key.text, "keytype": key.text["scheme"]}
    return Key(right_keyid(text), text, key.secret or key.keyid)


def alias(key, keyid):
    """The same key under another id."""
    return Key(keyid, key.text, key.secret or key.keyid)
