"""What a body's JSON consists of, counted in its bytes before any of it is decoded.

Decoding holds Python's lock, and what it makes is walked several times: so the work of a request is bounded here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from latticework.errors import BadRequest
from latticework.settings import Settings

CODE = "request_too_large"

_MARKS = b'"{}[],:'
_OTHERS = bytes(set(range(256)) - set(_MARKS))
_STEPS: Mapping[int, int] = {**dict.fromkeys(b"{[", 1), **dict.fromkeys(b"}]", -1)}


@dataclass(frozen=True)
class Count:
    """Something in a body that a setting limits.

    Attributes:
        setting: its name.
        what: is counted.
        of: the number, from the body's structure.
    """

    setting: str
    what: str
    of: Callable[[bytes], int]


def _values(structure: bytes) -> int:
    """Exact, except that an empty array or object counts twice."""
    return 1 + sum(structure.count(mark) for mark in (b",", b"[", b"{"))


def _fields(structure: bytes) -> int:
    return structure.count(b":")


def _depth(structure: bytes) -> int:
    brackets = structure.translate(None, b",:")
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


COUNTS = (
    Count("max_body_values", "values", _values),
    Count("max_body_fields", "fields", _fields),
    Count("max_body_depth", "levels of objects and arrays", _depth),
)


def refuse_crowded(body: bytes, settings: Settings) -> None:
    """Raises BadRequest that names the first limit that the body exceeds."""
    marks = _marks(body)
    # Each string is a value or the name of a field, so there are no more of them in a body within the limits.
    strings = settings.max_body_values + settings.max_body_fields
    if marks.count(b'"') > 2 * strings:
        crowd = COUNTS[1] if marks.count(b'":') > settings.max_body_fields else COUNTS[0]
        raise _crowded(crowd, settings)
    structure = b"".join(marks.split(b'"')[::2])
    for count in COUNTS:
        if count.of(structure) > getattr(settings, count.setting):
            raise _crowded(count, settings)


def _marks(body: bytes) -> bytes:
    """The quotes of the body, and its brackets, commas and colons, those in strings included."""
    return body.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _OTHERS)


def _crowded(count: Count, settings: Settings) -> BadRequest:
    most = getattr(settings, count.setting)
    message = f"The request body has more than {most} {count.what} ({count.setting})."
    return BadRequest(f"{message} Send less, or raise the limit of the server.", code=CODE)
