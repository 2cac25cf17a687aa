"""Strings and numbers: the shortest way to end one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any

from llguidance import LLMatcher

from turngrammar.cache import Cache
from turngrammar.closing import strings
from turngrammar.closing.search import closes, matcher, search, taken
from turngrammar.spelling import CANONICAL

KEPT = 4 * 2**20  # letters of schemas
Node = Mapping[str, Any]


def ending(schema: Node, begun: str) -> str | None:
    """What makes `begun` a value of this schema, of a string or a number; None where nothing does, or nothing near."""
    if schema["type"] != "string":
        return _nearest(schema, begun, _likely(schema))
    found = strings.rest(schema, begun)
    if found is None or "format" not in json.dumps(schema):
        return found if found is not None else _nearest(schema, begun)
    # llguidance may mean less by a format.
    return found if closes(_grown(schema), begun + found) else _nearest(schema, begun)


def _likely(schema: Node) -> Iterator[str]:
    """Numbers that a search may pass by, as it takes those that begin with a one for those that begin with a three:
    zero, and what is next to the bounds."""
    step = Fraction(str(schema.get("multipleOf", 1)))
    yield "0"
    if "minimum" in schema:
        yield _spelled(ceil(Fraction(str(schema["minimum"])) / step) * step)
    if "maximum" in schema:
        yield _spelled(floor(Fraction(str(schema["maximum"])) / step) * step)
    yield from (json.dumps(schema[name]) for name in ("minimum", "maximum") if name in schema)


def _spelled(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else json.dumps(float(number))


def _nearest(schema: Node, begun: str, likely: Iterable[str] = ()) -> str | None:
    """The shortest that a search finds, or what is left of one of the likely values."""
    grown = _grown(schema)
    if not taken(grown, begun):
        return None
    ends = [text[len(begun) :] for text in likely if text.startswith(begun)]
    found = [*(end for end in ends if closes(grown, end)), search(grown)]
    return min((end for end in found if end is not None), key=len, default=None)


def _grown(schema: Node) -> LLMatcher:
    text = CANONICAL.schema(schema)
    return _MATCHERS.get(text, lambda: matcher(text)).deep_copy()


_MATCHERS: Cache[str, LLMatcher] = Cache(KEPT, lambda text, matcher: 1024 + len(text))
