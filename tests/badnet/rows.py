# SPDX-License-Identifier: Apache-2.0
"""The table: what goes wrong, a row each.

  name    unique, for people
  start   state of the device: factory (nothing known), partial (60 % of the image is there), trial (the new image was just
          started), settled (up to date: the check-in is one conditional request)
  kind    which requests are answered badly
  fault   how (faults.py)
  expect  what the agent calls it: a name of ota_err, or OK when it must cope

Options: slow="connect|head|body": the limit that must end it is set low. resume: the image may cost 1.1 times its size in
all. wait=(low, high): seconds until the next check-in. tls, host, greet: see tls.py. down: nobody listens at first. sent: bytes that the server may get
rid of. lone: nothing may arrive at another origin. asks: header fields that the bad requests must carry.
"""
import time
from email.utils import formatdate

import tls
from faults import *
from server import FIN, RST, STALL, ANY, IMAGE, POINTER, REPORT, ROOT, SNAPSHOT, TARGETS, TIMESTAMP

ROWS = []


def row(name, start, kind, fault, expect, **options):
    ROWS.append(dict(name=name, start=start, kind=kind, fault=fault, expect=expect, **options))


def date(shift):
    return formatdate(time.time() + shift, usegmt=True)


# ---- the connection ends, at every kind of byte, in every kind of request
for start, kind in (("factory", TIMESTAMP), ("factory", TARGETS), ("factory", POINTER), ("factory", IMAGE), ("partial", IMAGE), ("settled", TIMESTAMP)):
    resume = kind == IMAGE
    row(f"{start} {kind}: ends before the answer", start, kind, cut("0"), "RETRY_NETWORK", resume=resume)
    row(f"{start} {kind}: ends after a byte", start, kind, cut("1"), "RETRY_NETWORK", resume=resume)
    row(f"{start} {kind}: ends in the head", start, kind, cut("head/2"), "RETRY_PROTOCOL", resume=resume)
    row(f"{start} {kind}: ends before the empty line", start, kind, cut("head-2"), "RETRY_PROTOCOL", resume=resume)
    if start == "settled":
        continue  # 304: nothing follows the head
    row(f"{start} {kind}: ends after the head", start, kind, cut("head"), "RETRY_TRUNCATED", resume=resume)
    row(f"{start} {kind}: ends after a body byte", start, kind, cut("body+1"), "RETRY_TRUNCATED", resume=resume)
    row(f"{start} {kind}: ends in the body", start, kind, cut("body/2"), "RETRY_TRUNCATED", resume=resume)
    row(f"{start} {kind}: ends before the last byte", start, kind, cut("body-1"), "RETRY_TRUNCATED", resume=resume)
row("root: ends in the body of a newer root", "factory", ROOT, cut("head/2"), "RETRY_PROTOCOL")
row("snapshot: ends in the body", "factory", SNAPSHOT, cut("body/2"), "RETRY_TRUNCATED")

# ---- resets
row("reset before the answer", "factory", TIMESTAMP, cut("0", RST), "RETRY_NETWORK")
row("reset in the head", "factory", TIMESTAMP, cut("head/2", RST), "RETRY_NETWORK")
row("reset in the body", "factory", IMAGE, cut("body/2", RST), "RETRY_TRUNCATED", resume=True)
row("reset in a resumed body", "partial", IMAGE, cut("body/2", RST), "RETRY_TRUNCATED", resume=True)
row("reset of a report", "trial", REPORT, cut("0", RST), "RETRY_NETWORK")
row("every connection is reset", "factory", ANY, cut("0", RST), "RETRY_NETWORK")

row("nobody listens", "factory", ANY, None, "RETRY_NETWORK", down=True)
row("nobody listens to a report", "trial", ANY, None, "RETRY_NETWORK", down=True)

# ---- connections that end between answers: no failure at all
row("closes after every answer without a word", "factory", ANY, cut("end"), "OK")
row("closes after every answer, and says so", "factory", ANY, fields(end=FIN, Connection="close"), "OK")
row("closes after every report without a word", "trial", ANY, cut("end"), "OK")
row("closes after the answer to the check-in", "settled", ANY, cut("end"), "OK")
row("answers of HTTP/1.0", "factory", IMAGE, first_line("HTTP/1.0 200 OK"), "OK")
row("answers of HTTP/2 on a connection of HTTP/1.1", "factory", IMAGE, first_line("HTTP/2 200"), "OK")
row("a keep-alive time of nothing", "factory", ANY, fields(end=FIN, Connection="keep-alive", Keep_Alive="timeout=0, max=0"), "OK")

# ---- stalls and dribbles: the library's own limits end them
row("stall before the head of the timestamp", "factory", TIMESTAMP, cut("0", STALL), "RETRY_TIMEOUT", slow="head")
row("stall before the head of the check-in", "settled", TIMESTAMP, cut("0", STALL), "RETRY_TIMEOUT", slow="head")
row("stall in the head", "factory", IMAGE, cut("head/2", STALL), "RETRY_TIMEOUT", slow="head", resume=True)
row("stall before the empty line", "factory", SNAPSHOT, cut("head-2", STALL), "RETRY_TIMEOUT", slow="head")
row("stall before the body", "factory", POINTER, cut("head", STALL), "RETRY_SLOW", slow="body")
row("stall in the body of metadata", "factory", TARGETS, cut("body/2", STALL), "RETRY_SLOW", slow="body")
row("stall in the image", "factory", IMAGE, cut("body/2", STALL), "RETRY_SLOW", slow="body", resume=True)
row("stall in a resumed image", "partial", IMAGE, cut("body/2", STALL), "RETRY_SLOW", slow="body", resume=True)
row("stall before the last byte", "factory", IMAGE, cut("body-1", STALL), "RETRY_SLOW", slow="body", resume=True)
row("stall before a report's answer", "trial", REPORT, cut("0", STALL), "RETRY_TIMEOUT", slow="head")
row("a byte a second in the head", "factory", TIMESTAMP, drip("0"), "RETRY_TIMEOUT", slow="head")
row("a byte a second in metadata", "factory", SNAPSHOT, drip("body/2"), "RETRY_SLOW", slow="body")
row("a byte a second in the image", "factory", IMAGE, drip("body/2"), "RETRY_SLOW", slow="body", resume=True)
row("a byte a second in a resumed image", "partial", IMAGE, drip("head"), "RETRY_SLOW", slow="body", resume=True)
row("interim answers, then silence", "factory", TIMESTAMP, raw(b"HTTP/1.1 103 -\r\n\r\n" * 3, STALL), "RETRY_TIMEOUT", slow="head")

# ---- redirects
row("redirect to itself for ever", "factory", TIMESTAMP, hops(10**6), "RETRY_REDIRECT")
row("a hundred hops", "factory", IMAGE, hops(100), "RETRY_REDIRECT")
row("three hops are followed", "factory", IMAGE, hops(3), "OK")
row("four hops are one too many", "factory", IMAGE, hops(4), "RETRY_REDIRECT")
row("redirect to another origin is followed", "factory", IMAGE, lambda q, a, s: status(302, Location=s.other + q.path)(q, a, s), "OK")
row("redirect of the check-in to another origin", "settled", TIMESTAMP, lambda q, a, s: status(302, Location=s.other + q.path)(q, a, s), "OK",
    secret=("ota-device", "authorization", "cookie", "referer"))
row("redirect that names the host without a scheme", "factory", IMAGE, status(302, Location=lambda s: f"//127.0.0.1:{s.other_port}/x"), "RETRY_REDIRECT", lone=True)
row("redirect with user and password", "factory", IMAGE, status(302, Location=lambda s: f"http://u:p@127.0.0.1:{s.other_port}/x"), "RETRY_REDIRECT", lone=True)
row("redirect with a user", "factory", IMAGE, status(301, Location=lambda s: f"http://u@127.0.0.1:{s.other_port}/x"), "RETRY_REDIRECT", lone=True)
row("redirect to a file", "factory", IMAGE, status(301, Location="file:///etc/passwd"), "RETRY_REDIRECT")
row("redirect of metadata to a file", "factory", TIMESTAMP, status(302, Location="file:///dev/zero"), "RETRY_REDIRECT")
row("redirect to ftp", "factory", IMAGE, status(302, Location=lambda s: f"ftp://127.0.0.1:{s.other_port}/x"), "RETRY_REDIRECT", lone=True)
row("redirect to gopher", "factory", IMAGE, status(302, Location=lambda s: f"gopher://127.0.0.1:{s.other_port}/_x"), "RETRY_REDIRECT", lone=True)
row("redirect to a scheme of its own", "factory", IMAGE, status(302, Location="javascript:alert(1)"), "RETRY_REDIRECT")
row("redirect to a relative path", "factory", IMAGE, status(302, Location="elsewhere"), "RETRY_REDIRECT")
row("redirect with a fragment", "factory", IMAGE, status(302, Location="/x#y"), "RETRY_REDIRECT")
row("redirect with a backslash", "factory", IMAGE, status(302, Location=lambda s: f"/\\127.0.0.1:{s.other_port}/x"), "RETRY_REDIRECT", lone=True)
row("redirect without a place", "factory", IMAGE, status(302), "RETRY_REDIRECT")
row("redirect to two places", "factory", IMAGE, lines("Location: /a", "Location: /b"), "RETRY_PROTOCOL")
row("redirect to a place of 8 KiB", "factory", IMAGE, status(302, Location="/" + "x" * 8000), "RETRY_REDIRECT")
row("redirect of a report", "trial", REPORT, status(307, Location=lambda s: s.other + "/steal"), "RETRY_REDIRECT", lone=True)
row("redirect to http", "factory", IMAGE, status(302, Location=lambda s: f"http://127.0.0.1:{s.other_port}/x"), "RETRY_REDIRECT", tls="good", lone=True)
row("redirect from http to https", "factory", IMAGE, status(302, Location=lambda s: f"https://127.0.0.1:{s.other_port}/x"), "RETRY_REDIRECT", lone=True)
row("300 with choices", "factory", IMAGE, status(300, b"<a>", Location="/x"), "RETRY_PROTOCOL")
row("305 use a proxy", "factory", IMAGE, status(305, Location=lambda s: s.other), "RETRY_PROTOCOL", lone=True)

# ---- ranges
HAS_TAG = ("range", "if-range")
row("200 to a range", "partial", IMAGE, whole_file(), "OK", asks=HAS_TAG)
row("200 to a range, cut in what is known", "partial", IMAGE, whole_file(20000), "RETRY_TRUNCATED", asks=HAS_TAG)
row("206 of a range one byte later", "partial", IMAGE, content_range("bytes {f1}-{t1}/{n1}"), "RETRY_PROTOCOL")
row("206 of a range one byte earlier", "partial", IMAGE, content_range("bytes {fm}-{t}/{n}"), "RETRY_PROTOCOL")
row("206 from the beginning", "partial", IMAGE, content_range("bytes 0-{t}/{n}"), "RETRY_PROTOCOL")
row("206 of a longer file", "partial", IMAGE, content_range("bytes {f}-{t}/{n1}"), "REJECT_LENGTH")
row("206 of a file of 2^63 bytes", "partial", IMAGE, content_range("bytes {f}-{t}/{big}"), "RETRY_PROTOCOL")
row("206 that ends before it begins", "partial", IMAGE, content_range("bytes {t}-{f}/{n}"), "RETRY_PROTOCOL")
row("206 beyond its own total", "partial", IMAGE, content_range("bytes {f}-{n}/{n}"), "RETRY_PROTOCOL")
row("206 without Content-Range", "partial", IMAGE, fields(Content_Range=None), "RETRY_PROTOCOL")
row("206 with two Content-Ranges", "partial", IMAGE, lambda q, a, s: lines("Content-Range: bytes 0-1/2")(q, a, s), "RETRY_PROTOCOL")
row("206 in other units", "partial", IMAGE, content_range("lines {f}-{t}/{n}"), "RETRY_PROTOCOL")
row("206 with a garbled range", "partial", IMAGE, content_range("bytes={f}-{t}/{n}"), "RETRY_PROTOCOL")
row("206 of an unknown total", "partial", IMAGE, content_range("bytes {f}-{t}/*"), "OK", resume=True)
row("206 of no range", "partial", IMAGE, content_range("bytes */{n}"), "RETRY_PROTOCOL")
row("206 whose length differs from its range", "partial", IMAGE, length(lambda n: n - 1), "RETRY_PROTOCOL")
row("206 of less than was asked for", "partial", IMAGE, part_of(0, -5000), "RETRY_TRUNCATED", resume=True)
row("206 of other bytes", "partial", IMAGE, part_of(-4096, 0), "RETRY_PROTOCOL")
row("206 in parts", "partial", IMAGE, multipart, "RETRY_PROTOCOL")
row("206 to a whole file", "factory", IMAGE, lambda q, a, s: status(206, a.body, Content_Range=f"bytes 0-{len(a.body) - 1}/{len(a.body)}")(q, a, s), "RETRY_PROTOCOL")
row("206 to metadata", "factory", SNAPSHOT, lambda q, a, s: status(206, a.body, Content_Range=f"bytes 0-{len(a.body) - 1}/{len(a.body)}")(q, a, s), "RETRY_PROTOCOL")
row("416 to a resumption", "partial", IMAGE, status(416, Content_Range="bytes */10"), "RETRY_REFUSED")
row("416 once", "partial", IMAGE, once(status(416, Content_Range="bytes */10")), "RETRY_REFUSED", resume=True)
row("the file was replaced: 200", "partial", IMAGE, other_bytes(200), "REJECT_HASH", asks=HAS_TAG)
row("the file was replaced: 206 all the same", "partial", IMAGE, other_bytes(206), "REJECT_HASH", asks=HAS_TAG)
row("the file was replaced from the start", "factory", IMAGE, other_bytes(200), "REJECT_HASH")
row("a weak entity tag", "partial", IMAGE, fields(ETag='W/"weak"'), "OK", resume=True)
row("a weak entity tag from the start", "factory", IMAGE, fields(ETag='W/"x"'), "OK")
row("two entity tags", "factory", IMAGE, lines('ETag: "two"'), "RETRY_PROTOCOL")
row("an entity tag of 4 KiB", "factory", IMAGE, fields(ETag='"' + "e" * 4096 + '"'), "OK")
row("an entity tag with a line break's worth of dirt", "factory", IMAGE, fields(ETag='"a\x01b"'), "RETRY_PROTOCOL")

# ---- 304 and 204
row("304 without asking", "factory", TIMESTAMP, status(304), "RETRY_PROTOCOL")
row("304 to an image", "factory", IMAGE, status(304), "RETRY_PROTOCOL")
row("304 to a pointer", "factory", POINTER, status(304), "RETRY_PROTOCOL")
row("204 to metadata", "factory", TIMESTAMP, status(204), "RETRY_PROTOCOL")
row("204 to an image", "factory", IMAGE, status(204), "RETRY_PROTOCOL")
row("205 to an image", "factory", IMAGE, status(205), "RETRY_PROTOCOL")

# ---- lengths that lie
row("length one too small", "factory", IMAGE, length(lambda n: n - 1), "REJECT_LENGTH")
row("length one too large", "factory", IMAGE, length(lambda n: n + 1), "REJECT_LENGTH")
row("length 0", "factory", IMAGE, length(0), "REJECT_LENGTH")
row("length 0 of metadata", "factory", TIMESTAMP, length(0), "REJECT_SYNTAX")
row("length of metadata one too small", "factory", SNAPSHOT, length(lambda n: n - 1), "REJECT_LENGTH")
row("length of metadata one too large", "factory", SNAPSHOT, length(lambda n: n + 1), "REJECT_LENGTH")
row("length of the pointer one too small", "factory", POINTER, length(lambda n: n - 1), "REJECT_LENGTH")
for power, name in ((2**31 - 1, "2^31-1"), (2**31, "2^31"), (2**31 + 1, "2^31+1"), (2**32 - 1, "2^32-1"), (2**32, "2^32"), (2**32 + 1, "2^32+1")):
    row(f"length {name}", "factory", IMAGE, length(power), "REJECT_LENGTH")
row("length 2^32 + the true one", "factory", IMAGE, length(lambda n: n + 2**32), "REJECT_LENGTH")
row("length 2^63-1", "factory", IMAGE, length(2**63 - 1), "REJECT_LENGTH")
row("length 2^63", "factory", IMAGE, length(2**63), "RETRY_PROTOCOL")
row("length 2^64", "factory", IMAGE, length(2**64), "RETRY_PROTOCOL")
row("length 2^64 + the true one", "factory", IMAGE, length(lambda n: n + 2**64), "RETRY_PROTOCOL")
row("length 2^31 of metadata", "factory", TIMESTAMP, length(2**31), "REJECT_LIMIT")
row("length below zero", "factory", IMAGE, length(-5), "RETRY_PROTOCOL")
row("length -1 of metadata", "factory", TIMESTAMP, length(-1), "RETRY_PROTOCOL")
row("length with a plus", "factory", IMAGE, length(lambda n: f"+{n}"), "RETRY_PROTOCOL")
row("length in hex", "factory", IMAGE, length(lambda n: hex(n)), "RETRY_PROTOCOL")
row("length of nothing", "factory", IMAGE, length(""), "RETRY_PROTOCOL")
row("two lengths that differ", "factory", IMAGE, lines("Content-Length: 5"), "RETRY_PROTOCOL")
row("two lengths in one line", "factory", IMAGE, length(lambda n: f"{n}, {n + 1}"), "RETRY_PROTOCOL")
row("the same length twice", "factory", IMAGE, lambda q, a, s: lines(f"Content-Length: {len(a.body)}")(q, a, s), "OK")
row("a body for ever, with a length", "factory", TIMESTAMP, longer(64 << 20), "REJECT_LIMIT")
row("a body for ever, without a length", "factory", TIMESTAMP, endless(False), "REJECT_LIMIT")
row("a body for ever, in chunks", "factory", SNAPSHOT, endless(True), "REJECT_LENGTH")
row("an image for ever, in chunks", "factory", IMAGE, endless(True), "REJECT_LENGTH")
row("an image for ever, without a length", "factory", IMAGE, endless(False), "REJECT_LENGTH")
row("no length, whole", "factory", IMAGE, no_length(), "OK")
row("no length, cut", "factory", IMAGE, no_length("body/2"), "RETRY_TRUNCATED", resume=True)
row("no length, metadata cut", "factory", SNAPSHOT, no_length("body/2"), "REJECT_LENGTH")
row("bytes after the body", "factory", SNAPSHOT, after(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"), "OK")
row("bytes after a 304", "settled", TIMESTAMP, after(b"{}{}{}"), "OK")

# ---- chunks
row("chunks that are well", "factory", IMAGE, chunks(lambda b: chunk(b[:1000]) + chunk(b[1000:]) + b"0\r\n\r\n", None), "OK")
row("chunks of a byte each", "factory", POINTER, chunks(lambda b: b"".join(chunk(b[i:i + 1]) for i in range(len(b))) + b"0\r\n\r\n", None), "OK")
row("chunk size is no number", "factory", IMAGE, chunks(lambda b: b"zz\r\n" + b), "RETRY_TRUNCATED")
row("chunk size below zero", "factory", IMAGE, chunks(lambda b: b"-5\r\n" + b), "RETRY_TRUNCATED")
row("chunk of 2^63 bytes", "factory", IMAGE, chunks(lambda b: chunk(b, "8000000000000000")), "RETRY_TRUNCATED")
row("chunk of 2^64 bytes", "factory", IMAGE, chunks(lambda b: chunk(b, "10000000000000000")), "RETRY_TRUNCATED")
row("chunk size of 64 digits", "factory", IMAGE, chunks(lambda b: chunk(b, "0" * 60 + "ffff")), "RETRY_TRUNCATED")
row("last chunk missing", "factory", IMAGE, chunks(chunk), "RETRY_TRUNCATED", resume=True)
row("last chunk of metadata missing", "factory", SNAPSHOT, chunks(chunk), "RETRY_TRUNCATED")
row("chunk without its line end", "factory", IMAGE, chunks(lambda b: b"%x\r\n" % 100 + b[:100] + b"XX"), "RETRY_TRUNCATED")
row("chunk extension of 1 MB", "factory", IMAGE, chunks(lambda b: b"5;" + b"x" * 10**6 + b"\r\n" + b[:5]), "RETRY_TRUNCATED", sent=2 << 20)
row("chunk extension that never ends", "factory", IMAGE, lambda q, a, s: iter([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;"] + [b"x" * 9999, 0.1] * 600),
    "RETRY_SLOW", slow="body")
row("trailers without end", "factory", SNAPSHOT, chunks(lambda b: chunk(b) + b"0\r\n" + b"X: y\r\n" * 200000), "RETRY_PROTOCOL")
row("chunks and a length", "factory", IMAGE, lambda q, a, s: iter((a.head()[:-2] + b"Transfer-Encoding: chunked\r\n\r\n", chunk(a.body) + b"0\r\n\r\n", FIN)), "OK")
row("too much in chunks", "factory", IMAGE, chunks(lambda b: chunk(b + b"x") + b"0\r\n\r\n", None), "REJECT_LENGTH")

# ---- heads
row("10 MB of header lines", "factory", TIMESTAMP, flood(lambda i: b"X-%d: " % i + b"y" * 90, 100000), "RETRY_PROTOCOL")
row("100,000 header lines", "factory", IMAGE, flood(lambda i: b"A: b", 100000), "RETRY_PROTOCOL")
row("one header line of 1 MB", "factory", TIMESTAMP, flood(lambda i: b"X: " + b"y" * 10**6, 1), "RETRY_PROTOCOL")
row("a header line that never ends", "factory", TIMESTAMP, lambda q, a, s: iter([b"HTTP/1.1 200 OK\r\nX: "] + [b"y" * 65536] * 200 + [STALL]), "RETRY_PROTOCOL", slow="head")
row("15 KiB of head are taken", "factory", TIMESTAMP, flood(lambda i: b"X-%03d: " % i + b"y" * 92, 150), "OK")
row("17 KiB of head are not", "factory", TIMESTAMP, flood(lambda i: b"X-%03d: " % i + b"y" * 92, 170), "RETRY_PROTOCOL")
row("100 Continue, a thousand times", "factory", TIMESTAMP, interim(b"HTTP/1.1 100 Continue", 1000), "RETRY_PROTOCOL")
row("103 Early Hints, 100,000 times", "factory", IMAGE, interim(b"HTTP/1.1 103 -\r\nLink: </x>", 100000), "RETRY_PROTOCOL")
row("three interim answers are fine", "factory", IMAGE, interim(b"HTTP/1.1 103 -", 3), "OK")
row("101 Switching Protocols", "factory", TIMESTAMP, raw(b"HTTP/1.1 101 -\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), "RETRY_NETWORK")
row("a folded header line", "factory", IMAGE, lines("X-Fold: a", " b"), "RETRY_PROTOCOL")
row("a header line without a colon", "factory", IMAGE, lines("no colon here"), "RETRY_PROTOCOL")
row("a header name with a space", "factory", IMAGE, lines("Content-Length : 5"), "RETRY_PROTOCOL")
row("a NUL in the head", "factory", IMAGE, lines("X: a\0b"), "RETRY_PROTOCOL")
row("a bare CR in the head", "factory", IMAGE, lines("X: a\rContent-Length: 5"), "RETRY_PROTOCOL")
row("a header name of control characters", "factory", IMAGE, lines("\x02\x03: 1"), "RETRY_PROTOCOL")

# ---- status lines, and what is not HTTP
row("HTTP/0.9", "factory", TIMESTAMP, raw(b"<html>hello</html>"), "RETRY_PROTOCOL")
row("HTTP/0.9 that looks like metadata", "factory", TIMESTAMP, lambda q, a, s: iter((a.body, FIN)), "RETRY_PROTOCOL")
row("SSH", "factory", TIMESTAMP, raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "RETRY_PROTOCOL")
row("an HTTP/2 preface", "factory", TIMESTAMP, raw(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64"), "RETRY_PROTOCOL")
row("HTTP/1.1 without a status", "factory", TIMESTAMP, first_line("HTTP/1.1"), "RETRY_PROTOCOL")
row("status 99", "factory", TIMESTAMP, first_line("HTTP/1.1 99 -"), "RETRY_PROTOCOL")
row("status 2000", "factory", TIMESTAMP, first_line("HTTP/1.1 2000 OK"), "RETRY_PROTOCOL")
row("status OK", "factory", TIMESTAMP, first_line("HTTP/1.1 OK"), "RETRY_PROTOCOL")
row("status 600", "factory", TIMESTAMP, first_line("HTTP/1.1 600 -"), "RETRY_PROTOCOL")
row("status 999", "factory", IMAGE, first_line("HTTP/1.1 999 -"), "RETRY_PROTOCOL")
row("HTTP/4.0", "factory", TIMESTAMP, first_line("HTTP/4.0 200 OK"), "RETRY_PROTOCOL")
row("http/1.1 in small letters", "factory", TIMESTAMP, first_line("http/1.1 200 OK"), "RETRY_PROTOCOL")
row("ICY 200 OK", "factory", TIMESTAMP, first_line("ICY 200 OK"), "RETRY_PROTOCOL")
row("binary noise", "factory", TIMESTAMP, raw(tls.NOISE), "RETRY_PROTOCOL")
row("a captive portal", "factory", ANY, status(200, b"<html><body>Welcome! Please log in.</body></html>", Content_Type="text/html"), "REJECT_SYNTAX")
row("a captive portal at the check-in", "settled", ANY, status(200, b"<html>Welcome!</html>", Content_Type="text/html"), "REJECT_SYNTAX")
row("a captive portal instead of the image", "factory", IMAGE, status(200, b"<html>Welcome!</html>", Content_Type="text/html"), "REJECT_LENGTH")
row("a captive portal that redirects", "factory", ANY, status(302, Location=lambda s: s.other + "/login"), "RETRY_NOT_FOUND")
row("511 log in to the network", "factory", ANY, status(511), "RETRY_SERVER")

# ---- statuses
for code, name in ((400, "RETRY_REFUSED"), (401, "RETRY_REFUSED"), (402, "RETRY_REFUSED"), (403, "RETRY_REFUSED"), (404, "RETRY_NOT_FOUND"),
                   (408, "RETRY_REFUSED"), (410, "RETRY_NOT_FOUND"), (421, "RETRY_REFUSED"), (429, "RETRY_BUSY"), (431, "RETRY_REFUSED"),
                   (500, "RETRY_SERVER"), (501, "RETRY_SERVER"), (502, "RETRY_SERVER"), (503, "RETRY_BUSY"), (504, "RETRY_SERVER")):
    row(f"{code} to the image", "factory", IMAGE, status(code, b"<html>"), name)
row("401 that asks for a password", "factory", IMAGE, status(401, WWW_Authenticate='Basic realm="x"'), "RETRY_REFUSED")
row("407 that asks for a proxy's password", "factory", IMAGE, status(407, Proxy_Authenticate='Basic realm="x"'), "RETRY_REFUSED")
row("403 to a newer root is no newer root", "factory", ROOT, status(403), "OK")
row("500 to a newer root", "factory", ROOT, status(500), "RETRY_SERVER")
row("404 to the timestamp", "factory", TIMESTAMP, status(404), "RETRY_NOT_FOUND")
row("404 to the snapshot", "factory", SNAPSHOT, status(404), "RETRY_NOT_FOUND")
row("404 to a pointer", "factory", POINTER, status(404), "RETRY_NOT_FOUND")
row("500 to a resumption", "partial", IMAGE, status(500), "RETRY_SERVER", resume=True)
row("503 to the check-in", "settled", TIMESTAMP, status(503), "RETRY_BUSY")
row("500 to a report", "trial", REPORT, status(500), "RETRY_SERVER")
row("404 to a report", "trial", REPORT, status(404), "RETRY_NOT_FOUND")
row("200 with a page to a report", "trial", REPORT, status(200, b"<html>thanks</html>"), "OK")
row("413 to a report", "trial", REPORT, status(413), "RETRY_REFUSED")
row("an error page of 16 MB", "factory", TIMESTAMP, status(500, b"x" * (16 << 20)), "RETRY_SERVER")
row("an error page that stalls", "factory", TIMESTAMP, lambda q, a, s: iter((b"HTTP/1.1 500 -\r\nContent-Length: 100\r\n\r\n", STALL)), "RETRY_SERVER")

# ---- Retry-After: base 1 s, cap 900 s; behind it the device waits for its own place in 900 s, and up to a tenth of that
PLACE = 900 + 90 + 2
for value, low, high in (("0", 1, 2), ("7", 7, 7 + PLACE), ("600", 600, 600 + PLACE), ("901", 900, 900 + PLACE), ("1000000000", 900, 900 + PLACE),
                         ("99999999999999999999", 900, 900 + PLACE),
                         ("-5", 1, 2), ("garbage", 1, 2), ("1.5", 1, 2), ("5 minutes", 1, 2), ("", 1, 2)):
    row(f"503, Retry-After: {value or 'nothing'}", "factory", TIMESTAMP, status(503, Retry_After=value), "RETRY_BUSY", wait=(low, high))
row("429, Retry-After: 600", "factory", IMAGE, status(429, Retry_After="600"), "RETRY_BUSY", wait=(600, 600 + PLACE))
row("503, Retry-After: a date 300 s ahead", "factory", TIMESTAMP, status(503, Retry_After=lambda s: date(300)), "RETRY_BUSY", wait=(270, 300 + PLACE))
row("503, Retry-After: a date of the past", "factory", TIMESTAMP, status(503, Retry_After="Sun, 06 Nov 1994 08:49:37 GMT"), "RETRY_BUSY", wait=(1, 2))
row("503, Retry-After: a date in 2099", "factory", TIMESTAMP, status(503, Retry_After="Thu, 01 Jan 2099 00:00:00 GMT"), "RETRY_BUSY", wait=(900, 900 + PLACE))
row("503, Retry-After: a date that does not exist", "factory", TIMESTAMP, status(503, Retry_After="Thu, 31 Feb 2099 00:00:00 GMT"), "RETRY_BUSY", wait=(1, 2))
row("503, Retry-After: 100 s after a server's clock of 2006", "factory", TIMESTAMP,
    status(503, Date="Mon, 02 Jan 2006 15:04:05 GMT", Retry_After="Mon, 02 Jan 2006 15:05:45 GMT"), "RETRY_BUSY", wait=(100, 100 + PLACE))
row("503, Retry-After: 100 s after a server's clock of 2046", "factory", TIMESTAMP,
    status(503, Date="Tue, 02 Jan 2046 15:04:05 GMT", Retry_After="Tue, 02 Jan 2046 15:05:45 GMT"), "RETRY_BUSY", wait=(100, 100 + PLACE))
row("500 with Retry-After", "factory", TIMESTAMP, status(500, Retry_After="600"), "RETRY_SERVER", wait=(600, 600 + PLACE))
row("the server's clock is 20 years behind", "factory", ANY, fields(Date="Mon, 02 Jan 2006 15:04:05 GMT"), "OK")
row("the server's clock is 20 years ahead", "factory", ANY, fields(Date="Tue, 02 Jan 2046 15:04:05 GMT"), "OK")

# ---- codings
row("gzip", "factory", TIMESTAMP, encoded("gzip"), "RETRY_PROTOCOL")
row("gzip image", "factory", IMAGE, encoded("gzip"), "RETRY_PROTOCOL")
row("deflate", "factory", IMAGE, encoded("deflate"), "RETRY_PROTOCOL")
row("br", "factory", IMAGE, encoded("br"), "RETRY_PROTOCOL")
row("an unknown coding", "factory", IMAGE, encoded("rot13"), "RETRY_PROTOCOL")
row("identity", "factory", IMAGE, encoded("identity"), "OK")
row("a gzip bomb", "factory", TIMESTAMP, encoded("gzip", 64 << 20), "RETRY_PROTOCOL")
row("a gzip bomb instead of the image", "factory", IMAGE, encoded("gzip", 64 << 20), "RETRY_PROTOCOL")
row("gzip upon gzip", "factory", IMAGE, encoded("gzip, gzip"), "RETRY_PROTOCOL")
row("a hundred codings", "factory", IMAGE, lines(*["Content-Encoding: gzip"] * 100), "RETRY_PROTOCOL")
row("a thousand codings in one line", "factory", IMAGE, encoded(", ".join(["gzip"] * 1000)), "RETRY_PROTOCOL")
row("transfer coding gzip", "factory", IMAGE, lines("Transfer-Encoding: gzip, chunked"), "RETRY_PROTOCOL")
row("a hundred transfer codings", "factory", IMAGE, lines(*["Transfer-Encoding: gzip"] * 100), "RETRY_PROTOCOL")
row("an unknown transfer coding", "factory", IMAGE, lines("Transfer-Encoding: rot13"), "RETRY_PROTOCOL")

# ---- TLS: who is believed
for name, what in (("other-name", "another name"), ("other-ip", "another address"), ("expired", "expired"), ("not-yet", "not yet valid"),
                   ("foreign", "another authority"), ("self-signed", "self-signed"), ("client-only", "a client's certificate"),
                   ("code-signing", "a certificate for signing code"), ("rsa-1024", "RSA-1024"), ("sha-1", "signed with SHA-1"),
                   ("leaf-as-ca", "a server poses as an authority"), ("old-protocol", "TLS 1.0 and 1.1 only")):
    row(f"TLS: {what}", "factory", ANY, None, "RETRY_TLS", tls=name, sent=0)
for name, what in (("wildcard-all", "a wildcard for everything"), ("wildcard-part", "a wildcard for a part of the name"),
                   ("wildcard-below", "a wildcard for what is below"), ("nul", "a name with a NUL"), ("name-as-ip", "an address where a name was asked for")):
    if name != "name-as-ip":
        row(f"TLS: {what}", "factory", ANY, None, "RETRY_TLS", tls=name, host="localhost", sent=0)
row("TLS: the right name only as CN, beside another", "factory", ANY, None, "RETRY_TLS", tls="cn-beside-san", host="localhost", sent=0)
# libcurl falls back to the CN of a certificate that has no subjectAltName at all. It is still one of our authority.
row("TLS: the right address as CN, and no subjectAltName", "factory", ANY, None, "OK", tls="cn-only")
row("TLS: the right name as CN, and no subjectAltName", "factory", ANY, None, "OK", tls="cn-only-name", host="localhost")
row("TLS: a wrong name as CN, and no subjectAltName", "factory", ANY, None, "RETRY_TLS", tls="cn-only", host="localhost", sent=0)
row("TLS: the address written as a name", "factory", ANY, None, "RETRY_TLS", tls="ip-as-name", sent=0)
row("TLS: another authority, resuming", "partial", ANY, None, "RETRY_TLS", tls="foreign", sent=0)
row("TLS: another authority, reporting", "trial", ANY, None, "RETRY_TLS", tls="foreign", sent=0)

# ---- TLS: handshakes and connections
row("TLS: closed at once", "factory", ANY, None, "RETRY_TLS", tls="good", greet=tls.close_at_once)
row("TLS: reset at the hello", "factory", ANY, None, "RETRY_TLS", tls="good", greet=tls.reset_at_once)
row("TLS: silence after the hello", "factory", ANY, None, "RETRY_NETWORK", tls="good", greet=tls.answer_hello(b"", STALL), slow="connect")
row("TLS: half a handshake, then silence", "factory", ANY, None, "RETRY_NETWORK", tls="good", greet=tls.cut_handshake(200, STALL), slow="connect")
for n in (1, 5, 60, 130, 400, -1):
    row(f"TLS: handshake cut at byte {n}", "factory", ANY, None, "RETRY_TLS", tls="good", greet=tls.cut_handshake(n))
row("TLS: noise", "factory", ANY, None, "RETRY_TLS", tls="good", greet=tls.answer_hello(tls.NOISE))
row("TLS: an alert", "factory", ANY, None, "RETRY_TLS", tls="good", greet=tls.answer_hello(tls.ALERT))
row("TLS: plain HTTP", "factory", ANY, None, "RETRY_TLS", tls="good", greet=tls.answer_hello(tls.PLAIN_HTTP))
row("TLS: a record of 64 KiB", "factory", ANY, None, "RETRY_TLS", tls="good", greet=tls.answer_hello(tls.HUGE_RECORD))
row("TLS: an alert in the body", "factory", IMAGE, plain_alert(), "RETRY_TRUNCATED", tls="good", resume=True)
row("TLS: an alert before the head", "factory", TIMESTAMP, plain_alert("0"), "RETRY_NETWORK", tls="good")
row("TLS: ends without a goodbye in the body", "factory", IMAGE, cut("body/2"), "RETRY_TRUNCATED", tls="good", resume=True)
row("TLS: ends without a goodbye after the body", "factory", SNAPSHOT, cut("end"), "OK", tls="good")
row("TLS: ends without a goodbye, and that is all that says so", "factory", SNAPSHOT, no_length("body/2"), "REJECT_LENGTH", tls="good")
row("TLS: the image ends without a goodbye, and that is all that says so", "factory", IMAGE, no_length("body/2"), "RETRY_TRUNCATED", tls="good", resume=True)
row("TLS: stall in the body", "factory", IMAGE, cut("body/2", STALL), "RETRY_SLOW", tls="good", slow="body", resume=True)
row("TLS: well", "factory", ANY, None, "OK", tls="good")
row("plain HTTP: well", "factory", ANY, None, "OK")
