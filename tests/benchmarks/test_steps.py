"""The benchmark of steps, with few answers."""

from __future__ import annotations

import warnings

import pytest

from latticework import embedded
from tests import shared

with warnings.catch_warnings():  # vLLM's imports warn, and warnings are errors in tests
    warnings.simplefilter("ignore")
    from benchmarks import steps
    from benchmarks.options import Options
    from benchmarks.ratios import paired
    from benchmarks.scripted_answers import KINDS


@pytest.mark.filterwarnings("ignore")
def test_every_contestant_writes_all_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a small vocabulary."""
    shared.path("bfcl_dev.jsonl.gz")
    monkeypatch.setattr(steps, "model_folder", embedded.model_path)
    monkeypatch.setattr(steps, "LEAST_ANSWERS", 3)
    monkeypatch.setattr(steps, "SIZES", (1, 2))
    report = steps.report(Options(quick=True))
    assert [row[:2] for row in report.rows] == [("2", name) for name in steps.CONTESTANTS]
    passes = {name: report.figures[f"{name} at 2"]["passes_per_token"] for name in steps.CONTESTANTS}
    assert passes["stock"] == dict.fromkeys(KINDS, 1.0)
    assert all(passes["auto"][kind] <= passes["forced"][kind] < 1 for kind in KINDS)


def test_a_figure_is_per_request_and_step() -> None:
    result = steps.Repetition(places=4, tokens=4, modelled=2.0, passes={"call": (2, 10), "label": (3, 10)})
    result.spent.processor.update(schedule=8e-6, masks=4e-6)
    assert (result.processor("schedule"), result.whole, result.per_token) == pytest.approx((2, 3, 0.25))
    line = steps.Line(256, "auto", [result, result], paired([3, 3], [1, 1]))
    assert line.cells[2:5] == ("2", "1", "0") and line.cells[7] == "≤ 2" and line.cells[-1] == "2"
