"""A request's body: its size is limited while it is read, and it must be JSON as RFC 8259 defines it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from latticework.errors import BadRequest, TooLarge, from_pointer
from latticework.http.counts import refuse_crowded
from latticework.settings import Settings
from turngrammar.scan import load_float, load_json

# Larger bodies are decoded in a thread, because they would delay other requests. Decoding holds Python's lock even
# there: the limits of `counts` and on bytes bound it to some 40 ms.
INLINE = 1 << 16
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
            raise too_large(most)
    return bytes(body)


def too_large(most: int) -> TooLarge:
    return TooLarge(f"The request body is larger than max_body_bytes ({most} bytes).")


class Decoded(NamedTuple):
    """The JSON object in a body, and JSON pointers to the strings in which a lone surrogate was replaced."""

    value: dict[str, Any]
    replaced: tuple[str, ...] = ()


async def read_object(receive: Receive, settings: Settings, texts: Collection[str] = ()) -> dict[str, Any]:
    """The JSON object in a request's body; `texts` as in `decode`. Raises TooLarge and BadRequest."""
    return (await decode(await read_body(receive, settings.max_body_bytes), settings, texts)).value


async def decode(body: bytes, settings: Settings, texts: Collection[str] = ()) -> Decoded:
    """The JSON object in a body. Raises BadRequest.

    `texts` are top-level fields of text that the client may only pass on, such as a history: half an emoji in a tool's
    result would refuse every further request of the conversation. A lone surrogate there becomes U+FFFD.
    """
    if len(body) <= INLINE:
        return _bounded(body, settings, texts)
    return await asyncio.to_thread(_bounded, body, settings, texts)


def _bounded(body: bytes, settings: Settings, texts: Collection[str]) -> Decoded:
    refuse_crowded(body, settings)
    return _decoded(body, texts)


def decode_object(body: bytes, name: str = "The request body") -> dict[str, Any]:
    """Raises BadRequest if the body, called `name`, is not a JSON object, or has strings that UTF-8 can't encode."""
    return _decoded(body, (), name).value


def _decoded(body: bytes, texts: Collection[str], name: str = "The request body") -> Decoded:
    try:
        value = _load(body, name)
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


_DECODER = msgspec.json.Decoder(float_hook=load_float)


def _load(body: bytes, name: str) -> Any:
    """The value of `load_json`, and its errors, in half the time. Raises ValueError and BadRequest."""
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # msgspec refuses lone surrogates too
        return load_json(_utf8(body, name))


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
            container[at] = _without_lone(value)
            yield pointer
        case list():
            for index in range(len(value)):
                yield from _replace(value, index, f"{pointer}/{index}")
        case dict():
            for key in value:
                yield from _replace(value, key, f"{pointer}/{key}")


def _without_lone(text: str) -> str:
    """In pieces, between which other threads run: a text may have a million of them."""
    return "".join(_LONE.sub("\ufffd", text[start : start + INLINE]) for start in range(0, len(text), INLINE))


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
