"""How large a run is: on a GPU, and the same on a CPU in minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wave:
    """Answers at once, all of which are drafted for as much as possible.

    Attributes:
        sampling: parameters of all its requests.
        fills: whether their prompts fill the KV cache.
    """

    name: str
    answers: int
    sampling: dict[str, Any]
    fills: bool = False


@dataclass(frozen=True)
class Limits:
    """Seconds: of the sampler's part; for one server to start, to be compared, to be timed, to be filled."""

    sampler: float
    start: float
    answers: float
    rates: float
    memory: float
    whole: float


@dataclass(frozen=True)
class Scale:
    """Attributes:

    loads: answers at once.
    tokens: an answer's, at most.
    compared: answers that are compared, of `compared_tokens`; `at_once` of them are asked at a time.
    rows: of logits, whose memory is measured, each of `vocabulary` logits.
    forced_text: characters that the grammar forces in each answer of a wave.
    longest_prompt: tokens, where prompts fill the cache.
    """

    name: str
    loads: tuple[int, ...]
    rounds: int
    tokens: int
    compared: int
    compared_tokens: int
    at_once: int
    rows: tuple[int, ...]
    vocabulary: int
    samples: int
    waves: tuple[Wave, ...]
    forced_text: int
    longest_prompt: int
    limits: Limits


GREEDY: dict[str, Any] = {"temperature": 0}
SAMPLED: dict[str, Any] = {"temperature": 1, "top_p": 0.9, "top_k": 50}
REPORTED: dict[str, Any] = {"temperature": 1, "logprobs": True, "top_logprobs": 5}


def waves(answers: int, more: int) -> tuple[Wave, ...]:
    return (
        Wave("greedy", answers, GREEDY),
        Wave("sampled", answers, SAMPLED),
        Wave("log probabilities", answers, REPORTED),
        Wave("sampled, more", more, SAMPLED),
        Wave("full cache", answers, SAMPLED, fills=True),
    )


ON_GPU = Scale(
    name="gpu",
    loads=(1, 8, 64, 256),
    rounds=4,
    tokens=100,
    compared=24,
    compared_tokens=80,
    at_once=8,
    rows=(256, 512, 9 * 256, 17 * 256),
    vocabulary=152_064,
    samples=20_000,
    waves=waves(256, 1024),
    forced_text=2000,
    longest_prompt=7000,
    limits=Limits(sampler=30, start=120, answers=20, rates=45, memory=60, whole=900),
)

# On two cores that others use too, a start takes longer than all that follows.
TINY = Scale(
    name="tiny",
    loads=(1, 2, 4),
    rounds=2,
    tokens=12,
    compared=4,
    compared_tokens=12,
    at_once=2,
    rows=(8, 16, 32),
    vocabulary=20_000,
    samples=2000,
    waves=waves(4, 8),
    forced_text=200,
    longest_prompt=500,
    limits=Limits(sampler=120, start=600, answers=120, rates=180, memory=180, whole=3600),
)
