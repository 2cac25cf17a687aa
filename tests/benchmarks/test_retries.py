"""What the benchmark of retries asks can't be enforced, and its figures are those of the outcomes."""

from __future__ import annotations

import pytest

from benchmarks.checked_schemas import CheckedTask, validated_tasks, written_tasks
from benchmarks.retries import Mode, Outcome, ratio, repaired, resampled, share
from turngrammar.schema import compile_schema


def test_no_grammar_enforces_the_written_schemas() -> None:
    tasks = written_tasks()
    assert len({task.id for task in tasks}) == 53
    assert [task.id for task in tasks if compile_schema(task.schema).exact] == []


def test_validators_refuse_what_their_schemas_allow() -> None:
    assert all(compile_schema(task.schema).exact for task in validated_tasks())
    sum_of = next(task.refuse for task in validated_tasks() if task.id == "sum")
    assert sum_of is not None
    sum_of({"a": 250, "b": 320, "sum": 570})
    with pytest.raises(ValueError, match="570"):
        sum_of({"a": 250, "b": 320, "sum": 571})


def outcomes(mode: Mode, *attempts: int | None) -> list[Outcome]:
    return [Outcome(CheckedTask(str(index), "k", "", {}), mode, 0, made) for index, made in enumerate(attempts)]


def test_figures() -> None:
    made = [*outcomes("resample", 1, 2, None, None), *outcomes("feedback", 1, 2, 3, None)]
    assert (share(made, "resample"), share(made, "feedback"), share(made, "feedback", 1)) == (0.5, 0.75, 0.25)
    assert ratio(made) == 1.5
    assert repaired(made, "feedback") == pytest.approx(2 / 3)
    low, high = resampled(made, lambda sample: share(sample, "feedback"))
    assert 0 <= low < 0.75 < high <= 1
