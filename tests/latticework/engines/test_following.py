"""One answer's use of a grammar."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from llguidance import LLMatcher

from latticework.engines.base import EngineFailed, GrammarGivenUp
from latticework.engines.following import OTHER, Following, given_up, given_up_by
from latticework.engines.grammars import Grammars
from tests.words import END, words
from turngrammar.matching import MASK_MEMORY, MASK_TIME

VOWELS = "start: /[aeiou]{3}x/"
# One mask takes more of the lexer than any may.
SHARED = 'start: "a" T | "b" U\nT: /.*a.{12}/ & /.*b.{13}/ & /.*c.{11}/\nU: /[x-z]{5}/'
TOO_MUCH = 'start: "a" T\nT: /.*a.{12}/ & /.*b.{13}/ & /.*c.{11}/'


def grammars(most_live: int = 2**30) -> Grammars:
    return Grammars(words(), most_live=most_live, measure=lambda: 0)


def mask(matcher: LLMatcher) -> bytes:
    return bytes(matcher.compute_bitmask())


def takes(answer: Following, text: bytes) -> bool:
    taken = answer.use(lambda matcher: matcher.consume_tokens(list(text)))
    if taken:
        answer.went_on(list(text))
    return taken


def test_an_answer_has_a_matcher_of_its_own_behind_its_opening() -> None:
    kept = grammars()
    first, second = Following(kept, VOWELS, list(b"ae")), Following(kept, VOWELS)
    assert takes(first, b"ix") and takes(second, b"aei")
    with pytest.raises(ValueError, match=r"\S"):
        Following(kept, VOWELS, list(b"b"))


def test_a_limit_that_is_exceeded_ends_the_answer_by_its_name() -> None:
    kept = grammars()
    answer = Following(kept, TOO_MUCH)
    assert takes(answer, b"a")
    found = answer.use(mask)
    assert answer.gave_up == "step_lexer_fuel"
    # Nothing but the end may follow, for ever.
    assert [place for place, byte in enumerate(found) if byte] == [END // 8]
    assert answer.use(mask) == found
    assert answer.matcher.is_stopped()


def test_what_one_answer_has_done_to_the_lexer_ends_no_other() -> None:
    """Copies of a matcher share its lexer, and its error."""
    kept = grammars()
    victim, culprit = Following(kept, SHARED), Following(kept, SHARED)
    assert takes(victim, b"bx")
    assert takes(culprit, b"a")
    culprit.use(mask)
    assert culprit.gave_up == "step_lexer_fuel"
    assert set(mask(victim.matcher)[: END // 8]) == {0} and victim.matcher.is_error()
    assert takes(victim, b"yz")
    assert (victim.gave_up, victim.renewed) == ("", True)
    assert set(victim.use(mask)[: END // 8]) != {0}
    # The next answer gets a lexer without an error.
    assert takes(Following(kept, SHARED), b"bxyz")


def test_a_second_error_is_the_answers_own() -> None:
    kept = grammars()
    answer = Following(kept, SHARED)
    assert takes(answer, b"a")
    answer.use(mask)
    assert (answer.renewed, answer.gave_up) == (True, "step_lexer_fuel")
    assert kept.kept.weight == 0


def test_looking_ahead_ends_no_answer() -> None:
    answer = Following(grammars(), SHARED)

    def look(matcher: LLMatcher) -> int:
        matcher.consume_token(ord("a"))
        return len(mask(matcher))

    assert answer.look_ahead(look)
    assert (answer.renewed, answer.gave_up) == (True, "")
    assert takes(answer, b"bxyzxy")


def test_tokens_that_were_taken_back_are_not_taken_again() -> None:
    kept = grammars()
    victim, culprit = Following(kept, SHARED), Following(kept, SHARED)
    assert takes(victim, b"bxy")
    victim.use(lambda matcher: matcher.rollback(2))
    victim.went_back(2)
    takes(culprit, b"a")
    culprit.use(mask)
    assert takes(victim, b"zzzzz")
    assert victim.renewed


def test_any_other_error_ends_the_answer_too() -> None:
    answer = Following(grammars(), VOWELS)
    assert not takes(answer, b"b")
    assert answer.gave_up == OTHER


@pytest.mark.parametrize(("seconds", "uses"), [(0.015, 51), (0.105, 6), (10.0, 1), (0.004, None)])
def test_slow_masks_end_their_answer(seconds: float, uses: int | None) -> None:
    """What each takes beyond 5 ms adds up."""
    answer = Following(grammars(), VOWELS, clock=ticking(seconds))
    done = 0
    while not answer.gave_up and done < 200:
        answer.use(mask)
        done += 1
    assert (done, answer.gave_up) == ((uses, MASK_TIME.name) if uses else (200, ""))


def ticking(seconds: float) -> Callable[[], float]:
    now = iter(range(10**6))
    return lambda: next(now) * seconds


def test_a_grammar_that_grows_beyond_its_share_ends_its_answer() -> None:
    sizes = iter(range(0, 2**40, 2**20))
    kept = Grammars(words(), most_live=16 * 2**20, measure=lambda: next(sizes))
    answer = Following(kept, VOWELS, clock=ticking(0.002))
    for _ in range(40):
        answer.use(mask)
    assert answer.gave_up == MASK_MEMORY.name


def test_the_client_is_told_the_limit() -> None:
    for name in ("step_lexer_fuel", MASK_TIME.name):
        error = given_up(name)
        assert isinstance(error, GrammarGivenUp)
        assert f"({name})" in str(error)
    assert isinstance(given_up(OTHER), EngineFailed)
    assert isinstance(given_up_by("lexer error: too many states: 7 >= 7"), GrammarGivenUp)
