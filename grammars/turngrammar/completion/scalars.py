"""The shortest rest of a string or a number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any

from llguidance import LLMatcher

from turngrammar.cache import Cache
from turngrammar.completion.matcher import accepts, consumes, schema_matcher, search_completion
from turngrammar.completion.strings import string_completion

MAX_CACHED = 4 * 2**20  # characters of schemas
Branch = Mapping[str, Any]


def scalar_completion(schema: Branch, begun: str) -> str | None:
    """The rest that makes `begun` a string or a number of this schema; None where the search finds nothing."""
    if schema["type"] != "string":
        return _nearest(schema, begun, _likely_numbers(schema))
    rest = string_completion(schema, begun)
    if rest is None or "format" not in json.dumps(schema):
        return rest if rest is not None else _nearest(schema, begun)
    # llguidance may allow less of a format.
    return rest if accepts(_matcher_of(schema), begun + rest) else _nearest(schema, begun)


def _likely_numbers(schema: Branch) -> Iterator[str]:
    """Zero, and the numbers next to the bounds: a search may miss them, since it follows one of several digits only."""
    step = Fraction(str(schema.get("multipleOf", 1)))
    yield "0"
    if "minimum" in schema:
        yield _number_text(ceil(Fraction(str(schema["minimum"])) / step) * step)
    if "maximum" in schema:
        yield _number_text(floor(Fraction(str(schema["maximum"])) / step) * step)
    yield from (json.dumps(schema[name]) for name in ("minimum", "maximum") if name in schema)


def _number_text(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else json.dumps(float(number))


def _nearest(schema: Branch, begun: str, likely: Iterable[str] = ()) -> str | None:
    """The shortest of the search's result and the rests of the likely values."""
    matcher = _matcher_of(schema)
    if not consumes(matcher, begun):
        return None
    rests = [text[len(begun) :] for text in likely if text.startswith(begun)]
    rests = [rest for rest in rests if accepts(matcher, rest)]
    searched = search_completion(matcher)
    return min([*rests, searched] if searched is not None else rests, key=len, default=None)


def _matcher_of(schema: Branch) -> LLMatcher:
    return _MATCHERS.get(json.dumps(schema), lambda: schema_matcher(schema)).deep_copy()


_MATCHERS: Cache[str, LLMatcher] = Cache(MAX_CACHED, lambda text, matcher: 1024 + len(text))
