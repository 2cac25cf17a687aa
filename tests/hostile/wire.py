"""Bytes that no client should send, or that few servers take well, and what must come of them."""

from __future__ import annotations

import json
from typing import NamedTuple

from tests.http import USER

KEY = "sk-one"
MIB = 2**20
CHAT = {"model": "scripted", "messages": [USER]}
BODY = json.dumps(CHAT).encode()
GET = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
# Offered by Java's HttpClient and by curl --http2, with every request.
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA\r\n"
WEBSOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Row(NamedTuple):
    """What is sent on a connection, and the statuses of all responses to it.

    Attributes:
        open: whether the connection can be used for a further request.
        later: the statuses if the server sees the end of the head before it sees what follows.
    """

    name: str
    sent: bytes
    statuses: tuple[int, ...]
    open: bool = False
    later: tuple[int, ...] = ()


def head(
    *headers: bytes,
    method: bytes = b"POST",
    target: bytes = b"/v1/chat/completions",
    version: bytes = b"1.1",
    key: bool = True,
) -> bytes:
    """A head. `headers` are whole lines."""
    authorization = b"Authorization: Bearer %s\r\n" % KEY.encode() if key else b""
    return b"%s %s HTTP/%s\r\nHost: a\r\n%s%s\r\n" % (method, target, version, authorization, b"".join(headers))


def post(body: bytes = BODY, *headers: bytes, key: bool = True, version: bytes = b"1.1") -> bytes:
    return head(b"Content-Length: %d\r\n" % len(body), *headers, key=key, version=version) + body


def chunked(*chunks: bytes, trailers: bytes = b"", key: bool = True, headers: bytes = b"") -> bytes:
    """`chunks` are as they are sent, sizes and all."""
    return head(b"Transfer-Encoding: chunked\r\n", headers, key=key) + b"".join(chunks) + b"0\r\n" + trailers + b"\r\n"


def chunk(content: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(content), extension, content)


def get(*headers: bytes, target: bytes = b"/health", method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    return head(*headers, method=method, target=target, version=version, key=False)


def saying(text: bytes) -> bytes:
    """A body with this text, as it is."""
    return b'{"model": "scripted", "messages": [{"role": "user", "content": "%s"}]}' % text


def nested(depth: int) -> bytes:
    schema = b'{"enum": %s}' % (b"[" * depth + b"]" * depth)
    form = b'{"type": "json_schema", "json_schema": {"name": "a", "schema": %s}}' % schema
    return BODY[:-1] + b', "response_format": %s}' % form


HEADS = [
    Row("a request", post(), (200,), open=True),
    Row("empty lines before a request", b"\r\n\r\n" + GET, (200,), open=True),
    Row("a request line of 64 KiB", get(target=b"/" + b"a" * 2**16), (431,)),
    Row("a request line of 1 MiB", get(target=b"/" + b"a" * MIB), (431,)),
    Row("a query of 60 KB", get(target=b"/health?" + b"a" * 60_000), (200,), open=True),
    Row("a header of 1 MiB", get(b"A: " + b"a" * MIB + b"\r\n"), (431,)),
    Row("a header name of 1 MiB", get(b"a" * MIB + b": a\r\n"), (431,)),
    Row("200 headers", get(*[b"A: b\r\n"] * 200), (200,), open=True),
    Row("300 headers", get(*[b"A: b\r\n"] * 300), (431,)),
    Row("10,000 headers", get(*[b"A%d: b\r\n" % n for n in range(10_000)]), (431,)),
    Row("10,000 cookies and no end", get(*[b"Cookie: a=b\r\n"] * 10_000)[:-2], (431,)),
    Row("1 MiB of empty lines", b"\r\n" * (MIB // 2), (431,)),
    Row("a header with a space before its colon", get(b"A : b\r\n"), (400,)),
    Row("a header without a name", get(b": b\r\n"), (400,)),
    Row("a header without a colon", get(b"A\r\n"), (400,)),
    Row("a header name with parentheses", get(b"A(b): c\r\n"), (400,)),
    Row("a header name that is not ASCII", get(b"\xc3\xa9: c\r\n"), (400,)),
    Row("a header value that is not ASCII", get(b"A: \xc3\xa9\xff\r\n"), (200,), open=True),
    Row("a header with NUL", get(b"A: b\0c\r\n"), (400,)),
    Row("a header with a bare CR", get(b"A: b\rc\r\n"), (400,)),
    Row("a header with a bare LF", get(b"A: b\nB: c\r\n"), (400,)),
    Row("a folded header", get(b"A: b\r\n c\r\n"), (400,)),
    Row("lines that end in LF", GET.replace(b"\r\n", b"\n"), (400,)),
    Row("HTTP/0.9", b"GET /health\r\n\r\n", (400,)),
    Row("HTTP/1.0", get(version=b"1.0"), (200,)),
    Row("HTTP/1.0 that stays open", get(b"Connection: keep-alive\r\n", version=b"1.0"), (200,)),
    Row("HTTP/1.2", get(version=b"1.2"), (400,)),
    Row("HTTP/2.0", get(version=b"2.0"), (400,)),
    Row("HTTP/2 without an offer", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0", (400,)),
    Row("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x7f" * 500, (400,)),
    Row("a method that HTTP has not", get(method=b"BREW"), (400,)),
    Row("a method in lower case", get(method=b"get"), (400,)),
    Row("a method that the path has not", get(method=b"PROPFIND"), (405,), open=True),
    Row("TRACE", get(method=b"TRACE"), (405,), open=True),
    Row("CONNECT", get(method=b"CONNECT", target=b"a:443"), (400,)),
    Row("CONNECT with a path", get(method=b"CONNECT"), (400,)),
    Row("a URL as target", get(target=b"http://other.example/health"), (200,), open=True),
    Row("a URL without a path", get(target=b"http://other.example"), (400,)),
    Row("an asterisk", get(method=b"OPTIONS", target=b"*"), (404,), open=True),
    Row("a target that is not ASCII", get(target=b"/\xc3\xa9"), (400,)),
    Row("a path with encoded bytes", get(target=b"/%ff%00%2e%2e/%zz"), (404,), open=True),
    Row("a path that climbs", get(target=b"/v1/../../etc/passwd"), (401,), open=True),
    Row("a path with two slashes", get(target=b"//health"), (404,), open=True),
    Row("1,000 requests at once", GET * 1000, (200,) * 1000, open=True),
    Row("what is no HTTP after a request", GET + b"\0" * 100, (200, 400)),
]

BODIES = [
    Row("a chunked body", chunked(chunk(BODY)), (200,), open=True),
    Row("a chunk for each byte", chunked(*[chunk(bytes([byte])) for byte in BODY]), (200,), open=True),
    Row("trailers", chunked(chunk(BODY), trailers=b"A: b\r\n" * 100), (200,), open=True),
    Row("1 MiB of trailers", chunked(chunk(BODY), trailers=b"A: b\r\n" * (MIB // 6)), (431,)),
    Row("a trailer of 1 MiB", chunked(chunk(BODY), trailers=b"A: " + b"b" * MIB + b"\r\n"), (431,)),
    Row(
        "10 MiB of trailers, no key", chunked(trailers=b"A: bc\r\n" * (10 * MIB // 8), key=False), (431,), later=(401,)
    ),
    Row("a trailer of 10 MiB, no key", chunked(trailers=b"A: " + b"b" * 10 * MIB, key=False), (431,), later=(401,)),
    Row("a trailer that is no header", chunked(chunk(BODY), trailers=b"trailer\r\n"), (400,)),
    Row("extensions", chunked(chunk(BODY, b';a=b;c="d e"')), (200,), open=True),
    Row("an extension of 1 MiB", chunked(chunk(BODY, b";" + b"a" * MIB)), (431,)),
    Row("1 MiB of extensions", chunked(*[chunk(b" ", b";" + b"a" * 1000)] * 1000, chunk(BODY)), (431,)),
    Row("an extension with LF", chunked(chunk(BODY, b";a\n")), (400,)),
    Row("a size of 1,000 digits", chunked(b"0" * 1000 + chunk(BODY)), (400,)),
    Row("a size of 16 digits", chunked(b"f" * 16 + b"\r\n" + b" " * 10 * MIB), (413,)),
    Row("a size with a sign", chunked(b"+" + chunk(BODY)), (400,)),
    Row("a size with 0x", chunked(b"0x" + chunk(BODY)), (400,)),
    Row("a chunk longer than its size", chunked(b"1\r\n" + BODY + b"\r\n"), (400,)),
    Row("chunks with LF", chunked(chunk(BODY).replace(b"\r\n", b"\n")), (400,)),
    Row("chunks in HTTP/1.0", chunked(chunk(BODY)).replace(b"HTTP/1.1", b"HTTP/1.0"), (400,)),
    Row("two lengths", post(BODY, b"Content-Length: 5\r\n"), (400,)),
    Row("the same length twice", post(BODY, b"Content-Length: %d\r\n" % len(BODY)), (400,)),
    Row("a length and chunks", post(chunk(BODY) + b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\n"), (400,)),
    Row("chunks and a length", chunked(chunk(BODY), headers=b"Content-Length: 5\r\n"), (400,)),
    Row("chunked twice", chunked(chunk(BODY), headers=b"Transfer-Encoding: chunked\r\n"), (400,)),
    *[
        Row(f"the coding {coding}", head(b"Transfer-Encoding: %s\r\n" % coding.encode()) + chunk(BODY), (400,))
        for coding in ("gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked", "chunked;a=b", "\vchunked")
    ],
    *[
        Row(f"a length of {length!r}", head(b"Content-Length: %s\r\n" % length.encode()) + BODY, (400,))
        for length in ("", "-1", "+5", "5, 5", "0x5", "5 5", "five", "1" * 30, str(2**64 - 1))
    ],
    Row("a request in the body of another", get(b"Content-Length: %d\r\n" % len(GET)) + GET, (200,), open=True),
    Row(
        "a request in a body of which half is announced",
        get(b"Content-Length: 5\r\n") + b"hello" + GET,
        (200, 200),
        open=True,
    ),
    Row("a body of 9 MiB", post(b" " * 9 * MIB), (413,)),
    Row("a body of 9 MiB in chunks", chunked(*[chunk(b" " * 2**16)] * 144), (413,)),
    Row("a body of 9 MiB without a key", post(b" " * 9 * MIB, key=False), (401,)),
    Row("a body of 9 MiB to a path without one", get(b"Content-Length: %d\r\n" % (9 * MIB)) + b" " * 9 * MIB, (200,)),
    Row("a body that is not announced", head() + BODY, (400, 400)),
    Row("a body that waits to be asked for", post(BODY, b"Expect: 100-continue\r\n"), (100, 200), open=True),
    Row("the same without a key", head(b"Content-Length: 9\r\n", b"Expect: 100-continue\r\n", key=False), (401,)),
    Row("the same, but too large", head(b"Content-Length: 99999999\r\n", b"Expect: 100-continue\r\n"), (413,)),
]

OFFERS = [
    Row("h2c", post(BODY, H2C), (200,), open=True),
    Row("h2c and chunks", chunked(chunk(BODY), headers=H2C), (200,), open=True),
    Row("h2c without a body", get(H2C), (200,), open=True),
    Row("h2c twice", post(BODY, H2C) * 2, (200, 200), open=True),
    Row("h2c without a key", post(BODY, H2C, key=False), (401,), open=True),
    Row("h2c and the connection closes", post(BODY, H2C, b"Connection: close\r\n"), (200,)),
    Row("a web socket", get(WEBSOCKET, target=b"/v1/realtime"), (401,), open=True),
    Row("a web socket, with a key", head(WEBSOCKET, method=b"GET", target=b"/v1/realtime"), (404,), open=True),
    Row("a web socket where others post", head(WEBSOCKET, method=b"GET"), (405,), open=True),
    Row("a web socket on an unknown path", get(WEBSOCKET, target=b"/socket"), (404,), open=True),
    Row("TLS by upgrade", get(b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"), (200,), open=True),
]

TEXTS = [
    Row("a surrogate in UTF-8", post(saying(b"\xed\xa0\x80")), (400,), open=True),
    Row("a surrogate pair in UTF-8", post(saying(b"\xed\xa0\xbd\xed\xb8\x80")), (400,), open=True),
    Row("bytes that are not UTF-8", post(saying(b"\xff\xfe")), (400,), open=True),
    Row("an overlong slash", post(saying(b"\xc0\xaf")), (400,), open=True),
    Row("half a character", post(saying(b"\xe2\x82")), (400,), open=True),
    Row("UTF-16", post(BODY.decode().encode("utf-16")), (400,), open=True),
    Row("UTF-32", post(BODY.decode().encode("utf-32-le")), (400,), open=True),
    Row("a byte order mark", post(b"\xef\xbb\xbf" + BODY), (200,), open=True),
    Row("two byte order marks", post(b"\xef\xbb\xbf" * 2 + BODY), (400,), open=True),
    Row("NUL in a text", post(saying(b"\0")), (400,), open=True),
    Row("NUL after the body", post(BODY + b"\0"), (400,), open=True),
    Row("nothing but NUL", post(b"\0" * 1000), (400,), open=True),
    Row("an empty body", post(b""), (400,), open=True),
    *[Row(f"{n} nested lists", post(nested(n)), (400,), open=True) for n in (200, 500, 900, 5000, 100_000)],
]

ROWS = [*HEADS, *BODIES, *OFFERS, *TEXTS]

# What a client begins and does not go on with, to a server whose read timeout is short.
SLOW = [
    Row("nothing", b"", ()),
    Row("an empty line", b"\r\n", ()),
    Row("half a request line", b"GET /hea", ()),
    Row("half a head", GET[:-2], ()),
    Row("a request and half another", GET + GET[:-2], (200,)),
    Row("a request and empty lines", GET + b"\r\n", (200,)),
    Row("half a body", post()[:-5], (408,)),
    Row("half a body without a key", post(key=False)[:-5], (401,)),
    Row("half a body to a path without one", get(b"Content-Length: 9\r\n"), (200,)),
    Row("no chunk", chunked()[:-5], (408,)),
    Row("half a size", chunked(chunk(BODY))[:-5] + b"1", (408,)),
    Row("half a chunk", head(b"Transfer-Encoding: chunked\r\n") + chunk(BODY)[:-5], (408,)),
    Row("half the trailers", chunked(chunk(BODY), trailers=b"A: b\r\n")[:-2], (408,)),
    Row("half the trailers without a key", chunked(chunk(BODY), trailers=b"A: b\r\n", key=False)[:-2], (401,)),
    Row("half an extension", chunked(chunk(BODY, b";a"))[:-5] + b"1;a", (408,)),
    Row("what h2c offered, and half a body", post(BODY, H2C)[:-5], (408,)),
    Row("a body that waits to be asked for", head(b"Content-Length: 9\r\n", b"Expect: 100-continue\r\n"), (100, 408)),
]
