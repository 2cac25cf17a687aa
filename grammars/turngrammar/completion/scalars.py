"""The shortest rest of a string or a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llguidance import LLMatcher

from turngrammar.cache import Cache
from turngrammar.completion.matcher import accepts, consumes, schema_matcher, search_completion
from turngrammar.completion.strings import string_completion
from turngrammar.regex import shortest_rest
from turngrammar.scan import dump_json
from turngrammar.terminals.digits import NoShortExpression
from turngrammar.terminals.numbers import number_language

MAX_CACHED = 4 * 2**20  # characters of schemas
Branch = Mapping[str, Any]


def scalar_completion(schema: Branch, begun: str) -> str | None:
    """The rest that makes `begun` a string or a number of this schema; None where the search finds nothing."""
    return (_string if schema["type"] == "string" else _number)(schema, begun)


def _string(schema: Branch, begun: str) -> str | None:
    rest = string_completion(schema, begun)
    if rest is None or "format" not in dump_json(schema):
        return rest if rest is not None else _searched(schema, begun)
    # llguidance may allow less of a format.
    return rest if accepts(_matcher_of(schema), begun + rest) else _searched(schema, begun)


def _number(schema: Branch, begun: str) -> str | None:
    preferred = "1234567890" if begun == "-" else "0123456789"
    try:
        rest = shortest_rest(number_language(schema), begun, preferred)
    except NoShortExpression:
        return _multiple(schema, begun)
    return rest if rest is not None else _searched(schema, begun)


def _multiple(schema: Branch, begun: str) -> str | None:
    """Of natural numbers. A search may miss the first, since it follows one of several digits only."""
    step = schema["multipleOf"]
    first = str(-(-schema["minimum"] // step) * step)
    rests = [first[len(begun) :]] if first.startswith(begun) else []
    searched = _searched(schema, begun)
    return min([*rests, searched] if searched is not None else rests, key=len, default=None)


def _searched(schema: Branch, begun: str) -> str | None:
    matcher = _matcher_of(schema)
    return search_completion(matcher) if consumes(matcher, begun) else None


def _matcher_of(schema: Branch) -> LLMatcher:
    return _MATCHERS.get(dump_json(schema), lambda: schema_matcher(schema)).deep_copy()


_MATCHERS: Cache[str, LLMatcher] = Cache(MAX_CACHED, lambda text, matcher: 1024 + len(text))
