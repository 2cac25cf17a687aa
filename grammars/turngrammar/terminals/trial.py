"""Whether llguidance's lexer can hold a terminal, and whether any text fits it: tried before it is promised.

The lexer builds an automaton as far as texts lead it, and gives up where one step takes too much. An intersection may
look harmless and do that in the middle of an answer. So a terminal is loaded, and masks are computed along a long text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from llguidance import LLMatcher, LLTokenizer

from turngrammar.matching import LIMITS, limits_of
from turngrammar.regex import Language, intersection, long_start
from turngrammar.spans import IN_JSON, Texts, chunk_count, definition
from turngrammar.terminals.strings import PLAIN, SOURCE, Branch, constraints, json_string, json_terminal, span_terminal

_BYTES = LLTokenizer("byte")
LENGTH = 96  # characters of the text
MASKS = 4  # along it
NOTHING_FITS = "NoExtension"  # how llguidance's errors begin where nothing can follow, and the text can't end
# Of texts whose spans, of any length, the lexer holds: 250 KB of English, 200 KB of Markdown.
MOST_CHUNKS = 100_000
SPAN_KEYWORDS = PLAIN | {SOURCE}
POSITIONS = 100  # characters of a regex, counted repetitions written out, with which nothing can go wrong


def is_held(branch: Branch, vocabulary: LLTokenizer | None = None) -> bool:
    """Whether the lexer holds the JSON strings of a branch with this vocabulary, or with one token for each byte."""
    languages = constraints(branch)
    return _is_small(languages) or _is_held(languages, vocabulary or _BYTES)


def holds_spans(branch: Branch, texts: Texts, vocabulary: LLTokenizer | None = None) -> bool:
    """The same for a branch of spans of these texts."""
    if branch.keys() <= SPAN_KEYWORDS or chunk_count(texts) > MOST_CHUNKS:
        return chunk_count(texts) <= MOST_CHUNKS
    return _holds_spans(json_string(branch), texts, vocabulary or _BYTES)


@lru_cache(maxsize=256)
def _holds_spans(terminal: str, texts: Texts, vocabulary: LLTokenizer) -> bool:
    grammar = f"start: T\nT: {terminal}\n{definition(IN_JSON, texts)}\n"
    start = max(texts, key=len)[:LENGTH]
    return _follows(LLMatcher(vocabulary, grammar, log_level=0, limits=limits_of(grammar)), start, vocabulary)


def any_span_fits(languages: Sequence[Language], texts: Texts) -> bool:
    """Whether some span of the texts is in all the languages; True where the lexer can't hold that."""
    return not fits_nothing(f"T: {span_terminal(languages)}\n{definition(IN_JSON, texts)}", "T")


def _is_small(languages: Sequence[Language]) -> bool:
    """Each state of the lexer is a set of positions in a regex; it is left by a step in as many parts at most."""
    return len(languages) == 1 and not languages[0].boolean and languages[0].positions <= POSITIONS


def is_empty(terminal: str) -> bool:
    """Whether no text fits the expression of a terminal; False where the lexer can't hold it."""
    return fits_nothing(f"T: {terminal}", "T")


@lru_cache(maxsize=1024)
def fits_nothing(definitions: str, name: str) -> bool:
    """Whether no text fits the terminal of this name in a Lark grammar; False where the lexer can't hold it."""
    grammar = f"start: {name}\n{definitions}\n"
    matcher = LLMatcher(_BYTES, grammar, log_level=0, limits=limits_of(grammar))
    if matcher.is_error():
        return False
    matcher.compute_bitmask()
    return matcher.get_error().startswith(NOTHING_FITS)


@lru_cache(maxsize=4096)
def _is_held(languages: Sequence[Language], vocabulary: LLTokenizer) -> bool:
    matcher = LLMatcher(vocabulary, f"start: T\nT: {json_terminal(languages)}\n", log_level=0, limits=LIMITS)
    return _follows(matcher, long_start(intersection(*languages), LENGTH), vocabulary)


def _follows(matcher: LLMatcher, text: str, vocabulary: LLTokenizer) -> bool:
    """Whether it computes masks along the text, within quotes, as far as it allows that."""
    for piece in ('"', *_pieces(text)):
        matcher.compute_bitmask()
        tokens = vocabulary.tokenize_str(piece)
        matcher.try_consume_tokens(tokens)
    matcher.compute_bitmask()
    return not matcher.is_error()


def _pieces(text: str) -> list[str]:
    size = -(-LENGTH // MASKS)
    return [text[start : start + size] for start in range(0, len(text), size)]
