"""Whether llguidance's lexer can hold a terminal: tried before it is promised.

The lexer builds an automaton as far as texts lead it, and gives up where one step takes too much. An intersection may
look harmless and do that in the middle of an answer. So a terminal is loaded, and masks are computed along a long text.
"""

from __future__ import annotations

from functools import lru_cache

from llguidance import LLMatcher, LLTokenizer

from turngrammar.regex import Language, long_start
from turngrammar.terminals.strings import Branch, json_string, string_language

_BYTES = LLTokenizer("byte")
LENGTH = 96  # characters of the text
MASKS = 4  # along it


def is_held(branch: Branch, vocabulary: LLTokenizer | None = None) -> bool:
    """Whether the lexer holds the JSON strings of a branch with this vocabulary, or with one token for each byte."""
    return _is_held(json_string(branch), string_language(branch), vocabulary or _BYTES)


@lru_cache(maxsize=4096)
def _is_held(terminal: str, language: Language, vocabulary: LLTokenizer) -> bool:
    matcher = LLMatcher(vocabulary, f"start: T\nT: {terminal}\n", log_level=0)
    for piece in ('"', *_pieces(long_start(language, LENGTH))):
        matcher.compute_bitmask()
        tokens = vocabulary.tokenize_str(piece)
        matcher.try_consume_tokens(tokens)
    matcher.compute_bitmask()
    return not matcher.is_error()


def _pieces(text: str) -> list[str]:
    size = -(-LENGTH // MASKS)
    return [text[start : start + size] for start in range(0, len(text), size)]
