"""Logits -> a token."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch

from latticework.engines.base import Sampling
from latticework.engines.portable.sampler import Sampler

# Of eight tokens: the last is the end.
LOGITS = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.0, -1.0, -2.0, 3.5])
PROBABILITIES = LOGITS.softmax(-1)
END = 7
DRAWS = 4000


def sampler(*, defaults: dict[str, Any] | None = None, prompt: tuple[int, ...] = (), **asked: Any) -> Sampler:
    return Sampler(Sampling(max_tokens=9, **asked), defaults or {}, prompt, len(LOGITS), [END, 999])


def drawn(**asked: Any) -> Counter[int]:
    one = sampler(seed=1, **asked)
    return Counter(one.token(LOGITS) for _ in range(DRAWS))


def test_temperature_0_takes_the_likeliest() -> None:
    assert drawn(temperature=0) == {0: DRAWS}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_they_are_likely(temperature: float) -> None:
    counts = drawn(temperature=temperature)
    for token, probability in enumerate((LOGITS / temperature).softmax(-1).tolist()):
        assert abs(counts[token] / DRAWS - probability) < 0.03


NARROWED: list[tuple[dict[str, Any], set[int]]] = [
    ({"top_k": 2}, {0, END}),
    ({"top_k": 0}, set(range(8))),
    ({"top_k": -1}, set(range(8))),
    ({"top_p": 0.6}, {0, END}),
    ({"top_p": 1.0}, set(range(8))),
    ({"min_p": 0.3}, {0, 1, END}),
    ({"min_p": 1.0}, {0}),
    ({"min_tokens": 1}, set(range(7))),
    ({"logit_bias": {6: 100.0}}, {6}),
    ({"logit_bias": {0: -100.0, 7: -100.0}}, set(range(1, 7))),
]


@pytest.mark.parametrize(("asked", "tokens"), NARROWED)
def test_what_narrows_a_choice(asked: dict[str, Any], tokens: set[int]) -> None:
    assert set(drawn(temperature=1.5, **asked)) == tokens


def test_the_models_own_word_counts_where_the_request_has_none() -> None:
    assert sampler(defaults={"temperature": 0.0}).token(LOGITS) == 0
    own = sampler(defaults={"top_k": 1})
    assert {own.token(LOGITS) for _ in range(50)} == {0}
    asked = sampler(defaults={"top_k": 1}, top_k=0, seed=1)
    assert len({asked.token(LOGITS) for _ in range(200)}) > 1


def test_penalties_look_at_the_answer_and_repetitions_at_the_prompt_too() -> None:
    penalties: list[dict[str, Any]] = [
        {"presence_penalty": 2.0},
        {"frequency_penalty": 1.0},
        {"repetition_penalty": 2.0},
    ]
    for penalty in penalties:
        one = sampler(temperature=0, prompt=(0,), **penalty)
        assert one.token(LOGITS) == (END if "repetition_penalty" in penalty else 0)
        one.add([0])
        assert one.token(LOGITS) == END
    often = sampler(temperature=0, frequency_penalty=0.3)
    often.add([0])
    assert often.token(LOGITS) == 0
    often.add([0])
    assert often.token(LOGITS) == END


def test_a_token_that_is_unlikely_already_is_made_more_so() -> None:
    """Logits below zero grow in size: to divide them would make the token likelier."""
    logits = torch.tensor([-1.0, -1.5])
    one = Sampler(Sampling(max_tokens=9, temperature=0, repetition_penalty=2.0), {}, (), 2, ())
    one.add([0])
    assert one.token(logits) == 1


def test_the_end_is_held_back_until_enough_is_written() -> None:
    one = sampler(temperature=0, min_tokens=2, logit_bias={END: 50.0})
    for _ in range(2):
        assert one.token(LOGITS) == 0
        one.add([0])
    assert one.token(LOGITS) == END


def test_a_seed_repeats_and_no_seed_does_not() -> None:
    def drawn(seed: int | None) -> list[int]:
        one = sampler(seed=seed, temperature=2.0)
        return [one.token(LOGITS) for _ in range(64)]

    assert drawn(5) == drawn(5) != drawn(6)
    assert drawn(-3) == drawn(-3)
    assert drawn(None) != drawn(None)


def test_the_logits_are_left_as_they_are() -> None:
    before = LOGITS.clone()
    sampler(temperature=0.7, min_tokens=3, logit_bias={1: 5.0}, presence_penalty=1.0, top_p=0.5).token(LOGITS)
    assert torch.equal(before, LOGITS)
