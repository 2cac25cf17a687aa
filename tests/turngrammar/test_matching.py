"""Limits of llguidance: each is met by a grammar, and named by the error."""

from __future__ import annotations

import pytest
from llguidance import LLMatcher, LLParserLimits

from tests.words import words
from turngrammar.matching import DEAD_END, LIMITS, MATCHER_LIMITS, exceeded_limit, is_of_lexer

SECRET = "client-text"

# A grammar, a text along which masks are computed, the limit that is exceeded, and whether by the lexer.
EXCEEDING = [
    (f'start: "{SECRET}" T\nT: /.*a.{{12}}/ & /.*b.{{13}}/ & /.*c.{{11}}/', SECRET, "step_lexer_fuel", True),
    (f'start: "{SECRET}" n{"".join(f" n{i}?" for i in range(300))}\nn: "n"\n'
     + "".join(f"n{i}: /[a-z]/ | /[b-y]+/\n" for i in range(300)), f"{SECRET}n", "step_max_items", False),
    ('start: "x" (' + " | ".join(f'"{i}" "y"' for i in range(2_100)) + ")", "x", "max_items_in_row", False),
    ('start: "a" T\nT: /x/ & /y/', "a", DEAD_END.name, False),
]  # fmt: skip


@pytest.mark.parametrize(("grammar", "text", "limit", "lexer"), EXCEEDING)
def test_an_error_of_llguidance_names_the_limit_and_quotes_nothing(
    grammar: str, text: str, limit: str, lexer: bool
) -> None:
    error = error_along(grammar, text)
    found = exceeded_limit(error)
    assert (found and found.name, is_of_lexer(error)) == (limit, lexer), error
    assert SECRET not in error


def error_along(grammar: str, text: str, limits: LLParserLimits = LIMITS) -> str:
    matcher = LLMatcher(words(), grammar, log_level=0, limits=limits)
    assert not matcher.is_error()
    for byte in text.encode():
        matcher.compute_bitmask()
        matcher.consume_token(byte)
    matcher.compute_bitmask()
    return matcher.get_error()


def test_states_are_counted_for_all_masks_together() -> None:
    few = LLParserLimits(max_lexer_states=50, verbose_errors=False)
    error = error_along("start: /.*(a|e|i).{30}/", "aeiou xyz " * 12, few)
    found = exceeded_limit(error)
    assert (found and found.name, is_of_lexer(error)) == ("max_lexer_states", True)


def test_another_error_names_none() -> None:
    matcher = LLMatcher(words(), 'start: "a"', log_level=0, limits=LIMITS)
    matcher.consume_token(98)
    assert matcher.is_error()
    assert exceeded_limit(matcher.get_error()) is None


def test_each_says_what_to_do() -> None:
    assert len({limit.name for limit in MATCHER_LIMITS}) == len(MATCHER_LIMITS)
    assert all(limit.message.endswith(".") and f"({limit.name})" in limit.message for limit in MATCHER_LIMITS)
