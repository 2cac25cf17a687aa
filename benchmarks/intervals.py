"""Intervals by the bootstrap: what a figure would be with other samples of the same kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

SAMPLES = 2000
# Of the samples' figures, what is within the interval.
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure, and between what it lies in 95% of the samples."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def bootstrap(items: Sequence[T], figure: Callable[[Sequence[T]], float], seed: int = 0) -> Interval:
    """Items are drawn with replacement, as many as there are. Raises ValueError without any.

    For a paired difference, an item is the pair of what both have made of the same task.
    """
    if not items:
        raise ValueError("no items to draw from")
    rng = random.Random(seed)
    drawn = sorted(figure(rng.choices(items, k=len(items))) for _ in range(SAMPLES))
    outside = round(SAMPLES * (1 - LEVEL) / 2)
    return Interval(figure(items), drawn[outside], drawn[-1 - outside])


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def difference(pairs: Sequence[tuple[float, float]]) -> float:
    """The mean of what the second of each pair has more than the first."""
    return mean([second - first for first, second in pairs])


def auroc(judged: Sequence[tuple[float, bool]]) -> float:
    """How often a right value has a higher p than a wrong one, ties counted half; 0.5 where there is only one kind."""
    right = [p for p, is_right in judged if is_right]
    wrong = [p for p, is_right in judged if not is_right]
    if not right or not wrong:
        return 0.5
    wins = sum((high > low) + 0.5 * (high == low) for high in right for low in wrong)
    return wins / (len(right) * len(wrong))
