"""How long an engine may read prompts: by hand, with a clock of the test's own."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from latticework.engines.reading import MARGIN, MEASURED, SLOWEST, ArrivingPrompt, Reading


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Engine:
    """`reading`, and prompts that wait as long as the test lets them."""

    def __init__(self, most: int) -> None:
        self.clock = Clock()
        self.reading = Reading(most, self.clock)
        self.open = ExitStack()

    def ask(self, tokens: int) -> ArrivingPrompt:
        return self.open.enter_context(self.reading.prompt(tokens))


def measured(seconds: float, tokens: int = MEASURED, cached: int = 0) -> Engine:
    """One that took so long to read a prompt."""
    engine = Engine(10_000)
    asked = engine.ask(tokens + cached)
    engine.clock.now += seconds
    engine.reading.read(asked, cached)
    return engine


def test_before_anything_is_measured_the_slowest_speed_is_expected() -> None:
    engine = Engine(100)
    assert engine.reading.allowance() == 0
    engine.ask(30)
    assert engine.reading.allowance() == pytest.approx(30 / SLOWEST)
    engine.ask(200)
    assert engine.reading.allowance() == pytest.approx(100 / SLOWEST), "a step reads no more"


@pytest.mark.parametrize("cached", [0, 50_000])
def test_then_it_is_what_the_engine_takes_and_a_margin(cached: int) -> None:
    engine = measured(2.0, cached=cached)
    engine.ask(500)
    assert engine.reading.allowance() == pytest.approx(MARGIN * 500 * 2.0 / MEASURED)


def test_too_little_is_no_measurement() -> None:
    engine = measured(2.0, tokens=MEASURED - 1)
    engine.ask(50)
    assert engine.reading.allowance() == pytest.approx(50 / SLOWEST)


def test_time_counts_once_however_many_prompts_wait_and_not_without_any() -> None:
    engine = measured(1.0)
    engine.clock.now += 1000  # idle
    both = engine.ask(MEASURED), engine.ask(MEASURED)
    engine.clock.now += 3
    for asked in both:
        engine.reading.read(asked)
        engine.reading.read(asked)  # no more than once
    engine.ask(30)
    assert engine.reading.allowance() == pytest.approx(MARGIN * 30 * (1 + 3) / (3 * MEASURED))


def test_a_prompt_that_nobody_waits_for_may_still_be_read_until_the_engine_answers() -> None:
    engine = Engine(100)
    before = engine.reading.left()
    with engine.reading.prompt(40):
        pass
    engine.reading.forget(before)
    assert engine.reading.allowance() == pytest.approx(40 / SLOWEST), "asked before it was left"
    engine.reading.forget(engine.reading.left())
    assert engine.reading.allowance() == 0


def test_one_that_waits_is_not_forgotten_for_an_answer() -> None:
    engine = Engine(100)
    engine.ask(40)
    engine.reading.forget(engine.reading.left())
    assert engine.reading.allowance() == pytest.approx(40 / SLOWEST)
