"""What is divided by what."""

from __future__ import annotations

import pytest

from benchmarks.ratios import paired


def test_the_value_is_of_the_sums_and_the_spread_of_the_pairs() -> None:
    ratio = paired([10, 30, 40, 90], [100, 100, 100, 100])
    assert ratio.value == pytest.approx(0.425)
    assert ratio.median == pytest.approx(0.35)
    assert (ratio.least, ratio.most, ratio.pairs) == (0.1, 0.9, 4)
    assert ratio.least < ratio.low < ratio.median < ratio.high < ratio.most


def test_one_pair_has_no_spread() -> None:
    assert str(paired([1], [2])) == "0.50 (quartiles 0.50–0.50, 0.50–0.50)"


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0], [])])
def test_what_has_no_pair_is_not_compared(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError):
        paired(ours, theirs)
