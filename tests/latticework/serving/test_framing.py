"""Where messages end: the same at every chunking; nothing has two readings, and nothing grows without a bound."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from latticework.errors import ApiError, BadRequest, HeadTooLarge
from latticework.serving.framing import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    BodyReader,
    ChunkedBody,
    HeadReader,
    SizedBody,
    body_of,
)

AFTER = b"GET /next HTTP/1.1\r\n\r\n"


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """Whole, in two pieces at every place, and byte by byte."""
    yield [data]
    yield from ([data[:at], data[at:]] for at in range(1, len(data)))
    yield [data[at : at + 1] for at in range(len(data))]


def read_head(pieces: list[bytes]) -> tuple[HeadReader, bytes]:
    """The head, and what follows it."""
    head = HeadReader()
    for index, piece in enumerate(pieces):
        rest = head.feed(piece)
        if rest is not None:
            return head, rest + b"".join(pieces[index + 1 :])
    raise AssertionError("incomplete")


def read_body(body: BodyReader, pieces: list[bytes]) -> tuple[bytes, bytes]:
    """Its content, and what follows it."""
    whole = b""
    for index, piece in enumerate(pieces):
        content, rest = body.feed(piece)
        whole += content
        if rest is not None:
            return whole, rest + b"".join(pieces[index + 1 :])
    raise AssertionError("incomplete")


def head_of(*lines: bytes, version: bytes = b"1.1") -> HeadReader:
    data = b"POST / HTTP/%s\r\n" % version + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
    return read_head([data])[0]


@pytest.mark.parametrize("before", [b"", b"\r\n\r\n\r\n"])
@pytest.mark.parametrize(
    "offer", [b"", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"]
)
def test_a_head_ends_where_it_ends_at_every_chunking(before: bytes, offer: bytes) -> None:
    data = before + b"POST /a?b HTTP/1.1\r\nHost: c\r\n" + offer + b"Content-Length: 3\r\n\r\n" + AFTER
    for pieces in cuts(data):
        head, rest = read_head(pieces)
        assert rest == AFTER
        assert head.url == b"/a?b"
        assert head.parser.get_method() == b"POST"
        assert head.keep_alive
        assert head.headers[0] == (b"host", b"c")
        assert head.headers[-1] == (b"content-length", b"3")


CHUNKED = [
    (b"0\r\n\r\n", b""),
    (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
    (b"1\r\na\r\n2\r\n\r\n\r\n00\r\n\r\n", b"a\r\n"),
    (b"a;name=value\r\n0123456789\r\n0;last\r\n\r\n", b"0123456789"),
    (b'1 ; quoted="x y"\r\na\r\n0\r\nTrailer: value\r\nAnother:\r\n\r\n', b"a"),
    (b"000000000000000C\r\n0123456789ab\r\n0\r\n\r\n", b"0123456789ab"),
]


@pytest.mark.parametrize(("data", "content"), CHUNKED)
def test_a_chunked_body_is_the_same_at_every_chunking(data: bytes, content: bytes) -> None:
    for pieces in cuts(data + AFTER):
        assert read_body(ChunkedBody(), pieces) == (content, AFTER)


def test_a_sized_body_is_too() -> None:
    for pieces in cuts(b"abc" + AFTER):
        assert read_body(SizedBody(3), pieces) == (b"abc", AFTER)


def test_millions_of_small_chunks_are_read() -> None:
    assert read_body(ChunkedBody(), [b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n"]) == (b"x" * 1000, b"")


HEADS = [
    b"GET /\r\n\r\n",
    b"GET / HTTP/2.0\r\n\r\n",
    b"GET / HTTP/1.1\n\n",
    b"GET / HTTP/1.1\r\nHost: a\n\nGET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
    b"GET / HTTP/1.1\r\nA(): b\r\n\r\n",
    b"GET / HTTP/1.1\r\n: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: \0\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\n\r\n",
    b"GET host:80 HTTP/1.1\r\n\r\n",
    b"GET http://host HTTP/1.1\r\n\r\n",
    b"CONNECT host:80 HTTP/1.1\r\n\r\n",
    b"CONNECT / HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
]


@pytest.mark.parametrize("data", HEADS)
def test_what_is_no_head_of_http_is_a_bad_request_at_every_chunking(data: bytes) -> None:
    for pieces in cuts(data):
        with pytest.raises(BadRequest):
            read_head(pieces)


BODIES = [
    b"x\r\n",
    b"-1\r\n",
    b"+1\r\na\r\n",
    b"0x1\r\na\r\n",
    b" 1\r\na\r\n",
    b"1\na\n0\n\n\r\n",
    b"1;\n\r\na\r\n",
    b"1;\0\r\na\r\n",
    b"1\r\nab\r\n",
    b"0" * 17 + b"\r\n\r\n",
    b"0\r\nno trailer\r\n",
    b"0\r\n folded: a\r\n",
    b"0\r\nA: \0\r\n",
]


@pytest.mark.parametrize("data", BODIES)
def test_what_is_no_chunk_is_a_bad_request_at_every_chunking(data: bytes) -> None:
    for pieces in cuts(data):
        with pytest.raises(BadRequest):
            read_body(ChunkedBody(), pieces)


LENGTHS = [
    (b"Content-Length: 1", b"Content-Length: 1"),
    (b"Content-Length: 1", b"Content-Length: 2"),
    (b"Content-Length: 1, 1",),
    (b"Content-Length: +1",),
    (b"Content-Length: -1",),
    (b"Content-Length: 0x1",),
    (b"Content-Length: 1 1",),
    (b"Content-Length:",),
    (b"Content-Length: 18446744073709551615",),
    (b"Content-Length: 1", b"Transfer-Encoding: chunked"),
    (b"Transfer-Encoding: chunked", b"Content-Length: 1"),
    (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    (b"Transfer-Encoding: chunked, chunked",),
    (b"Transfer-Encoding: gzip, chunked",),
    (b"Transfer-Encoding: chunked, gzip",),
    (b"Transfer-Encoding: identity",),
    (b"Transfer-Encoding: xchunked",),
    (b"Transfer-Encoding: \x0bchunked",),
    (b"Transfer-Encoding:",),
]


@pytest.mark.parametrize("lines", LENGTHS, ids=[b" + ".join(lines).decode() for lines in LENGTHS])
def test_a_body_whose_end_is_not_certain_is_a_bad_request(lines: tuple[bytes, ...]) -> None:
    with pytest.raises(BadRequest):
        body_of(head_of(*lines))


CONNECTIONS = [
    ([], b"1.1", True),
    ([b"Connection: keep-alive"], b"1.1", True),
    ([b"Connection: close"], b"1.1", False),
    ([b"Connection: Upgrade , CLOSE"], b"1.1", False),
    ([b"Connection: Upgrade", b"Connection: close"], b"1.1", False),
    ([b"Connection: closed"], b"1.1", True),
    ([b"Connection: keep-alive"], b"1.0", False),
]


@pytest.mark.parametrize("length", [[], [b"Content-Length: 1"]])
@pytest.mark.parametrize(("lines", "version", "stays"), CONNECTIONS)
def test_who_wants_to_close_is_known(lines: list[bytes], version: bytes, stays: bool, length: list[bytes]) -> None:
    assert head_of(*lines, *length, version=version).keep_alive is stays


def test_chunks_are_not_of_http_1_0() -> None:
    with pytest.raises(BadRequest):
        body_of(head_of(b"Transfer-Encoding: chunked", version=b"1.0"))


@pytest.mark.parametrize("line", [b"Content-Length: 1", b"Transfer-Encoding: Chunked", b"Content-Length: 0", b"A: b"])
def test_one_length_is_certain(line: bytes) -> None:
    body = body_of(head_of(line))
    assert type(body) is (SizedBody if b"1" in line else ChunkedBody if b"C" in line[1:] else type(None))


def endless(beginning: bytes, unit: bytes) -> Iterator[bytes]:
    yield beginning
    while True:
        yield unit * (4096 // len(unit))


@pytest.mark.parametrize(
    ("beginning", "unit"),
    [
        (b"", b"\r\n"),
        (b"GET /", b"x"),
        (b"GET / HTTP/1.1\r\n", b"x"),
        (b"GET / HTTP/1.1\r\nA: ", b"x"),
        (b"GET / HTTP/1.1\r\nA:", b" "),
        (b"GET / HTTP/1.1\r\n", b"A: b\r\n"),
    ],
)
def test_a_head_has_a_bound(beginning: bytes, unit: bytes) -> None:
    head = HeadReader()
    total = 0
    with pytest.raises(ApiError):
        for piece in endless(beginning, unit):
            assert head.feed(piece) is None
            total += len(piece)
            assert total <= MAX_HEAD_BYTES + len(piece)


def test_headers_have_a_number() -> None:
    assert len(head_of(*[b"A: b"] * MAX_HEADERS).headers) == MAX_HEADERS
    with pytest.raises(HeadTooLarge, match=f"more than {MAX_HEADERS} headers"):
        head_of(*[b"A: b"] * (MAX_HEADERS + 1))


@pytest.mark.parametrize(
    ("beginning", "unit"),
    [(b"1;", b"x"), (b"0\r\n", b"A: b\r\n"), (b"0\r\nA:", b" "), (b"", b"1;x=yyyyyyyy\r\na\r\n"), (b"1", b" ")],
)
def test_what_frames_a_body_has_a_bound(beginning: bytes, unit: bytes) -> None:
    body = ChunkedBody()
    total = 0
    with pytest.raises(HeadTooLarge, match="extensions and trailers"):
        for piece in endless(beginning, unit):
            body.feed(piece)
            total += len(piece)
            assert total <= 2 * MAX_HEAD_BYTES
