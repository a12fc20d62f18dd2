# SPDX-License-Identifier: Apache-2.0
"""A hawkBit-like server that does what it is told: the DDI API, the part of the Management API that scenarios use, and /script,
by which a test asks for what real servers cannot be made to do. 127.0.0.1 only.

usage: server.py READY-FILE [--port N] [--tls CERT KEY CLIENT-CA] [--planted FAULT]
READY-FILE gets a line of JSON once it listens: {"url":, "elsewhere":, "pid":}. elsewhere is another origin that notes what it is
asked, and with which credentials.

/script/faults    POST {"method":, "path": regex, "times":, "status":, "headers":, "body":, "drop": true}: answers for the next
                  requests that fit, instead of the server's own; drop: the connection ends without one, after the server acted.
                  DELETE: no more of them
/script/clock     POST {"ahead_s":}: what windows and time-forced actions go by
/script/rows      POST {"max":}: status rows of an action
/script/requests  GET: all DDI requests so far; DELETE: forget them
/script/elsewhere GET
/script/reports   GET: what was PUT below /reports/"""
import argparse
import hashlib
import http.server
import json
import os
import re
import socket
import ssl
import threading

from ddi import Ddi
from management import Management
from model import Action, Refused, Server


class World:
    """What all connections share."""

    def __init__(self):
        self.lock = threading.Lock()
        self.server = Server()
        self.management = Management(self.server)
        self.url = self.elsewhere_url = ""
        self.faults, self.requests, self.elsewhere, self.reports = [], [], [], []

    def fault_for(self, method, path):
        for fault in self.faults:
            if fault.get("method", method) == method and re.search(fault["path"], path) and fault["times"] > 0:
                fault["times"] -= 1
                return fault
        return None

    def script(self, method, path, body):
        document = json.loads(body) if body else {}
        if (method, path) == ("POST", "/script/faults"):
            self.faults.append({"times": 1, "status": 500, **document})
        elif (method, path) == ("DELETE", "/script/faults"):
            self.faults.clear()
        elif (method, path) == ("POST", "/script/clock"):
            self.server.clock_ahead_s = document["ahead_s"]
        elif (method, path) == ("POST", "/script/rows"):
            self.server.rows_max = document["max"]
        elif (method, path) == ("GET", "/script/requests"):
            return 200, self.requests
        elif (method, path) == ("DELETE", "/script/requests"):
            self.requests.clear()
        elif (method, path) == ("GET", "/script/elsewhere"):
            return 200, self.elsewhere
        elif (method, path) == ("GET", "/script/reports"):
            return 200, self.reports
        else:
            raise Refused(404, path)
        return 200, None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "scripted", ""
    world = None

    def log_message(self, *args):
        pass

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        noted = {"method": self.command, "path": self.path, "status": 0, "headers": dict(self.headers.items()),
                 "certified": self.certified(),
                 "body": body.decode("utf-8", "replace") if "multipart" not in self.headers.get("Content-Type", "") else ""}
        try:
            self.answer(noted, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_PUT = do_POST = do_DELETE = do_GET

    def certified(self):
        """The common name of the client's certificate, which TLS has verified."""
        if not isinstance(self.connection, ssl.SSLSocket):
            return None
        certificate = self.connection.getpeercert() or {}
        names = [v for rdn in certificate.get("subject", ()) for k, v in rdn if k == "commonName"]
        return names[0] if names else None

    def answer(self, noted, body):
        world = self.world
        with world.lock:
            try:
                if self.path.startswith("/script/"):
                    result = world.script(self.command, self.path, body)
                elif self.command == "PUT" and self.path.startswith("/reports/"):
                    world.reports.append(noted)
                    result = 201, None
                elif self.path.startswith("/rest/v1/"):
                    result = world.management.answer(self.command, self.path, body, self.headers.get("Content-Type", ""))
                else:
                    world.requests.append(noted)
                    fault = world.fault_for(self.command, self.path)
                    if fault and not fault.get("drop"):
                        result = fault["status"], fault.get("body"), fault.get("headers", {})
                    else:
                        result = Ddi(world.server, world.url).answer(self.command, self.path, self.headers, body, self.certified())
                    if fault and fault.get("drop"):
                        noted["status"] = "dropped"
                        self.close_connection = True
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
            except Refused as e:
                result = e.status, {"errorCode": "scripted", "message": e.why}, e.headers
            if result[0] == "artifact":
                noted["status"], send = self.ranged(*result[1:])
            elif result[0] == "text":
                noted["status"], send = 200, lambda: self.send(200, {"Content-Type": "text/plain"}, result[1].encode())
            else:
                noted["status"], send = self.document(*result)
        send()

    def send(self, status, headers, content):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 304:
            self.wfile.write(content)

    def document(self, status, document, headers=None):
        """JSON with the tag of Spring's ShallowEtagHeaderFilter, so that the same answer need not be sent twice."""
        content = b"" if document is None else document.encode() if isinstance(document, str) else json.dumps(document, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/hal+json;charset=utf-8", **(headers or {})}
        if self.command == "GET" and status == 200:
            headers["ETag"] = f'"0{hashlib.md5(content).hexdigest()}"'
            if self.headers.get("If-None-Match") == headers["ETag"]:
                status = 304
        return status, lambda: self.send(status, headers, content)

    def ranged(self, name, content):
        """RFC 9110 section 14, one range; If-Range with the strong tag, which is the SHA-1."""
        tag = f'"{hashlib.sha1(content).hexdigest()}"'
        headers = {"Content-Type": "application/octet-stream", "ETag": tag, "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if self.headers.get("If-Match", tag) != tag:
            return 412, lambda: self.send(412, headers, b"")
        if not wanted or self.headers.get("If-Range", tag) != tag:
            return 200, lambda: self.send(200, headers, content)
        first, last = int(wanted[1]), int(wanted[2] or len(content) - 1)
        if first >= len(content):
            return 416, lambda: self.send(416, {**headers, "Content-Range": f"bytes */{len(content)}"}, b"")
        last = min(last, len(content) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return 206, lambda: self.send(206, headers, content[first:last + 1])


class Elsewhere(Handler):
    def answer(self, noted, body):
        self.world.elsewhere.append(noted)
        self.send(200, {"Content-Type": "application/json"}, b'{"config":{"polling":{"sleep":"00:05:00"}}}')


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    tls = None

    def finish_request(self, request, client_address):
        """The handshake belongs to the connection's own thread: a client that is slow in it holds up nobody."""
        if self.tls:
            request.settimeout(60)
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except (ssl.SSLError, OSError):
                return
        self.RequestHandlerClass(request, client_address, self)

    def handle_error(self, request, client_address):
        if os.environ.get("SCRIPTED_VERBOSE"):
            super().handle_error(request, client_address)


def listen(port, handler, world):
    return Listener(("127.0.0.1", port), type(handler.__name__, (handler,), {"world": world}))


def early(server):
    """Counts an action as finished with the first word of it."""
    feedback = server.feedback

    def wrong(target, action_id, *told):
        feedback(target, action_id, *told)
        action = server.action_of(target, action_id)
        if action.active:
            server.finish(action, installed=True)
    server.feedback = wrong


def all_groups(server):
    """Begins all groups of a rollout at once."""
    start = server.start

    def wrong(rollout):
        start(rollout)
        for group in rollout.groups[1:]:
            server.start_group(rollout, group)
    server.start = wrong


# Faults by which the scenarios are tested themselves.
PLANTED = {
    "mark": lambda server: setattr(Action, "mark", lambda self, now_s: 7),
    "cancel": lambda server: setattr(server, "end_canceled", lambda action, why: None),
    "early": early,
    "groups": all_groups,
    "error": lambda server: setattr(server, "closed", lambda action, finished, messages, code: server.finish(action, True)),
}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("ready")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--planted", choices=sorted(PLANTED))
    p.add_argument("--tls", nargs=3, metavar=("CERT", "KEY", "CLIENT-CA"))
    args = p.parse_args()
    world = World()
    if args.planted:
        PLANTED[args.planted](world.server)
    main_listener, elsewhere = listen(args.port, Handler, world), listen(0, Elsewhere, world)
    scheme = "http"
    if args.tls:
        scheme = "https"
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(args.tls[0], args.tls[1])
        tls.load_verify_locations(args.tls[2])
        tls.verify_mode = ssl.CERT_OPTIONAL
        main_listener.tls = elsewhere.tls = tls
    world.url = f"{scheme}://127.0.0.1:{main_listener.server_port}"
    world.elsewhere_url = f"{scheme}://127.0.0.1:{elsewhere.server_port}"
    threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
    with open(args.ready + ".new", "w", encoding="ascii") as f:
        json.dump({"url": world.url, "elsewhere": world.elsewhere_url, "pid": os.getpid()}, f)
    os.rename(args.ready + ".new", args.ready)
    main_listener.serve_forever()


if __name__ == "__main__":
    main()
