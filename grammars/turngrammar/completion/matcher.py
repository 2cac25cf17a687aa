"""llguidance, byte by byte: whether a text may end here, and the shortest text with which it ends."""

from __future__ import annotations

from collections.abc import Iterator

from llguidance import LLMatcher, LLTokenizer

from turngrammar.lark import schema_grammar
from turngrammar.lowered import Lowered
from turngrammar.matching import limits_of
from turngrammar.spans import Texts

BYTES = LLTokenizer("byte")
# Bytes that a search tries, at some ten microseconds each, and texts that it extends at a time.
MAX_TRIALS = 10_000
MAX_WIDTH = 16
# Of bytes that allow the same next bytes, the first is taken: what ends a string, then what fills one.
_PREFERRED = b'"-1234567890]},ABCDEFGHIJKLMNOPQRSTUVWXYZ'
_ORDER = (*_PREFERRED, *(byte for byte in range(256) if byte not in _PREFERRED))


def schema_matcher(schema: Lowered, texts: Texts | None = None) -> LLMatcher:
    """A matcher of a lowered schema. A large one takes seconds; a copy of the matcher, a microsecond."""
    grammar = schema_grammar(schema, texts=texts or ())
    return LLMatcher(BYTES, grammar, log_level=0, limits=limits_of(grammar))


def accepts(matcher: LLMatcher, text: str) -> bool:
    """Whether the document is complete behind this text."""
    copy = matcher.deep_copy()
    return consumes(copy, text) and bool(copy.is_accepting())


def consumes(matcher: LLMatcher, text: str) -> bool:
    """Moves on by this text; whether the grammar allows it."""
    tokens = list(text.encode())
    return matcher.try_consume_tokens(tokens) == len(tokens)


def search_completion(matcher: LLMatcher) -> str | None:
    """A text with which the document is complete, by a breadth-first search over bytes; None where that takes too long.

    Of texts that allow the same next bytes, the search follows the first only. So the result need not be the shortest.
    """
    ways, trials = [(b"", matcher)], 0
    while ways and trials < MAX_TRIALS:
        for text, way in ways:
            if way.is_accepting():
                return text.decode()
        longer: dict[bytes, tuple[bytes, LLMatcher]] = {}
        for text, way in ways:
            for byte in _allowed_bytes(way):
                trials += 1
                further = way.deep_copy()
                further.consume_token(byte)
                longer.setdefault(_next_bytes(further), (text + bytes([byte]), further))
        ways = list(longer.values())[:MAX_WIDTH]
    return None


def _next_bytes(way: LLMatcher) -> bytes:
    """The mask of what may follow; where the document may end, b"" alone."""
    return b"" if way.is_accepting() else bytes(way.compute_bitmask())


def _allowed_bytes(way: LLMatcher) -> Iterator[int]:
    mask = way.compute_bitmask()
    return (byte for byte in _ORDER if mask[byte // 8] >> byte % 8 & 1)
