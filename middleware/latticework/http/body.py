"""A request's body: its size is limited while it is read, and it must be JSON as RFC 8259 defines it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

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


async def read_object(receive: Receive, most: int) -> dict[str, Any]:
    """The JSON object in a request's body. Raises TooLarge and BadRequest."""
    return await decode(await read_body(receive, most))


async def decode(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises BadRequest."""
    if len(body) <= INLINE:
        return decode_object(body)
    if body.count(b"{") + body.count(b"[") > MOST_CONTAINERS or body.count(b",") > MOST_VALUES:
        raise BadRequest(
            f"The request body is too complex to decode: at most {MOST_CONTAINERS} braces and brackets and "
            f"{MOST_VALUES} commas are allowed.",
            code="request_too_large",
        )
    return await asyncio.to_thread(decode_object, body)


def decode_object(body: bytes, name: str = "The request body") -> dict[str, Any]:
    """Raises BadRequest if the body, called `name`, is not a JSON object, or has strings that UTF-8 can't encode."""
    try:
        value = load_json(body)
    except ValueError as error:
        raise BadRequest(f"{name} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be a JSON object.")
    # A lone surrogate must be an escape: load_json has checked the rest.
    if rb"\ud" in body.lower():
        for pointer in lone_surrogates(value):
            raise BadRequest("A string has a lone surrogate, which is not valid Unicode.", param=from_pointer(pointer))
    return value


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
