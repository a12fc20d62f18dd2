#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Remake crypto_vectors.h: keys and signatures made by the openssl command, so that the suite is checked against another
implementation. Usage: make_vectors.py > crypto_vectors.h"""
import os
import subprocess
import tempfile

MESSAGE = b"libota contract\n"


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True, capture_output=True).stdout


def der_int(der, at):
    assert der[at] == 2
    length = der[at + 1]
    return int.from_bytes(der[at + 2:at + 2 + length], "big"), at + 2 + length


def raw_signature(der, half):
    at = 2 if der[1] < 0x80 else 3
    r, at = der_int(der, at)
    s, _ = der_int(der, at)
    return r.to_bytes(half, "big") + s.to_bytes(half, "big")


def show(name, data):
    print(f"static const uint8_t {name}[{len(data)}] = {{")
    for i in range(0, len(data), 16):
        print("    " + ", ".join(f"0x{b:02x}" for b in data[i:i + 16]) + ",")
    print("};\n")


def ecdsa(folder, curve, digest, half, name):
    key = os.path.join(folder, name + ".pem")
    openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", key)
    spki = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    show(f"{name}_key", spki[-(2 * half + 1):])
    show(f"{name}_sig", raw_signature(openssl("dgst", "-" + digest, "-sign", key, data=MESSAGE), half))


def rsa(folder, bits, name):
    key = os.path.join(folder, name + ".pem")
    openssl("genrsa", "-out", key, str(bits))
    show(f"{name}_key", openssl("rsa", "-in", key, "-RSAPublicKey_out", "-outform", "DER"))
    show(f"{name}_sig", openssl("dgst", "-sha256", "-sign", key, "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                                "rsa_pss_saltlen:-1", data=MESSAGE))


def main():
    version = openssl("version").decode().split(" (")[0].strip()
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print(f"/* Made by make_vectors.py with {version}: signatures over \"libota contract\\n\". Private keys were not kept. */")
    print("#ifndef OTA_CONTRACT_CRYPTO_VECTORS_H\n#define OTA_CONTRACT_CRYPTO_VECTORS_H\n\n#include <stdint.h>\n")
    for digest in ("sha256", "sha384"):
        show(f"message_{digest}", openssl("dgst", "-" + digest, "-binary", data=MESSAGE))
    with tempfile.TemporaryDirectory() as folder:
        ecdsa(folder, "prime256v1", "sha256", 32, "p256")
        ecdsa(folder, "secp384r1", "sha384", 48, "p384")
        rsa(folder, 2048, "rsa")
        rsa(folder, 1024, "weak_rsa")
    print("#endif")


main()
