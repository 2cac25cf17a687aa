"""llguidance asked, byte by byte: whether a text may end here, and how it comes to an end."""

from __future__ import annotations

from collections.abc import Iterator

from llguidance import LLMatcher, LLTokenizer

BYTES = LLTokenizer("byte")
# How many bytes a search tries, and how many ways it follows at a time. A byte takes some ten microseconds.
TRIALS = 10_000
WIDTH = 16
# Of bytes that lead to the same choice, the first is taken: what ends a string, then what fills one.
_PREFERRED = b'"-1234567890]},ABCDEFGHIJKLMNOPQRSTUVWXYZ'
ORDER = (*_PREFERRED, *(byte for byte in range(256) if byte not in _PREFERRED))


def matcher(schema: str) -> LLMatcher:
    """Of a lowered schema, as JSON text. Takes seconds for a large one; a copy of it takes a microsecond."""
    return LLMatcher(BYTES, f"start: %json {schema}", log_level=0)


def closes(grown: LLMatcher, end: str) -> bool:
    """Whether the grammar is at an end behind this text."""
    grown = grown.deep_copy()
    return taken(grown, end) and bool(grown.is_accepting())


def taken(grown: LLMatcher, text: str) -> bool:
    """Whether the grammar goes along with this text."""
    tokens = list(text.encode())
    return grown.try_consume_tokens(tokens) == len(tokens)


def search(grown: LLMatcher) -> str | None:
    """What brings the grammar to an end, letter by letter at once in all ways that differ in what may follow.

    It is the shortest where ways that allow the same next byte are alike, which is no promise. None where it takes too
    long.
    """
    ways, trials = [(b"", grown)], 0
    while ways and trials < TRIALS:
        for text, way in ways:
            if way.is_accepting():
                return text.decode()
        found: dict[bytes, tuple[bytes, LLMatcher]] = {}
        for text, way in ways:
            for byte in _allowed(way):
                trials += 1
                further = way.deep_copy()
                further.consume_token(byte)
                found.setdefault(_next(further), (text + bytes([byte]), further))
        ways = list(found.values())[:WIDTH]
    return None


def _next(way: LLMatcher) -> bytes:
    """What may follow; an end is like no other."""
    return b"" if way.is_accepting() else bytes(way.compute_bitmask())


def _allowed(way: LLMatcher) -> Iterator[int]:
    mask = way.compute_bitmask()
    return (byte for byte in ORDER if mask[byte // 8] >> byte % 8 & 1)
