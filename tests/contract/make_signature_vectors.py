#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Remake signature_vectors.h: for each algorithm, signatures made by the openssl command and the ways in which one can be
bad. The bad ones are built here with plain integers, and openssl must refuse them, too, unless it is said why it need not.
Usage: make_signature_vectors.py > signature_vectors.h"""
import hashlib
import os
import subprocess
import sys
import tempfile

MESSAGE = b"libota signature vectors\n"
P256 = ("prime256v1", 32, 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff,
        0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
        bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200"))
P384 = ("secp384r1", 48, 2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
        bytes.fromhex("3076301006072a8648ce3d020106052b81040022036200"))
SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")
GOOD, BAD_SIG, BAD_KEY = "OTA_OK", "OTA_REJECT_SIGNATURE", "OTA_REJECT_KEY"
vectors = []
checked = 0


def openssl(*args, data=None, ok=True):
    done = subprocess.run(["openssl", *args], input=data, capture_output=True)
    if ok and done.returncode:
        sys.exit(f"openssl {args}: {done.stderr.decode()}")
    return done.stdout if ok else done.returncode == 0


def emit(name, alg, kind, key, digest, sig, want):
    vectors.append((name, alg, kind, key.hex(), digest.hex(), sig.hex(), want))


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as out:
        out.write(data)
    return path


def agrees(folder, spki, sig, want, *options, data=MESSAGE):
    """The other implementation's verdict is the same: good is good, bad is bad."""
    global checked
    public, signature, message = write(folder, "k", spki), write(folder, "s", sig), write(folder, "m", data)
    good = openssl("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", public, "-sigfile", signature, "-rawin",
                   "-in", message, *options, ok=False)
    if good != (want == GOOD):
        sys.exit(f"openssl disagrees about {vectors[-1][0]}")
    checked += 1


# ---- ECDSA


def der_length(n):
    return bytes([n]) if n < 128 else bytes([0x81, n])


def der_ints(r, s):
    parts = b""
    for v in (r, s):
        body = v.to_bytes(v.bit_length() // 8 + 1, "big")
        parts += b"\x02" + der_length(len(body)) + body
    return b"\x30" + der_length(len(parts)) + parts


def raw(der, size):
    at, out = 2 if der[1] < 0x80 else 3, b""
    for _ in range(2):
        length = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(size, "big")
        at += 2 + length
    return out


def ecdsa(folder, label, curve, digest_name, alg, kind):
    name, size, p, n, head = curve
    pem = os.path.join(folder, label + ".pem")
    openssl("ecparam", "-name", name, "-genkey", "-noout", "-out", pem)
    key = openssl("pkey", "-in", pem, "-pubout", "-outform", "DER")[len(head):]
    digest = hashlib.new(digest_name, MESSAGE).digest()
    good = raw(openssl("dgst", "-" + digest_name, "-sign", pem, data=MESSAGE), size)
    r, s = int.from_bytes(good[:size], "big"), int.from_bytes(good[size:], "big")
    x, y = int.from_bytes(key[1:1 + size], "big"), int.from_bytes(key[1 + size:], "big")

    def pair(what, a, b, want=BAD_SIG):
        emit(f"{label}: {what}", alg, kind, key, digest, a.to_bytes(size, "big") + b.to_bytes(size, "big"), want)
        agrees(folder, head + key, der_ints(a, b), want, "-digest", digest_name)

    def bytes_of(what, sig, want=BAD_SIG):
        emit(f"{label}: {what}", alg, kind, key, digest, sig, want)

    def key_of(what, bad):
        emit(f"{label}: {what}", alg, kind, bad, digest, good, BAD_KEY)

    pair("a good signature", r, s, GOOD)
    pair("s mirrored, which the standard allows", r, n - s, GOOD)
    pair("r mirrored", n - r, s)
    top = 2 ** (8 * size) - 1
    for what, value in (("0", 0), ("1", 1), ("n - 1", n - 1), ("n", n), ("n + 1", n + 1), ("p", p), ("all ones", top)):
        pair(f"r = {what}", value, s)
        pair(f"s = {what}", r, value)
        pair(f"r = s = {what}", value, value)
    if r + n <= top:
        pair("r + n", r + n, s)
    if s + n <= top:
        pair("s + n", r, s + n)
    pair("r and s swapped", s, r)
    bytes_of("a byte behind", good + b"\0")
    bytes_of("a byte before", b"\0" + good)
    bytes_of("the last byte missing", good[:-1])
    bytes_of("only r", good[:size])
    bytes_of("nothing", b"")
    bytes_of("DER where raw is wanted", der_ints(r, s))
    bytes_of("twice as long", good + good)
    emit(f"{label}: digest cut short", alg, kind, key, digest[:-1], good, BAD_SIG)
    emit(f"{label}: no digest", alg, kind, key, b"", good, BAD_SIG)
    emit(f"{label}: digest of another message", alg, kind, key, hashlib.new(digest_name, b"x").digest(), good, BAD_SIG)
    key_of("compressed point", bytes([2 + y % 2]) + key[1:1 + size])
    key_of("hybrid point", bytes([6 + y % 2]) + key[1:])
    key_of("point at infinity", b"\0")
    key_of("point without its first byte", key[1:])
    key_of("point with a byte behind", key + b"\0")
    key_of("point not on the curve", key[:-1] + bytes([key[-1] ^ 1]))
    key_of("point (0, 0)", b"\x04" + bytes(2 * size))
    key_of("x and y swapped", b"\x04" + key[1 + size:] + key[1:1 + size])
    key_of("x not below p", b"\x04" + p.to_bytes(size, "big") + key[1 + size:])
    key_of("y not below p", key[:1 + size] + top.to_bytes(size, "big"))
    key_of("no key", b"")
    mirrored = b"\x04" + x.to_bytes(size, "big") + (p - y).to_bytes(size, "big")
    emit(f"{label}: the mirrored key", alg, kind, mirrored, digest, good, BAD_SIG)
    return key, good


def other_curves(folder, p256, p384):
    digest = hashlib.sha256(MESSAGE).digest()
    pem = os.path.join(folder, "k1.pem")
    openssl("ecparam", "-name", "secp256k1", "-genkey", "-noout", "-out", pem)
    point = openssl("pkey", "-in", pem, "-pubout", "-outform", "DER")[-65:]
    good = raw(openssl("dgst", "-sha256", "-sign", pem, data=MESSAGE), 32)
    emit("P-256: a point of secp256k1", 1, 1, point, digest, good, BAD_KEY)
    emit("P-256: a point of P-384", 1, 1, p384[0], digest, p384[1], BAD_KEY)
    emit("P-384: a point of P-256", 2, 2, p256[0], hashlib.sha384(MESSAGE).digest(), p256[1], BAD_KEY)
    emit("P-256 algorithm, P-384 kind", 1, 2, p384[0], digest, p384[1], BAD_KEY)
    emit("P-384 algorithm, P-256 kind", 2, 1, p256[0], hashlib.sha384(MESSAGE).digest(), p256[1], BAD_KEY)


# ---- RSA


def rsa_key(n, e):
    def integer(v):
        body = v.to_bytes(v.bit_length() // 8 + 1, "big")
        return b"\x02" + (bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")) + body
    body = integer(n) + integer(e)
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body


def rsa(folder):
    pem = os.path.join(folder, "rsa.pem")
    openssl("genrsa", "-out", pem, "2048")
    key = openssl("rsa", "-in", pem, "-RSAPublicKey_out", "-outform", "DER")
    spki = openssl("pkey", "-in", pem, "-pubout", "-outform", "DER")
    n = int(openssl("rsa", "-in", pem, "-noout", "-modulus").decode().strip().split("=")[1], 16)

    def sign(digest_name, salt):
        return openssl("dgst", "-" + digest_name, "-sign", pem, "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                       f"rsa_pss_saltlen:{salt}", data=MESSAGE)

    for alg, digest_name in ((3, "sha256"), (4, "sha384"), (5, "sha512")):
        label, digest = f"RSA-PSS {digest_name}", hashlib.new(digest_name, MESSAGE).digest()
        options = ("-digest", digest_name, "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:auto")

        def case(what, sig, want=BAD_SIG, key=key, digest=digest, alg=alg, label=label, options=options):
            emit(f"{label}: {what}", alg, 3, key, digest, sig, want)
            if want != BAD_KEY and digest == hashlib.new(options[1], MESSAGE).digest() and key == rsa_key(n, 65537):
                agrees(folder, spki, sig, want, *options)

        good = sign(digest_name, -1)
        value = int.from_bytes(good, "big")
        case("a good signature", good, GOOD)
        case("no salt", sign(digest_name, 0), GOOD)
        case("the longest salt", sign(digest_name, -2), GOOD)
        for what, bad in (("0", 0), ("1", 1), ("n - 1", n - 1), ("n", n), ("n - s", n - value)):
            case(f"signature = {what}", bad.to_bytes(256, "big"))
        if value + n < 2 ** 2048:
            case("signature + n", (value + n).to_bytes(256, "big"))
        case("a byte behind", good + b"\0")
        case("a byte before", b"\0" + good)
        case("the last byte missing", good[:-1])
        case("nothing", b"")
        case("PKCS #1 v1.5", openssl("dgst", "-" + digest_name, "-sign", pem, data=MESSAGE))
        for other in ("sha256", "sha384", "sha512"):
            if other != digest_name:
                case(f"signed with {other}", sign(other, -1))
                case(f"the digest is {other}", good, digest=hashlib.new(other, MESSAGE).digest())
    digest = hashlib.sha256(MESSAGE).digest()

    def key_case(what, bad, sig=None):
        emit(f"RSA: {what}", 3, 3, bad, digest, sign("sha256", -1) if sig is None else sig, BAD_KEY)

    encoded = bytes.fromhex("00") * 255 + b"\x01"
    key_case("exponent 1, under which a signature is its own proof", rsa_key(n, 1), encoded)
    key_case("exponent 0", rsa_key(n, 0), encoded)
    key_case("exponent 2", rsa_key(n, 2))
    key_case("exponent 3", rsa_key(n, 3))
    key_case("exponent 65536", rsa_key(n, 65536))
    key_case("exponent that is the modulus", rsa_key(n, n))
    key_case("even modulus", rsa_key(n - 1, 65537))
    key_case("a byte behind", key + b"\0")
    key_case("the last byte missing", key[:-1])
    key_case("no key", b"")
    key_case("a P-256 point", b"\x04" + bytes(64))
    key_case("a whole SubjectPublicKeyInfo", spki)
    for bits in (512, 1024, 2040):
        small = os.path.join(folder, "small.pem")
        openssl("genrsa", "-out", small, str(bits))
        sig = openssl("dgst", "-sha256", "-sign", small, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:0",
                      data=MESSAGE)
        key_case(f"{bits} bits", openssl("rsa", "-in", small, "-RSAPublicKey_out", "-outform", "DER"), sig)


# ---- Ed25519: RFC 8032, with the curve in affine coordinates: slow and plain

Q = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, Q - 2, Q) % Q


def plus(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % Q
    return ((x1 * y2 + x2 * y1) * pow(1 + t, Q - 2, Q) % Q, (y1 * y2 + x1 * x2) * pow(1 - t, Q - 2, Q) % Q)


def times(k, a):
    out = (0, 1)
    while k:
        if k & 1:
            out = plus(out, a)
        a, k = plus(a, a), k >> 1
    return out


def root_of(y, sign):
    u, v = (y * y - 1) % Q, (D * y * y + 1) % Q
    x = u * pow(v, 3, Q) * pow(u * pow(v, 7, Q), (Q - 5) // 8, Q) % Q
    if v * x * x % Q != u:
        x = x * pow(2, (Q - 1) // 4, Q) % Q
    if v * x * x % Q != u:
        return None
    return Q - x if x % 2 != sign and x else x


def encode(a):
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


def decode(text):
    v = int.from_bytes(text, "little")
    y, sign = v % 2**255, v >> 255
    return root_of(y, sign), y


def number(text):
    return int.from_bytes(text, "little")


BASE = (root_of(4 * pow(5, Q - 2, Q) % Q, 0), 4 * pow(5, Q - 2, Q) % Q)
RFC8032 = [  # section 7.1: secret key, message
    ("TEST 1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", ""),
    ("TEST 2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72"),
    ("TEST 3", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82"),
    ("TEST SHA(abc)", "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     hashlib.sha512(b"abc").hexdigest()),
]
RFC8032_EMPTY = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"


def ed25519(folder):
    def case(what, key, sig, want, message=MESSAGE, hashed=None, same=True):
        digest = hashlib.sha512((hashed or sig[:32] + key) + message).digest()
        emit(f"Ed25519: {what}", 6, 4, key, digest, sig, want)
        if same:
            agrees(folder, SPKI_ED25519 + key, sig, want, data=message)

    for name, secret, message in RFC8032:
        pem = write(folder, "ed", bytes.fromhex("302e020100300506032b657004220420" + secret))
        key = openssl("pkey", "-in", pem, "-inform", "DER", "-pubout", "-outform", "DER")[-32:]
        text = bytes.fromhex(message)
        if text:
            sig = openssl("pkeyutl", "-sign", "-inkey", pem, "-keyform", "DER", "-rawin", "-in", write(folder, "m", text))
        else:
            sig = bytes.fromhex(RFC8032_EMPTY)  # the command takes no empty message
        case(f"RFC 8032 {name}", key, sig, GOOD, text, same=bool(text))
    pem = os.path.join(folder, "ed.pem")
    openssl("genpkey", "-algorithm", "ed25519", "-out", pem)
    key = openssl("pkey", "-in", pem, "-pubout", "-outform", "DER")[-32:]
    good = openssl("pkeyutl", "-sign", "-inkey", pem, "-rawin", "-in", write(folder, "m", MESSAGE))
    r, s = good[:32], number(good[32:])
    case("a good signature", key, good, GOOD)
    case("another message", key, good, BAD_SIG, b"x")
    for what, value in (("0", 0), ("1", 1), ("L", L), ("L - 1", L - 1), ("L + 1", L + 1), ("S + L", s + L), ("S + 8 L", s + 8 * L),
                        ("L - S", L - s), ("2^255", 2**255), ("all ones", 2**256 - 1)):
        if value < 2**256:
            case(f"S = {what}", key, r + value.to_bytes(32, "little"), BAD_SIG)
    case("S with its highest bit set", key, good[:63] + bytes([good[63] | 0x80]), BAD_SIG)
    case("R with its sign flipped", key, good[:31] + bytes([good[31] ^ 0x80]) + good[32:], BAD_SIG)
    case("R and S swapped", key, good[32:] + r, BAD_SIG)
    case("all zeros", key, bytes(64), BAD_SIG)
    emit("Ed25519: digest without R and A", 6, 4, key, hashlib.sha512(MESSAGE).digest(), good, BAD_SIG)
    emit("Ed25519: digest of SHA-256's length", 6, 4, key, hashlib.sha256(MESSAGE).digest(), good, BAD_SIG)
    for what, sig in (("a byte behind", good + b"\0"), ("the last byte missing", good[:-1]), ("only R", r), ("nothing", b"")):
        case(what, key, sig, BAD_SIG)
    for what, bad in (("a byte behind", key + b"\0"), ("the last byte missing", key[:-1]), ("none", b"")):
        case(f"key: {what}", bad, good, BAD_KEY, same=False)
    emit("Ed25519: P-256 kind", 6, 1, key, hashlib.sha512(r + key + MESSAGE).digest(), good, BAD_KEY)
    emit("Ed25519: key for ECDSA", 1, 4, key, hashlib.sha256(MESSAGE).digest(), good, BAD_KEY)

    # Points of order 1, 2, 4 and 8, each encoding of them: under such a key one signature serves every message.
    y8 = next(y for y in (decode(bytes.fromhex(t))[1] for t in (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",)))
    torsion, point = [], (root_of(y8, 0), y8)
    for i in range(8):
        torsion.append(times(i, point))
    assert torsion[0] == (0, 1) and len(set(torsion)) == 8 and times(8, point) == (0, 1)
    encodings = {encode(t) for t in torsion}
    for t in torsion:
        for y in (t[1], t[1] + Q):
            for sign in (0, 1):
                if y < 2**255 and (t[0] == 0 or t[0] % 2 == sign):
                    encodings.add((y | sign << 255).to_bytes(32, "little"))
    for small in sorted(encodings):
        case(f"key of small order {small.hex()[:4]}..{small.hex()[-4:]}", small, BASE_SIG, BAD_KEY, same=False)
        case(f"R of small order {small.hex()[:4]}..{small.hex()[-4:]}", key, small + good[32:], BAD_SIG)
    # A secret whose signatures are made here, so that what openssl would never sign can be signed.
    a, nonce = 0x1234567890abcdef1234567890abcdef % L, 0xfedcba0987654321fedcba0987654321 % L
    pure = encode(times(a, BASE))

    def signed(key, r_text):
        k = number(hashlib.sha512(r_text + key + MESSAGE).digest()) % L
        return r_text + ((nonce + k * a) % L).to_bytes(32, "little")

    plain_r = encode(times(nonce, BASE))
    case("made here", pure, signed(pure, plain_r), GOOD)
    mixed_r = encode(plus(times(nonce, BASE), torsion[1]))
    case("R with a part of small order, which only a check with the cofactor takes", pure, signed(pure, mixed_r), BAD_SIG)
    mixed = encode(plus(times(a, BASE), torsion[4]))
    case("key with a part of small order", mixed, signed(mixed, plain_r), BAD_KEY, same=False)
    # y = 2 is on no point; y >= Q is no encoding.
    off = next(y for y in range(2, 50) if root_of(y, 0) is None)
    case("key that is no point", off.to_bytes(32, "little"), good, BAD_KEY, same=False)
    on = next(y for y in range(2, 19) if root_of(y, 0) is not None)
    case("key that is not reduced", (on + Q).to_bytes(32, "little"), good, BAD_KEY, same=False)
    case("R that is no point", key, off.to_bytes(32, "little") + good[32:], BAD_SIG)
    case("R that is not reduced", key, (on + Q).to_bytes(32, "little") + good[32:], BAD_SIG)
    zero = (0).to_bytes(32, "little")
    case("R the neutral element, S zero", pure, encode((0, 1)) + zero, BAD_SIG)


BASE_SIG = encode(BASE) + (1).to_bytes(32, "little")


def main():
    with tempfile.TemporaryDirectory() as folder:
        p256 = ecdsa(folder, "P-256", P256, "sha256", 1, 1)
        p384 = ecdsa(folder, "P-384", P384, "sha384", 2, 2)
        other_curves(folder, p256, p384)
        rsa(folder)
        ed25519(folder)
    version = openssl("version").decode().split(" (")[0].strip()
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print(f"/* Made by make_signature_vectors.py with {version}, which came to the same verdict on {checked} of them.\n"
          " * Keys, digests and signatures are in hexadecimal. Private keys were not kept. */")
    print("#ifndef OTA_CONTRACT_SIGNATURE_VECTORS_H\n#define OTA_CONTRACT_SIGNATURE_VECTORS_H\n\n#include \"ota/port_crypto.h\"\n")
    print("static const struct signature_vector {\n    const char *name;\n    uint8_t alg, kind; /* enum ota_sig_alg, ota_key_kind */\n"
          "    const char *key, *hash, *sig;\n    ota_err want;\n} signature_vectors[] = {")
    for name, alg, kind, key, digest, sig, want in vectors:
        print(f'    {{ "crypto: {name}", {alg}, {kind}, "{key}",\n      "{digest}", "{sig}", {want} }},')
    print("};\n\n#endif")


main()
