"""A request's body: its size is limited while it is read, and it must be JSON as RFC 8259 defines it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from latticework.errors import BadRequest, TooLarge, from_pointer
from turngrammar.scan import load_json

# Larger bodies are decoded in a thread, because they would delay other requests.
INLINE = 1 << 16
# Decoding holds Python's lock even there, for about 30 ms at these limits. Braces and commas in strings count too,
# because distinguishing them would take as long.
MOST_CONTAINERS = 100_000
MOST_VALUES = 1_000_000
_LONE = re.compile("[\ud800-\udfff]")


async def read_body(receive: Receive, most: int) -> bytes:
    """The whole body. Raises TooLarge beyond `most` bytes, without reading on."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > most:
            raise TooLarge(f"The request body is larger than max_body_bytes ({most} bytes).")
    return bytes(body)


class Decoded(NamedTuple):
    """The JSON object in a body, and JSON pointers to the strings in which a lone surrogate was replaced."""

    value: dict[str, Any]
    replaced: tuple[str, ...] = ()


async def read_object(receive: Receive, most: int, texts: Collection[str] = ()) -> dict[str, Any]:
    """The JSON object in a request's body; `texts` as in `decode`. Raises TooLarge and BadRequest."""
    return (await decode(await read_body(receive, most), texts)).value


async def decode(body: bytes, texts: Collection[str] = ()) -> Decoded:
    """The JSON object in a body. Raises BadRequest.

    `texts` are top-level fields of text that the client may only pass on, such as a history: half an emoji in a tool's
    result would refuse every further request of the conversation. A lone surrogate there becomes U+FFFD.
    """
    if len(body) <= INLINE:
        return _decoded(body, texts)
    if body.count(b"{") + body.count(b"[") > MOST_CONTAINERS or body.count(b",") > MOST_VALUES:
        raise BadRequest(
            f"The request body is too complex to decode: at most {MOST_CONTAINERS} braces and brackets and "
            f"{MOST_VALUES} commas are allowed.",
            code="request_too_large",
        )
    return await asyncio.to_thread(_decoded, body, texts)


def decode_object(body: bytes, name: str = "The request body") -> dict[str, Any]:
    """Raises BadRequest if the body, called `name`, is not a JSON object, or has strings that UTF-8 can't encode."""
    return _decoded(body, (), name).value


def _decoded(body: bytes, texts: Collection[str], name: str = "The request body") -> Decoded:
    try:
        value = load_json(_utf8(body, name))
    except ValueError as error:
        raise BadRequest(f"{name} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be a JSON object.")
    # A lone surrogate must be an escape: UTF-8 has none.
    if rb"\ud" not in body.lower():
        return Decoded(value)
    replaced = [pointer for text in texts if text in value for pointer in _replace(value, text, f"/{text}")]
    for pointer in lone_surrogates(value):
        raise BadRequest(
            "A string has a lone surrogate, which is not valid Unicode: send both halves of the pair, or U+FFFD.",
            param=from_pointer(pointer),
        )
    return Decoded(value, tuple(replaced))


def _utf8(body: bytes, name: str) -> str:
    """Raises BadRequest. json.loads would guess UTF-16 too, and let encoded surrogates pass."""
    try:
        return body.decode("utf-8-sig")  # RFC 8259 allows to ignore a byte order mark
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"{name} is not valid JSON: it must be UTF-8, and byte 0x{body[error.start]:02x} at {error.start} is not."
        ) from None


def _replace(container: Any, at: Any, pointer: str) -> Iterator[str]:
    """Replaces the lone surrogates in the strings at and below `container[at]`, but not in keys."""
    value = container[at]
    match value:
        case str() if not _encodes(value):
            container[at] = _LONE.sub("\ufffd", value)
            yield pointer
        case list():
            for index in range(len(value)):
                yield from _replace(value, index, f"{pointer}/{index}")
        case dict():
            for key in value:
                yield from _replace(value, key, f"{pointer}/{key}")


def lone_surrogates(value: Any, pointer: str = "") -> Iterator[str]:
    """JSON pointers of the strings and keys that can't be encoded as UTF-8."""
    match value:
        case str() if not _encodes(value):
            yield pointer
        case list():
            for index, item in enumerate(value):
                yield from lone_surrogates(item, f"{pointer}/{index}")
        case dict():
            for key, item in value.items():
                if not _encodes(key):
                    yield pointer
                yield from lone_surrogates(item, f"{pointer}/{key}")


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
