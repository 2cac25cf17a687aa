"""Ratios of latticework's figures to vLLM's, over paired measurements, with their spread."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """Attributes:

    value: the ratio of the sums, in which long answers have more weight.
    median, low, high, least, most: of the ratios of single pairs; `low` and `high` are the quartiles.
    """

    value: float
    median: float
    low: float
    high: float
    least: float
    most: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.value:.2f} (quartiles {self.low:.2f}–{self.high:.2f}, {self.least:.2f}–{self.most:.2f})"


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Raises ValueError for empty lists and for different lengths."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    if not ratios:
        raise ValueError("no pairs to compare")
    low, median, high = quartiles(ratios)
    return Ratio(sum(ours) / sum(theirs), median, low, high, min(ratios), max(ratios), len(ratios))


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, median, high
