# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of the table: each function gives a fault (see server.py)."""
import gzip
import zlib

from server import FIN, RST, Answer, etag_of


def place(at, head, body):
    """Where in head + body a cut lies."""
    return {"0": 0, "1": 1, "head/2": len(head) // 2, "head-2": len(head) - 2, "head": len(head), "body+1": len(head) + 1,
            "body/2": len(head) + len(body) // 2, "body-1": len(head) + len(body) - 1, "end": len(head) + len(body)}[at]


def cut(at, end=FIN):
    """The honest answer up to a place, then an end. A reset waits a little: it would overtake what was sent."""
    def fault(req, answer, server):
        head = answer.head()
        yield (head + answer.body)[:place(at, head, answer.body)]
        if end == RST:
            yield 0.3
        yield end
    return fault


def drip(at):
    """A byte a second from this place on."""
    def fault(req, answer, server):
        data = answer.head() + answer.body
        n = place(at, answer.head(), answer.body)
        yield data[:n]
        for i in range(n, len(data)):
            yield data[i:i + 1]
            yield 1.0
    return fault


def raw(data, end=FIN):
    """Exactly these bytes."""
    def fault(req, answer, server):
        yield data
        yield end
    return fault


def status(code, body=b"", end=None, **fields):
    """Another answer. A field's value may be a function of the server."""
    def fault(req, answer, server):
        made = {k: v(server) if callable(v) else v for k, v in fields.items()}
        if code not in (204, 304):
            made.setdefault("Content_Length", len(body))
        yield Answer(code, body, **made).head()
        yield body
        if end:
            yield end
    return fault


def fields(end=None, **change):
    """The honest answer with other fields: a value, None to leave it out, or a function of (request, answer)."""
    def fault(req, answer, server):
        for k, v in change.items():
            answer.fields[k.replace("_", "-")] = v(req, answer) if callable(v) else v
        yield answer.head()
        yield answer.body
        if end:
            yield end
    return fault


def lines(*more, end=None):
    """The honest answer with further header lines."""
    def fault(req, answer, server):
        yield answer.head()[:-2] + b"".join(line.encode("latin-1") + b"\r\n" for line in more) + b"\r\n"
        yield answer.body
        if end:
            yield end
    return fault


def first_line(text):
    """The honest answer under another status line."""
    def fault(req, answer, server):
        yield text.encode("latin-1") + b"\r\n" + answer.head().split(b"\r\n", 1)[1]
        yield answer.body
        yield FIN
    return fault


def length(value):
    """A Content-Length that lies: a number or text, or a function of the true length."""
    return fields(end=FIN, Content_Length=lambda req, a: value(len(a.body)) if callable(value) else value)


def content_range(form):
    """A 206 whose Content-Range is made from {f}rom, {t}o, {n} = total, and their neighbours."""
    def of(req, answer):
        f = req.range_from
        n = f + len(answer.body)
        return form.format(f=f, t=n - 1, n=n, f1=f + 1, fm=f - 1, t1=n, n1=n + 1, big=2**63)
    return fields(Content_Range=of)


def part_of(first, last):
    """206 with other bytes than were asked for: offsets relative to the range's own ends."""
    def fault(req, answer, server):
        whole = server_file(req, server)
        a, b = req.range_from + first, len(whole) + last
        body = whole[a:b]
        yield Answer(206, body, Content_Length=len(body), Content_Range=f"bytes {a}-{b - 1}/{len(whole)}").head()
        yield body
    return fault


def server_file(req, server):
    with open(server.web + req.path, "rb") as f:
        return f.read()


def whole_file(upto=None):
    """200 with everything, whatever was asked for; perhaps cut."""
    def fault(req, answer, server):
        body = server_file(req, server)
        yield Answer(200, body, Content_Length=len(body), ETag=etag_of(body)).head()
        yield body[:upto]
        if upto is not None:
            yield FIN
    return fault


def other_bytes(code, tag='"other"', **more):
    """A file of the same length with other content, as if it had been replaced on the server."""
    def fault(req, answer, server):
        whole = bytes(b ^ 0x55 for b in server_file(req, server))
        body = whole[req.range_from:] if code == 206 else whole
        if code == 206:
            more["Content_Range"] = f"bytes {req.range_from}-{len(whole) - 1}/{len(whole)}"
        yield Answer(code, body, Content_Length=len(body), ETag=tag, **more).head()
        yield body
    return fault


def multipart(req, answer, server):
    """206 multipart/byteranges: legal only for several ranges."""
    body = b"--x\r\nContent-Range: bytes 0-1/2\r\n\r\n" + answer.body + b"\r\n--x--\r\n"
    yield Answer(206, body, Content_Length=len(body), Content_Type="multipart/byteranges; boundary=x").head()
    yield body


def chunks(make, end=FIN):
    """The body in chunks as make(body) writes them."""
    def fault(req, answer, server):
        answer.fields.pop("Content-Length", None)
        answer.fields["Transfer-Encoding"] = "chunked"
        yield answer.head()
        yield make(answer.body)
        if end:
            yield end
    return fault


def chunk(data, size=None):
    return (size if size is not None else f"{len(data):x}").encode() + b"\r\n" + data + b"\r\n"


def no_length(at="end"):
    """Neither length nor chunks: the body ends with the connection."""
    def fault(req, answer, server):
        answer.fields.pop("Content-Length", None)
        head = answer.head()
        yield (head + answer.body)[:place(at, head, answer.body)]
        yield FIN
    return fault


def longer(count, byte=b"x"):
    """More body than there is, honestly announced: an endless file that begins like the real one."""
    def fault(req, answer, server):
        answer.fields["Content-Length"] = len(answer.body) + count
        yield answer.head()
        yield answer.body
        for _ in range(0, count, 65536):
            yield byte * 65536
        yield FIN
    return fault


def endless(chunked):
    """A body without an announced end, 64 MiB at most."""
    def fault(req, answer, server):
        yield Answer(200, Transfer_Encoding="chunked" if chunked else None).head()
        for _ in range(1024):
            yield chunk(b"x" * 65536) if chunked else b"x" * 65536
        yield FIN
    return fault


def flood(line, count, then=True):
    """So many header lines after the status line; line is a function of their number."""
    def fault(req, answer, server):
        head = answer.head()
        first, rest = head.split(b"\r\n", 1)
        yield first + b"\r\n"
        for i in range(0, count, 100):
            yield b"".join(line(k) + b"\r\n" for k in range(i, min(count, i + 100)))
        yield rest
        yield answer.body
    return fault


def interim(line, count):
    """Interim answers before the real one."""
    def fault(req, answer, server):
        for i in range(0, count, 50):
            yield (line + b"\r\n\r\n") * min(50, count - i)
        yield answer.head()
        yield answer.body
    return fault


def encoded(kind, fill=None):
    """The body under a content coding; fill makes it a bomb of so many zeros."""
    def fault(req, answer, server):
        plain = answer.body if fill is None else b"\0" * fill
        packed = {"gzip": gzip.compress, "deflate": zlib.compress}.get(kind.split(",")[0].strip(), bytes)(plain)
        answer.fields.update({"Content-Encoding": kind, "Content-Length": len(packed)})
        yield answer.head()
        yield packed
    return fault


def after(extra):
    """A whole honest answer and in the same breath bytes that nobody asked for."""
    def fault(req, answer, server):
        yield answer.head() + answer.body + extra
    return fault


def good(req, answer, server):
    yield answer.head()
    yield answer.body


def hops(count):
    """Redirects from one path to the next, then the file."""
    def fault(req, answer, server):
        at = int(req.path.rsplit("?h", 1)[1]) if "?h" in req.path else 0
        path = req.path.split("?")[0]
        if at < count:
            yield Answer(302, Location=f"{path}?h{at + 1}", Content_Length=0).head()
            return
        req.path = path
        body = server_file(req, server)
        yield Answer(200, body, Content_Length=len(body)).head()
        yield body
    return fault


def once(fault_once):
    """Only the first request of the kind is answered badly."""
    def fault(req, answer, server):
        return (fault_once if server.faults == 1 else good)(req, answer, server)
    return fault


def plain_alert(at="body/2"):
    """TLS: an alert that is not encrypted, in the middle of the answer: anybody on the way could have sent it."""
    def fault(req, answer, server):
        head = answer.head()
        yield (head + answer.body)[:place(at, head, answer.body)]
        yield ("bare", b"\x15\x03\x03\x00\x02\x02\x28")
        yield FIN
    return fault

