"""Where the messages of a connection end: heads, bodies of a known length, and chunked bodies (RFC 9112).

Each reader has a `feed` that takes what a socket received, and returns what follows its part of the message. What it
keeps is bounded. What comes after a message is not looked at, so that it can wait for the response.

httptools parses heads, and nothing else: it can't stop within its input, skips the body of a request that offers an
upgrade, and keeps trailers of any size.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Protocol

import httptools

from latticework.errors import ApiError, BadRequest, HeadTooLarge

# Of the request line and the headers together; and of everything in a chunked body but sizes and content.
MAX_HEAD_BYTES = 1 << 16
MAX_HEADERS = 256
VERSIONS = ("1.1", "1.0")
_HEAD_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
_PLAIN_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})([ \t]*(?:;[^\x00-\x08\n-\x1f\x7f]*)?)")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\n-\x1f\x7f]*")
_LENGTH = re.compile(rb"[0-9]{1,18}")


class _Fields:
    """What the parser finds in a head. It does not know the parser: each would keep the other in memory."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) == MAX_HEADERS:
            raise HeadTooLarge(f"The request has more than {MAX_HEADERS} headers.")
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.complete = True


class HeadReader:
    """One request line with its headers.

    Attributes:
        parser: knows the method and the version when the head is complete.
        headers: with lower-case names.
    """

    def __init__(self) -> None:
        self._fields = _Fields()
        self.parser = httptools.HttpRequestParser(self._fields)
        self.headers = self._fields.headers
        self._size = 0
        self._last = b""  # bytes in which the end may have begun

    @property
    def url(self) -> bytes:
        return self._fields.url

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may be used again. The parser has forgotten it where a request has no body."""
        connection = b",".join(value for name, value in self.headers if name == b"connection").lower()
        closes = b"close" in [token.strip() for token in connection.split(b",")]
        return not closes and self.parser.get_http_version() == "1.1"

    def feed(self, data: bytes) -> bytes | None:
        """What follows the head; None while the head is incomplete. Raises BadRequest and HeadTooLarge."""
        if not self._last:
            self._size += len(data)
            data = data.lstrip(_LINE_END)  # empty lines may precede a request
            self._size -= len(data)
        found = (self._last + data).find(_HEAD_END)
        end = len(data) if found < 0 else found + len(_HEAD_END) - len(self._last)
        self._last = (self._last + data[:end])[1 - len(_HEAD_END) :]
        self._size += end
        self._parse(data[:end])
        if self._size > MAX_HEAD_BYTES:
            raise HeadTooLarge(f"The request's head is larger than {MAX_HEAD_BYTES} bytes.")
        if self._fields.complete != (found >= 0):
            raise BadRequest("The request is not valid HTTP: lines end in CR LF.")
        if not self._fields.complete:
            return None
        self._check()
        return data[end:]

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no offer is taken: the request is served as if there were none
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, ApiError):
                raise error.__context__ from None
            raise BadRequest(f"The request is not valid HTTP: {error}.") from None

    def _check(self) -> None:
        version = self.parser.get_http_version()
        if version not in VERSIONS:
            raise BadRequest(f"HTTP/{version} is not supported: send HTTP/1.1.")
        if self.parser.get_method() == b"CONNECT" or not _has_path(self.url):
            raise BadRequest("The request's target must be a path, or a URL with a path.")


def _has_path(url: bytes) -> bool:
    try:
        return url.isascii() and httptools.parse_url(url).path is not None
    except httptools.HttpParserInvalidURLError:
        return False


class BodyReader(Protocol):
    """The body of one request."""

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Content, and what follows the body; None while the body is incomplete. Raises BadRequest, HeadTooLarge."""


def body_of(head: HeadReader) -> BodyReader | None:
    """The reader of a request's body; None if it has none.

    Raises BadRequest where two servers could disagree about the body's end, so that one takes for a request what
    another takes for a body.
    """
    codings = [value.strip().lower() for name, value in head.headers if name == b"transfer-encoding"]
    lengths = [value.strip() for name, value in head.headers if name == b"content-length"]
    if len(codings) + len(lengths) > 1:
        raise BadRequest("The request must have one header 'Content-Length' or one 'Transfer-Encoding', not both.")
    if codings:
        if codings != [b"chunked"] or head.parser.get_http_version() == "1.0":
            raise BadRequest("The header 'Transfer-Encoding' must be 'chunked', in HTTP/1.1.")
        return ChunkedBody()
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        raise BadRequest("The header 'Content-Length' must be a number of bytes.")
    return SizedBody(int(lengths[0])) if lengths and int(lengths[0]) else None


class SizedBody:
    """A body of `length` bytes."""

    def __init__(self, length: int) -> None:
        self._left = length

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        content = data[: self._left]
        self._left -= len(content)
        return content, None if self._left else data[len(content) :]


class _Line(Enum):
    """The lines of a chunked body."""

    SIZE = 1
    AFTER_CHUNK = 2
    TRAILER = 3


class ChunkedBody:
    """A body in chunks. Their extensions, and trailers, are bounded and dropped."""

    def __init__(self) -> None:
        self._expected: _Line | None = _Line.SIZE
        self._begun = b""  # an incomplete line
        self._left = 0  # of the current chunk
        self._extra = 0  # bytes of extensions and trailers

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        data, self._begun = self._begun + data, b""
        content: list[bytes] = []
        at = 0
        while self._expected:
            if self._expected is _Line.SIZE:
                at = _take_chunks(data, at, content)
            if self._left:
                piece = data[at : at + self._left]
                content.append(piece)
                self._left -= len(piece)
                at += len(piece)
            end = data.find(_LINE_END, at)
            if self._left or end < 0:
                self._begun = data[at:]
                self._check_extra(len(self._begun))
                return b"".join(content), None
            self._expected = self._take(data[at:end])
            at = end + len(_LINE_END)
        return b"".join(content), data[at:]

    def _take(self, line: bytes) -> _Line | None:
        """Reads a line; returns the kind of the next one."""
        if self._expected is _Line.SIZE:
            return self._take_size(line)
        if self._expected is _Line.AFTER_CHUNK:
            if line:
                raise BadRequest("The chunked body is not valid: a chunk is longer than its size.")
            return _Line.SIZE
        return self._take_trailer(line)

    def _take_size(self, line: bytes) -> _Line:
        size = _SIZE_LINE.fullmatch(line)
        if size is None:
            raise BadRequest("The chunked body is not valid: a chunk must begin with its size in hexadecimal digits.")
        self._count_extra(len(size[2]))
        self._left = int(size[1], 16)
        return _Line.AFTER_CHUNK if self._left else _Line.TRAILER

    def _take_trailer(self, line: bytes) -> _Line | None:
        if not line:
            return None
        if not _TRAILER.fullmatch(line):
            raise BadRequest("The chunked body is not valid: a trailer must be a header.")
        self._count_extra(len(line) + len(_LINE_END))
        return _Line.TRAILER

    def _count_extra(self, size: int) -> None:
        self._extra += size
        self._check_extra(0)

    def _check_extra(self, more: int) -> None:
        if self._extra + more > MAX_HEAD_BYTES:
            raise HeadTooLarge(
                f"The chunked body has more than {MAX_HEAD_BYTES} bytes of extensions and trailers: send none."
            )


def _take_chunks(data: bytes, at: int, content: list[bytes]) -> int:
    """Takes whole chunks without extensions, fast: a body may have millions. Returns where they end."""
    while size := _PLAIN_SIZE.match(data, at):
        start = size.end()
        end = start + int(size[1], 16)
        if end == start or data[end : end + 2] != _LINE_END:
            break
        content.append(data[start:end])
        at = end + 2
    return at
