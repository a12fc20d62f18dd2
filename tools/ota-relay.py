#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP for devices that have only a serial line: ota-relay.py [--damage SEED:LOST:FLIPPED] LINE

LINE is a terminal such as /dev/ttyUSB0 (set its speed with stty), or the path of a Unix socket to make and listen on, for
QEMU's -serial unix:PATH. One device at a time. The other end is ports/mcu/net.c; SPEC.md has the frames. The relay needs
no trust: what it hands on is checked by the device.

--damage loses LOST and flips a bit in FLIPPED of 100,000 bytes, each way, in an order that SEED fixes.
"""
import argparse
import http.client
import os
import random
import socket
import stat
import struct
import sys
import termios
import threading
import time
import tty
import urllib.parse
import zlib

FLAG, ESCAPE, TURN = 0x7E, 0x7D, 0x20
DATA_MAX = 1024
REQUEST_MAX = 65536
AHEAD_MAX = 262144   # bytes of an answer that wait for the device
PATIENCE_S = 0.05    # an answer may come while the device is kept waiting


class Exchange:
    """One request, and the answer as far as it came."""

    def __init__(self, number):
        self.number, self.request, self.begun = number, {}, False
        self.answer, self.dropped, self.end = bytearray(), 0, None
        self.news = threading.Condition()
        self.connection = None

    def begin(self, length):
        whole = b"".join(self.request[at] for at in sorted(self.request))
        if not self.begun and len(whole) == length:
            self.begun = True
            threading.Thread(target=self.run, args=(whole,), daemon=True).start()
        return self.begun

    def run(self, whole):
        end = b"N"
        try:
            head, _, body = whole.partition(b"\n\n")
            first, *fields = head.decode("ascii").split("\n")
            method, url, connect_ms = first.split(" ")
            end = self.talk(method, url, int(connect_ms), dict(f.split(": ", 1) for f in fields if f), body)
        except (OSError, http.client.HTTPException, ValueError) as why:
            print(f"relay: {type(why).__name__}: {why}", file=sys.stderr, flush=True)
        with self.news:
            self.end = self.end or end
            self.news.notify_all()

    def talk(self, method, url, connect_ms, fields, body):
        where = urllib.parse.urlsplit(url)
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        self.connection = kind(where.netloc, timeout=connect_ms / 1000 or 30)
        path = urllib.parse.urlunsplit(("", "", where.path or "/", where.query, ""))
        self.connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in fields.items():
            self.connection.putheader(name, value)
        if method == "PUT":
            self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body if method == "PUT" else None)
        self.connection.sock.settimeout(60)
        came = self.connection.getresponse()
        lines = [f"HTTP/1.1 {came.status} {came.reason}"] + [f"{n}: {v}" for n, v in came.getheaders() if n.lower() != "transfer-encoding"]
        self.put(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        try:
            while self.end is None:
                piece = came.read1(16384)
                if not piece:
                    return b"E" if not came.length else b"T"
                self.put(piece)
        except (OSError, http.client.HTTPException):
            return b"T"
        return b"T"

    def put(self, piece):
        with self.news:
            self.answer += piece
            self.news.notify_all()
            self.news.wait_for(lambda: len(self.answer) < AHEAD_MAX or self.end)

    def give(self, offset):
        """Status and bytes of the answer from an offset on; what lies before it is not asked for again."""
        with self.news:
            if offset < self.dropped:
                return b"N"
            del self.answer[: offset - self.dropped]
            self.dropped = offset
            self.news.notify_all()
            self.news.wait_for(lambda: len(self.answer) >= DATA_MAX or self.end, PATIENCE_S)
            data = bytes(self.answer[:DATA_MAX])
            if not data:
                return self.end or b"W"
            return (b"L" if self.end == b"E" and len(data) == len(self.answer) else b"D") + data

    def close(self):
        with self.news:
            self.end = b"T"
            self.news.notify_all()


class Relay:
    def __init__(self):
        self.exchange, self.base = None, int(time.time()) & 0x7FFF

    def greet(self):
        self.base = self.base % 0x7FFF + 1
        return struct.pack("<Iq", self.base << 16, int(time.time())) + os.urandom(16)

    def answer(self, kind, number, offset, data):
        """(kind, data) to answer a frame with."""
        if kind == b"H":
            return b"h", self.greet()
        if kind in b"PQ" and (self.exchange is None or self.exchange.number != number):
            if offset != 0:
                return b"x", b""
            if self.exchange:
                self.exchange.close()
            self.exchange = Exchange(number)
        if self.exchange is None or self.exchange.number != number:
            return b"x", b""
        if kind in b"PQ" and offset < REQUEST_MAX:
            self.exchange.request[offset] = data
            if kind == b"P" or self.exchange.begin(offset + len(data)):
                return kind.lower(), b""
        if kind == b"R" and self.exchange.begun:
            return b"r", self.exchange.give(offset)
        return b"x", b""


class Damage:
    def __init__(self, text):
        self.seed, self.lost, self.flipped = (int(n) for n in text.split(":"))
        self.dice = random.Random(self.seed)

    def __call__(self, data):
        out = bytearray()
        for byte in data:
            fate = self.dice.randrange(100000)
            if fate < self.lost:
                continue
            out.append(byte ^ 1 << self.dice.randrange(8) if fate < self.lost + self.flipped else byte)
        return bytes(out)


def unescape(raw):
    out, escaped = bytearray(), False
    for byte in raw:
        if byte == ESCAPE and not escaped:
            escaped = True
            continue
        out.append(byte ^ TURN if escaped else byte)
        escaped = False
    return bytes(out)


def frame(kind, number, offset, data):
    content = kind + struct.pack("<II", number, offset) + data
    content += struct.pack("<I", zlib.crc32(content))
    out = bytearray([FLAG])
    for byte in content:
        out += bytes([ESCAPE, byte ^ TURN]) if byte in (FLAG, ESCAPE) else bytes([byte])
    return bytes(out + bytes([FLAG]))


def parse(raw):
    """(kind, number, offset, data) of what lay between two flags, or None."""
    content = unescape(raw)
    if len(content) < 13 or struct.unpack("<I", content[-4:])[0] != zlib.crc32(content[:-4]):
        return None
    number, offset = struct.unpack("<II", content[1:9])
    return content[:1], number, offset, content[9:-4]


def serve(relay, read, write, damage):
    pending = bytearray()
    while True:
        data = read()
        if not data:
            return
        pending += damage(data)
        while (end := pending.find(FLAG)) >= 0:
            raw, pending = pending[:end], pending[end + 1 :]
            asked = parse(raw)
            if asked:
                kind, data = relay.answer(*asked)
                write(damage(frame(kind, asked[1], asked[2], data)))
        if len(pending) > 4 * DATA_MAX:
            pending.clear()


def serve_terminal(relay, path, damage):
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd, termios.TCSANOW)
    serve(relay, lambda: os.read(fd, 4096), lambda data: os.write(fd, data), damage)


def serve_socket(relay, path, damage):
    if os.path.exists(path):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(4)
        print("relay: listening", flush=True)
        while True:
            line, _ = listener.accept()
            try:
                serve(relay, lambda: line.recv(4096), line.sendall, damage)
            except OSError:
                pass  # the device was switched off
            line.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damage", metavar="SEED:LOST:FLIPPED", type=Damage, default=bytes)
    parser.add_argument("line")
    args = parser.parse_args()
    terminal = os.path.exists(args.line) and stat.S_ISCHR(os.stat(args.line).st_mode)
    (serve_terminal if terminal else serve_socket)(Relay(), args.line, args.damage)


if __name__ == "__main__":
    main()
