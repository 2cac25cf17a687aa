"""Compiled grammars, kept by what they really take."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from llguidance import LLMatcher

from latticework.engines import grammars
from latticework.engines.grammars import BYTES_EACH, MOST_GROWN, WORK_PER_MEASURING, Grammars
from latticework.memory import allocated
from tests.words import words

VOWELS = "start: /[aeiou]{3}x/"
# Grows with each character of an answer.
GROWING = "start: /.*(a|e|i).{30}/"


def counting(*values: int) -> Grammars:
    """Measures these, one after the other, then the last for ever."""
    read: Iterator[int] = iter(values)
    last = [0]

    def measure() -> int:
        last[0] = next(read, last[0])
        return last[0]

    return Grammars(words(), measure=measure, most_live=100 * BYTES_EACH)


def test_a_text_is_compiled_once_and_weighs_what_compiling_it_allocated() -> None:
    kept = counting(0, 7 * BYTES_EACH)
    first = kept.get(VOWELS)
    assert kept.get(VOWELS) is first
    assert (first.bytes, kept.kept.weight, kept.bytes) == (7 * BYTES_EACH, 7 * BYTES_EACH, 7 * BYTES_EACH)
    with pytest.raises(ValueError, match=r"\S"):
        kept.get("start: nowhere")


def test_a_grammar_that_has_grown_large_is_given_to_no_other_answer() -> None:
    kept = counting()
    first = kept.get(VOWELS)
    kept.grew(first, BYTES_EACH)
    assert (kept.kept.weight, kept.get(VOWELS)) == (2 * BYTES_EACH, first)
    kept.grew(first, MOST_GROWN)
    assert kept.kept.weight == 0
    second = kept.get(VOWELS)
    assert second is not first
    # The first one is not kept any more: it can't take the place of the second.
    kept.grew(first, BYTES_EACH)
    kept.drop(first)
    assert kept.get(VOWELS) is second


def test_what_answers_use_counts_until_they_end() -> None:
    kept = counting()
    large, small = kept.get(VOWELS), kept.get("start: /b/")
    assert not kept.exceeds_share(large)
    kept.grew(large, 200 * BYTES_EACH)
    assert kept.exceeds_share(large)
    assert not kept.exceeds_share(small)
    kept.drop(large)
    assert kept.exceeds_share(large)
    del large
    assert kept.bytes == BYTES_EACH


def test_freed_memory_is_given_back_with_the_next_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(grammars, "trim", lambda: given.append(1))
    kept = counting()
    first = kept.get(VOWELS)
    kept.grew(first, 2 * grammars.FREED)
    kept.exceeds_share(first)
    kept.get("start: /b/")
    assert not given
    kept.drop(first)
    del first
    kept.get("start: /c/")
    kept.get("start: /d/")
    assert given == [1]


def test_where_nothing_is_measured_growth_is_estimated_from_time() -> None:
    kept = Grammars(words(), measure=lambda: None)
    assert kept.growth(0.1) == int(0.1 * grammars.BYTES_PER_SECOND)


def test_growth_is_shared_by_the_time_of_answers_and_measured_as_seldom_as_it_is_slow() -> None:
    kept = counting(0, 0, 1000, 5000)
    kept.get(VOWELS)
    kept.worked(3.0)
    kept.worked(1.0)
    assert kept.share(1.0) == 250
    kept._measuring = 1.0
    kept.worked(WORK_PER_MEASURING - 1)
    assert kept.share(1.0) == 250
    kept.worked(1.0)
    assert kept.share(8.0) == 1000


@pytest.mark.skipif(allocated() is None, reason="this C library does not count")
def test_the_growth_of_an_automaton_is_measured() -> None:
    """At 360 bytes a state or more."""
    kept = Grammars(words())
    matcher: LLMatcher = kept.compiled(GROWING).matcher
    for byte in b"the quick brown fox jumps over the lazy dog and so on and so forth" * 4:
        matcher.compute_bitmask()
        matcher.consume_token(byte)
    assert not matcher.is_error()
    assert kept.growth(0.0) > 100_000
