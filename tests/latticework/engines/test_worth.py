from __future__ import annotations

import pytest

from latticework.engines.worth import KINDS, PRIORS, Chances, Price, kind


def test_kinds_of_context() -> None:
    assert [kind(context) for context in (0, 1, 2, 3, 4, 7, 8, 31, 32, 1000)] == [0, 1, 2, 2, 3, 3, 4, 5, 6, 6]
    assert len(PRIORS) == KINDS


def test_chances_follow_what_is_seen() -> None:
    chances = Chances()
    for _ in range(2000):
        chances.observe(3, True)
        chances.observe(4, False)
    assert chances[3] > 0.95
    assert chances[4] < 0.05
    assert chances[2] == PRIORS[2]


def test_an_answer_begins_with_its_engines_chances() -> None:
    engine = Chances()
    engine.observe(3, False)
    answer = engine.child()
    assert answer[3] == pytest.approx(engine[3])
    answer.observe(3, True)
    assert answer[3] > engine[3]


def price(step: float, token: float, guess: float = 0.0) -> Price:
    """What is learned of an engine whose steps take so long, and each guess of 100 before a step."""
    learned = Price()
    for round in range(3000):
        tokens = 1 + round % 40
        learned.observe_guesses(100 * round, 100 * round * guess)
        learned.observe(tokens, step + tokens * token)
    return learned


def test_a_price_is_found() -> None:
    learned = price(0.02, 0.001)
    assert learned.step == pytest.approx(0.02, rel=1e-3)
    assert learned.token == pytest.approx(0.001, rel=1e-3)


@pytest.mark.parametrize(
    ("step", "token", "answers", "threshold"),
    [
        (0.02, 0.001, 1, 1 / 21),  # one answer alone: hardly a guess is too bold
        (0.02, 0.001, 20, 1 / 2),
        (0.02, 0.001, 180, 0.9),  # a full batch: what does not hold takes another one's place
        (0.02, 0.0, 256, 0.0),  # tokens cost nothing, as in a small batch on a GPU
        (0.0, 0.001, 1, 1.0),  # steps cost nothing, and no guess can save one
    ],
)
def test_a_guess_must_be_likelier_the_fuller_the_batch(
    step: float, token: float, answers: int, threshold: float
) -> None:
    assert price(step, token).threshold(answers) == pytest.approx(threshold, abs=2e-3)


@pytest.mark.parametrize(("guess", "threshold"), [(0.0, 1 / 2), (0.0005, 3 / 4), (0.002, 3 / 2)])
def test_a_guess_pays_for_looking_for_it(guess: float, threshold: float) -> None:
    """A token and its share of a step take 1 ms each."""
    assert price(0.02, 0.001, guess).threshold(20) == pytest.approx(threshold, abs=2e-3)


def test_what_a_guess_costs_is_forgotten_while_none_is_looked_for() -> None:
    learned = price(0.02, 0.001, 0.002)
    for _ in range(2000):
        learned.observe_guesses(299_900, 599.8)
    assert Price().guess < learned.guess < 1.1 * Price().guess


def test_the_shortest_context_with_a_chance() -> None:
    assert [Chances().shortest(least) for least in (0.0, 0.45, 0.6, 0.95, 0.99)] == [1, 2, 16, 32, None]


def test_steps_that_are_all_alike_tell_no_price_of_a_token() -> None:
    learned = Price(weight=0, tokens=0, seconds=0)
    for _ in range(5000):
        learned.observe(1, 0.02)
    assert 0 <= learned.threshold(1) <= 1
