# SPDX-License-Identifier: Apache-2.0
"""Devices with client certificates, at a server that is its own TLS proxy. Keys and certificates are made on the spot."""
import json
import subprocess

from device import RETRY, must


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        folder.mkdir(exist_ok=True)
        self.ca = folder / f"{name}.pem"
        self.openssl("req", "-x509", *self.key(name), "-out", self.ca, "-subj", f"/CN={name}", "-days", "2",
                     "-addext", "basicConstraints=critical,CA:TRUE")

    def openssl(self, *args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)

    def key(self, name):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / f"{name}.key"

    def issue(self, name, file=None):
        """(certificate, key)"""
        stem = f"{self.name}.{file or name}"
        request, certificate, extra = (self.folder / f"{stem}.{e}" for e in ("csr", "pem", "ext"))
        extra.write_text("subjectAltName=IP:127.0.0.1\n")
        self.openssl("req", *self.key(stem), "-out", request, "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / f"{self.name}.key", "-CAcreateserial",
                     "-days", "2", "-out", certificate, "-extfile", extra)
        return certificate, self.folder / f"{stem}.key"


def device(s, name, pair=None, ca=None, **hawkbit):
    net = {"ca_file": str((ca or s.authority).ca)}
    if pair:
        net.update(client_cert=str(pair[0]), client_key=str(pair[1]))
    d = s.device(name, registered=False, hawkbit=hawkbit, net=net, plain_http=False)
    return d


def trust_certificates(s, on=True):
    s.operator.configure("authentication.header.enabled", on)
    s.operator.configure("authentication.header.authority", "tls")


def own_certificate(s):
    """Registered, updated and heard by nothing but its certificate."""
    trust_certificates(s)
    d = device(s, "cert", s.authority.issue("cert"))
    d.check()
    must(s.operator.target_status("cert") == "registered", "not registered")
    must("Authorization" not in s.operator.requests("cert")[0]["headers"], "a token was shown")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "cert")
    d.update(version)
    s.went_well(d, action, version)


def other_certificates(s):
    """None, another device's, one that another authority signed; and a server that another authority signed."""
    trust_certificates(s)
    before = len(s.operator.requests("c-"))
    for name, pair in (("c-none", None), ("c-other", s.authority.issue("somebody"))):
        must("hawkbit" in device(s, name, pair).check(RETRY), f"{name}: not named")
        must([r["status"] for r in s.operator.requests(name)] == [401], f"{name}: {s.operator.requests(name)}")
    stranger = s.stranger.issue("c-stranger")
    for name, pair, ca in (("c-stranger", stranger, None), ("c-server", s.authority.issue("c-server"), s.stranger)):
        said = device(s, name, pair, ca).check(RETRY)
        must("RETRY_TLS" in said or "RETRY_NETWORK" in said or "TLS" in said, f"{name}: {said}")
        must(not s.operator.requests(name), f"{name}: was answered")
    must(len(s.operator.requests("c-")) == before + 2, "another request")


def certificate_stays(s):
    """A redirect to another origin arrives there without the certificate."""
    trust_certificates(s)
    d = device(s, "elsewhere", s.authority.issue("elsewhere"))
    s.operator.fault("/elsewhere$", status=307, headers={"Location": s.elsewhere + "/DEFAULT/controller/v1/elsewhere"})
    d.check(0, RETRY)
    heard = [r for r in s.operator.script("GET", "elsewhere") if r["path"].endswith("/elsewhere")]
    must(len(heard) == 1 and heard[0]["certified"] is None, f"shown elsewhere: {heard}")
    must(s.operator.requests("elsewhere")[0]["certified"] == "elsewhere", "not shown at home")


def gateway_over_tls(s):
    trust_certificates(s, False)
    s.operator.configure("authentication.gatewaytoken.enabled", True)
    s.operator.configure("authentication.gatewaytoken.key", "gw-over-tls")
    d = device(s, "gw-tls")
    d.secret("gateway", "gw-over-tls")
    d.config["hawkbit"]["gateway_token_file"] = str(d.home / "gateway")
    d.configure()
    d.check()
    must(s.operator.target_status("gw-tls") == "registered", "not registered")
    must("gw-over-tls" not in json.dumps([r for r in s.operator.script("GET", "elsewhere")]), "shown elsewhere")
    dist_set, version = s.release()
    action = s.operator.assign(dist_set, "gw-tls")
    d.update(version)
    s.went_well(d, action, version)


ALL = (own_certificate, other_certificates, certificate_stays, gateway_over_tls)
