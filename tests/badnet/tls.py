# SPDX-License-Identifier: Apache-2.0
"""Certificates, made anew for each run by the openssl command, and handshakes that go wrong."""
import os
import ssl
import subprocess
import warnings

from server import FIN, RST, STALL

RIGHT = "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n"
EKU = "extendedKeyUsage=serverAuth\n"
# A dNSName "localhost", NUL, ".evil.example": one that stops at the NUL sees the name that it wants.
NUL_NAME = b"localhost\0.evil.example"
NUL_SAN = "subjectAltName=DER:" + ":".join(f"{b:02x}" for b in bytes([0x30, len(NUL_NAME) + 2, 0x82, len(NUL_NAME)]) + NUL_NAME) + "\n"

# name: CA, extensions, key, validity, further options
CERTIFICATES = {
    "good": ("ours", RIGHT),
    "other-name": ("ours", "subjectAltName=DNS:update.example\n" + EKU),
    "other-ip": ("ours", "subjectAltName=IP:127.0.0.2\n" + EKU),
    "ip-as-name": ("ours", "subjectAltName=DNS:127.0.0.1\n" + EKU),
    "name-as-ip": ("ours", "subjectAltName=IP:127.0.0.1\n" + EKU),
    "wildcard-all": ("ours", "subjectAltName=DNS:*\n" + EKU),
    "wildcard-part": ("ours", "subjectAltName=DNS:local*\n" + EKU),
    "wildcard-below": ("ours", "subjectAltName=DNS:*.localhost\n" + EKU),
    "nul": ("ours", NUL_SAN + EKU),
    "cn-beside-san": ("ours", "subjectAltName=DNS:update.example\n" + EKU, "ec", "30", "/CN=localhost"),
    "cn-only": ("ours", EKU, "ec", "30", "/CN=127.0.0.1"),
    "cn-only-name": ("ours", EKU, "ec", "30", "/CN=localhost"),
    "expired": ("ours", RIGHT, "ec", "-1"),
    "not-yet": ("ours", RIGHT, "ec", "future"),
    "foreign": ("theirs", RIGHT),
    "self-signed": (None, RIGHT),
    "client-only": ("ours", RIGHT.replace("serverAuth", "clientAuth")),
    "code-signing": ("ours", RIGHT.replace("serverAuth", "codeSigning")),
    "rsa-1024": ("ours", RIGHT, "rsa:1024"),
    "sha-1": ("ours", RIGHT, "ec", "30", "/CN=badnet", "-sha1"),
    "leaf-as-ca": ("good", RIGHT),
    "old-protocol": ("ours", RIGHT),
}


def openssl(*args, cwd):
    done = subprocess.run(("openssl",) + args, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"openssl {' '.join(args)}: {done.stderr}")


def key(name, kind, cwd):
    how = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:" + kind[4:]) if kind.startswith("rsa:") else \
        ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    openssl("genpkey", *how, "-out", f"{name}.key", cwd=cwd)


def authority(name, cwd):
    key(name, "ec", cwd)
    openssl("req", "-x509", "-key", f"{name}.key", "-out", f"{name}.pem", "-days", "30", "-subj", f"/CN={name}", cwd=cwd)
    open(f"{cwd}/{name}.index", "w").close()


def sign(name, issuer, cwd, days, digest):
    if days != "future":
        signer = ("-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial") if issuer else ("-signkey", f"{name}.key")
        openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-out", f"{name}.pem", "-days", days, "-extfile", f"{name}.ext", digest, cwd=cwd)
        return
    with open(f"{cwd}/{name}.cnf", "w") as f:  # only `openssl ca` can say when a certificate begins
        f.write(f"[ca]\ndefault_ca=x\n[x]\ndatabase={issuer}.index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n"
                "[p]\ncommonName=supplied\n")
    openssl("ca", "-batch", "-config", f"{name}.cnf", "-cert", f"{issuer}.pem", "-keyfile", f"{issuer}.key", "-in", f"{name}.csr", "-out",
            f"{name}.pem", "-notext", "-startdate", "20900101000000Z", "-enddate", "20910101000000Z", "-extfile", f"{name}.ext", cwd=cwd)


def certificate(name, issuer, extensions, cwd, kind="ec", days="30", subject="/CN=badnet", digest="-sha256"):
    key(name, kind, cwd)
    openssl("req", "-new", "-key", f"{name}.key", "-out", f"{name}.csr", "-subj", subject, cwd=cwd)
    with open(f"{cwd}/{name}.ext", "w") as f:
        f.write(extensions)
    sign(name, issuer, cwd, days, digest)
    if issuer == "good":  # a server's own certificate posing as an authority: the chain goes along
        with open(f"{cwd}/{name}.pem", "a") as chain, open(f"{cwd}/good.pem") as above:
            chain.write(above.read())


def make(cwd):
    """All certificates below cwd; {name: server context}."""
    for name in ("ours", "theirs"):
        authority(name, cwd)
    for name, (issuer, extensions, *more) in CERTIFICATES.items():
        certificate(name, issuer, extensions, cwd, *more)
    return {name: context(name, cwd) for name in CERTIFICATES}


def context(name, cwd):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.set_ciphers("DEFAULT@SECLEVEL=0")
    c.load_cert_chain(f"{cwd}/{name}.pem", f"{cwd}/{name}.key")
    if name == "old-protocol":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            c.minimum_version, c.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    return c


# ---- handshakes

def hello(conn):
    if not conn.recv(16384):
        raise OSError("no hello")


def answer_hello(data, end=FIN):
    """The client's first words are answered with these bytes."""
    def greet(server, conn):
        hello(conn)
        conn.sendall(data)
        if end == STALL:
            server.stall(conn)
        return end
    return greet


def cut_handshake(count, end=FIN):
    """The server's true first flight, up to a byte (from its end when negative)."""
    def greet(server, conn):
        arrives, leaves = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = server.tls[1].wrap_bio(arrives, leaves, server_side=True)
        arrives.write(conn.recv(16384))
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        conn.sendall(leaves.read()[:count])
        if end == STALL:
            server.stall(conn)
        return end
    return greet


def close_at_once(server, conn):
    return FIN


def reset_at_once(server, conn):
    hello(conn)
    return RST


NOISE = os.urandom(600)
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"
PLAIN_HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
HUGE_RECORD = b"\x16\x03\x03\xff\xff" + b"\x02" * 65535
