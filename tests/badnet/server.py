# SPDX-License-Identifier: Apache-2.0
"""A web server on loopback that serves a directory well, and one kind of request badly, as one row of the table says.

A fault is a function of (request, honest answer, server) that gives steps: bytes to send, a number of seconds to wait,
or an end: FIN, RST, STALL (until the client goes away). Without an end the connection serves the next request.
"""
import hashlib
import os
import select
import socket
import ssl
import struct
import threading
import time

FIN, RST, STALL = "fin", "rst", "stall"
HEAD_MAX = 65536
SEND_BUFFER = 16384  # small: what was sent is about what the client took

ROOT, TIMESTAMP, SNAPSHOT, TARGETS, POINTER, IMAGE, REPORT, ANY = "root timestamp snapshot targets pointer image report any".split()


def kind_of(method, path):
    name = path.split("?")[0].rsplit("/", 1)[-1]
    if method == "PUT":
        return REPORT
    for kind, end in ((ROOT, ".root.json"), (TIMESTAMP, "timestamp.json"), (SNAPSHOT, ".snapshot.json"), (POINTER, ".deploy.json")):
        if name.endswith(end):
            return kind
    return TARGETS if "/metadata/" in path else IMAGE


class Request:
    def __init__(self, head, origin):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = lines[0].split(" ", 2)
        self.fields = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
        self.kind = kind_of(self.method, self.path)
        self.origin = origin  # 0: the server that the device knows; 1: another one
        self.range_from = int(self.fields["range"][len("bytes="):-1]) if "range" in self.fields else 0
        self.body = b""


class Answer:
    def __init__(self, status, body=b"", **fields):
        self.status, self.body = status, body
        self.fields = {k.replace("_", "-"): v for k, v in fields.items()}

    def lines(self):
        return [f"HTTP/1.1 {self.status} -"] + [f"{k}: {v}" for k, v in self.fields.items() if v is not None]

    def head(self):
        return ("\r\n".join(self.lines()) + "\r\n\r\n").encode("latin-1")


def etag_of(body):
    return '"' + hashlib.sha256(body).hexdigest()[:16] + '"'


def honest(req, web):
    """What a good server answers."""
    if req.method == "PUT":
        return Answer(204)
    try:
        with open(web + req.path, "rb") as f:
            body = f.read()
    except OSError:
        return Answer(404, Content_Length=0)
    tag = etag_of(body)
    if req.fields.get("if-none-match") == tag:
        return Answer(304, ETag=tag)
    if req.range_from and req.fields.get("if-range", tag) == tag:
        if req.range_from >= len(body):
            return Answer(416, Content_Length=0, Content_Range=f"bytes */{len(body)}")
        part = body[req.range_from:]
        return Answer(206, part, Content_Length=len(part), ETag=tag,
                      Content_Range=f"bytes {req.range_from}-{len(body) - 1}/{len(body)}")
    return Answer(200, body, Content_Length=len(body), ETag=tag)


class Gone(Exception):
    """The client went away, or the row is over."""


class Server:
    """fault is used for requests of `kind` until `well` is set. With tls, (bad, good) contexts; greet(server, socket) may
    spoil the handshake itself."""

    def __init__(self, web, kind, fault, tls=None, greet=None, down=False):
        self.web, self.kind, self.fault, self.tls, self.greet, self.down = web, kind, fault, tls, greet, down
        self.well, self.over = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.sent = self.image_sent = 0
        self.requests, self.reports, self.faults = [], [], 0
        self.listeners = [socket.socket() for _ in range(2)]
        for s in self.listeners:
            s.bind(("127.0.0.1", 0))
            if not down:
                s.listen(16)
        self.port, self.other_port = (s.getsockname()[1] for s in self.listeners)
        self.scheme = "https" if tls else "http"
        self.url, self.other = (f"{self.scheme}://127.0.0.1:{p}" for p in (self.port, self.other_port))
        self.threads = []
        for origin in range(2):
            self.spawn(self.accept, origin)

    def spawn(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def stop(self):
        self.over.set()
        self.well.set()
        for s in self.listeners:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # never listened
            s.close()

    def get_well(self):
        if self.down:
            for s in self.listeners:
                s.listen(16)
        self.well.set()

    def accept(self, origin):
        if self.down:
            self.well.wait()
        while not self.over.is_set():
            try:
                conn, _ = self.listeners[origin].accept()
            except OSError:
                return
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.spawn(self.serve, conn, origin)

    def serve(self, conn, origin):
        end = FIN
        try:
            conn.settimeout(60)
            if self.greet and not self.well.is_set():
                end = self.greet(self, conn) or FIN
                raise Gone
            if self.tls:
                conn = self.tls[1 if self.well.is_set() else 0].wrap_socket(conn, server_side=True, suppress_ragged_eofs=True)
            while end == FIN:
                end = self.exchange(conn, origin) or FIN
        except (Gone, OSError, ssl.SSLError, ValueError):
            pass
        self.hang_up(conn, end)

    def hang_up(self, conn, end):
        try:
            if end == RST:
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.close()
        except OSError:
            pass

    def exchange(self, conn, origin):
        req = self.read_request(conn, origin)
        answer = honest(req, self.web)
        with self.lock:
            self.requests.append(req)
            bad = self.fault and not self.well.is_set() and origin == 0 and self.kind in (req.kind, ANY)
            self.faults += bool(bad)
        if req.kind == REPORT:
            self.reports.append((req.path, req.body))
        for step in self.fault(req, answer, self) if bad else (answer.head(), answer.body):
            if step == STALL:
                self.stall(conn)
            if step in (FIN, RST):
                if step == RST:
                    return RST
                raise Gone
            if isinstance(step, tuple):
                os.write(conn.fileno(), step[1])  # past TLS
            elif isinstance(step, (int, float)):
                self.wait(conn, step)
            elif step:
                self.send(conn, step, req)
        return None

    def read_request(self, conn, origin):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = conn.recv(4096)
            if not piece or len(data) > HEAD_MAX:
                raise Gone
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        req = Request(head, origin)
        want = int(req.fields.get("content-length", 0))
        while len(rest) < want:
            piece = conn.recv(4096)
            if not piece:
                raise Gone
            rest += piece
        req.body = rest
        return req

    def send(self, conn, data, req):
        view = memoryview(data)
        while view:
            n = conn.send(view[:SEND_BUFFER])
            with self.lock:
                self.sent += n
                self.image_sent += n if req.kind == IMAGE else 0
            view = view[n:]

    def gone(self, conn):
        """Did the client hang up?"""
        try:
            ready = select.select([conn], [], [], 0.05)[0]
            return bool(ready) and not os.read(conn.fileno(), 4096)
        except (OSError, ValueError):
            return True

    def stall(self, conn):
        while not self.gone(conn) and not self.over.is_set():
            pass
        raise Gone

    def wait(self, conn, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.over.is_set() or self.gone(conn):
                raise Gone
