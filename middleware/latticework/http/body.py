"""A request's body: bounded while it is read_body, and JSON as RFC 8259 means it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from latticework.errors import BadRequest, TooLarge, from_pointer

# Above this many bytes, decoding would be felt by other requests: it goes to a thread.
INLINE = 1 << 16
# Even there it holds Python's lock: so many objects and lists, or values, take some 30 ms. In texts they count as well,
# for to look closer would take as long.
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
            raise TooLarge(f"The request body is larger than {most} bytes, the most that this server reads.")
    return bytes(body)


async def decode(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises BadRequest."""
    if len(body) <= INLINE:
        return decode_object(body)
    if body.count(b"{") + body.count(b"[") > MOST_CONTAINERS or body.count(b",") > MOST_VALUES:
        raise BadRequest(
            f"The request body has more than {MOST_CONTAINERS} braces and brackets, or {MOST_VALUES} commas: "
            "decoding it would hold up everybody else.",
            code="request_too_large",
        )
    return await asyncio.to_thread(decode_object, body)


def decode_object(body: bytes, name: str = "The request body") -> dict[str, Any]:
    """Raises BadRequest where the body, by that name, is not one JSON object, or holds what UTF-8 can't."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise BadRequest(f"{name} is nested too deeply.") from None
    except ValueError as error:
        raise BadRequest(f"{name} is not valid JSON: {_json_error(error)}") from None
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be a JSON object.")
    # Only an escape can spell a lone surrogate: json.loads has checked the rest.
    if rb"\ud" in body.lower():
        for pointer in lone_surrogates(value):
            raise BadRequest("A string holds a lone surrogate, which is no text.", param=from_pointer(pointer))
    return value


def _json_error(error: ValueError) -> str:
    """Python names the setting of its own that a long number is over, which is no business of a client's."""
    return "a number has too many digits" if "set_int_max_str_digits" in str(error) else str(error)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


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
