"""The scalars of JSON text: where each is, and the value of one that is still being written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from turngrammar.exact import is_number
from turngrammar.scan import load_json
from turngrammar.schema.dialect import pointer

_LEXEME = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NUMBER = re.compile(rb"[-+.0-9eE]+")
_WORDS = {b"t": b"true", b"f": b"false", b"n": b"null"}
_SPACE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class ScalarSpan:
    """A scalar of a JSON text: its JSON pointer, and its first byte and the one behind its last."""

    pointer: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value, for comparisons: 1.0 is 1, which is not true."""

    kind: str
    value: Any


class NotScalar(ValueError):
    """An object or an array."""


def scalar_spans(text: bytes) -> Iterator[ScalarSpan]:
    """All of a complete text, in their order."""
    path: list[int | str | None] = []  # None: in an object, a key comes next
    for match in _LEXEME.finditer(text):
        lexeme = match[0]
        if lexeme in _OPENERS:
            path.append(_OPENERS[lexeme])
        elif lexeme in (b"}", b"]"):
            path.pop()
        elif lexeme == b",":
            last = path[-1]
            path[-1] = last + 1 if isinstance(last, int) else None
        elif path and path[-1] is None:
            path[-1] = json.loads(lexeme)
        elif lexeme != b":":
            yield ScalarSpan(pointer(tuple(path)), match.start(), match.end())


_OPENERS: dict[bytes, int | None] = {b"{": None, b"[": 0}


def scalar_of(text: bytes) -> Scalar:
    """Of a complete scalar. A whole number is the one that is written, which a float of many digits is not.

    Raises ValueError.
    """
    value = load_json(text)
    if not is_number(value):
        return Scalar(type(value).__name__, value)
    whole = isinstance(value, float) and value.is_integer()
    return Scalar("number", int(Decimal(repr(value))) if whole else value)


def settled_scalar(text: bytes, ended: bool) -> Scalar | None:
    """The scalar with which a text begins, once nothing can be added to it; `ended`: nothing follows the text.

    Raises NotScalar for a text that begins another value, and ValueError for one that is not JSON.
    """
    text = text.lstrip(_SPACE)
    if not text:
        return None
    first = text[:1]
    if first in _WORDS:
        word = _WORDS[first]
        return scalar_of(word) if text.startswith(word) else None
    if first == b'"':
        match = _STRING.match(text)
        return scalar_of(match[0]) if match else None
    match = _NUMBER.match(text)
    if match is None:
        raise NotScalar
    return scalar_of(match[0]) if match.end() < len(text) or ended else None
