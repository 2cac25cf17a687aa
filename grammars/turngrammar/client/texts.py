"""Whether a finished text fits a client's own regex, choice or grammar: byte by byte, as generating it went.

The engine's mask allows nothing else. This finds an engine that ends an answer early, because it gave up the grammar.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llguidance import LLMatcher, LLTokenizer

from turngrammar.client.json_string_grammar import refers_to_tokens
from turngrammar.matching import CHECK_TIME, LIMITS, exceeded_limit
from turngrammar.turn import ClientGrammar

_BYTES = LLTokenizer("byte")
# Bytes between two looks at the clock, and the seconds after which it is one: a matcher locks the interpreter while it
# takes them, and an ambiguous grammar may need more for each than for the one before.
STRIDE = 16
SLOW = 0.001
# Seconds of this thread that one text may take.
SECONDS = 2.0
# Counted in tokens, of which the check has other ones.
_TOKEN_COUNT = re.compile(r"\bmax_tokens\s*=\s*\d+")


@dataclass(frozen=True)
class TextMisfit:
    """Why a text does not fit.

    `given_up`: it may be the beginning of one that fits, or can't be matched within the limits: no broken grammar.
    """

    problem: str
    given_up: bool = False


@dataclass(frozen=True)
class TextPlan:
    """The content of a turn with a client's grammar. `expression` is its Lark."""

    content: ClientGrammar
    expression: str

    def misfit(self, text: str) -> TextMisfit | None:
        """None for a text that fits."""
        if self.content.kind == "choice":
            return None if text in self.content.source else TextMisfit("the text is none of the choices")
        return grammar_misfit(f"start: text\ntext: {self.expression}\n", text)


def grammar_misfit(lark: str, text: str, clock: Callable[[], float] = time.thread_time) -> TextMisfit | None:
    """None for a text of this grammar, and where its text has tokens of the model that are not text."""
    if refers_to_tokens(lark):
        return None
    matcher = LLMatcher(_BYTES, _TOKEN_COUNT.sub("max_tokens=1000000", lark), log_level=0, limits=LIMITS)
    if matcher.is_error():
        return None
    taken = _take(matcher, list(text.encode(errors="surrogatepass")), clock)
    if taken is not None or matcher.is_accepting():
        return taken
    return _gave_up(matcher) or TextMisfit("The engine ended the text before its grammar did.", given_up=True)


def _take(matcher: LLMatcher, tokens: Sequence[int], clock: Callable[[], float]) -> TextMisfit | None:
    """Why the matcher does not take these bytes; None where it does."""
    start, stride = 0, STRIDE
    began = before = clock()
    while start < len(tokens):
        piece = list(tokens[start : start + stride])
        # A mask gives the lexer the work of one step.
        matcher.compute_bitmask()
        if matcher.try_consume_tokens(piece) < len(piece):
            return _gave_up(matcher) or TextMisfit("the text does not match the grammar")
        now = clock()
        if now - began > SECONDS:
            return TextMisfit(CHECK_TIME.message, given_up=True)
        start, stride, before = start + len(piece), 1 if now - before > SLOW else STRIDE, now
    return None


def _gave_up(matcher: LLMatcher) -> TextMisfit | None:
    limit = exceeded_limit(matcher.get_error())
    return TextMisfit(limit.message, given_up=True) if limit else None
