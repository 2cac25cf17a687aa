"""What the accuracy benchmark counts as right, and which differences it reports."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from benchmarks import accuracy, fields, intervals, workload
from benchmarks.accuracy import CALL, DOCUMENT, NONE, Answered, Asked
from benchmarks.fields import UNSCORED, Score

TEXTS = workload.extraction()


def without(schema: Any, names: frozenset[str]) -> Any:
    """A schema that does not ask for what is not scored."""
    match schema:
        case dict():
            kept = {key: without(value, names) for key, value in schema.items() if key not in names}
            if isinstance(kept.get("required"), list):
                kept["required"] = [name for name in kept["required"] if name not in names]
            return kept
        case list():
            return [without(item, names) for item in schema]
    return schema


@pytest.mark.parametrize("task", TEXTS, ids=lambda task: task.id)
def test_the_truth_fits_its_schema_and_scores_as_right(task: workload.Task) -> None:
    """The truth of a text is one of the answers that the server could give."""
    kind, _, index = task.id.rpartition("-")
    document = json.loads((workload.CORPUS / "answers" / f"{kind}.json").read_text())[int(index)]
    schema = without(task.body["response_format"]["json_schema"]["schema"], UNSCORED.get(kind, frozenset()))
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)
    answer = Answered({"message": {"content": json.dumps(document)}})
    assert accuracy.measured(Asked(task, DOCUMENT), answer) == {accuracy.EXACT: 1.0, accuracy.F1: 1.0}


TRUE = {"/a": "Two  Words", "/b/0": 1, "/c": None, "/d": True}
GIVEN = [
    (TRUE, Score(1.0, 1.0)),
    ({"/a": "two words", "/b/0": 1, "/d": True}, Score(1.0, 1.0)),
    ({"/a": "two other", "/b/0": 1, "/d": True}, Score(2 / 3, 2 * 2.5 / 6)),
    ({"/a": "two words", "/b/0": 1.0, "/d": 1}, Score(2 / 3, 2 * 2 / 6)),
    ({**TRUE, "/c": "x", "/e": 2}, Score(3 / 5, 2 * 3 / 9)),
    ({}, Score(0.0, 0.0)),
]


@pytest.mark.parametrize(("given", "score"), GIVEN)
def test_the_score_of_fields(given: dict[str, Any], score: Score) -> None:
    found = fields.score(given, TRUE)
    assert [found.exact, found.f1] == pytest.approx([score.exact, score.f1])


def test_fields_are_the_leaves_but_for_prose() -> None:
    document = {"name": "n", "ingredients": [{"name": "a/b", "note": "x"}], "steps": ["s"]}
    assert fields.fields(document, "recipe") == {"/name": "n", "/ingredients/0/name": "a/b"}


ROW = {"ground_truth": [{"a.b": {"x": [1]}}], "name_map": {"a.b": "a_b"}}


def called(*calls: tuple[str, str]) -> Answered:
    listed = [{"function": {"name": name, "arguments": arguments}} for name, arguments in calls]
    return Answered({"message": {"content": None, "tool_calls": listed}})


@pytest.mark.parametrize(
    ("wants", "answer", "measures"),
    [
        (CALL, called(("a_b", '{"x": 1}')), {"names": 1, "arguments": 1}),
        (CALL, called(("a_b", '{"x": 2}')), {"names": 1, "arguments": 0}),
        (CALL, called(("a_b", '{"x": 1}'), ("a_b", '{"x": 1}')), {"names": 0, "arguments": 0}),
        (CALL, Answered(None), {"names": 0, "arguments": 0}),
        (NONE, called(), {"silent": 1}),
        (NONE, called(("a_b", "{}")), {"silent": 0}),
        (NONE, Answered(None), {"silent": 0}),
        (DOCUMENT, Answered({"message": {"content": '{"cut'}}), {"fields": 0, "F1": 0}),
    ],
)
def test_the_measures_of_an_answer(wants: str, answer: Answered, measures: dict[str, float]) -> None:
    assert accuracy.measured(Asked(TEXTS[0], wants, ROW), answer) == measures


def test_only_differences_beyond_their_intervals_are_reported() -> None:
    """One variant is right where the first is wrong, another where it is right too, but for one text."""
    listed = [Asked(task, DOCUMENT) for task in TEXTS[:8]]

    def answers(right: int, p: float | None = None) -> dict[str, Answered]:
        made = {}
        for number, task in enumerate(TEXTS[:8]):
            truth = json.loads((workload.CORPUS / "answers" / f"{task.kind}.json").read_text())[0]
            text = json.dumps(truth if number < right else {"wrong": 1})
            found = {at: {"p": p if number < right else 0.2} for at in fields.fields(json.loads(text), task.kind)}
            made[task.id] = Answered({"message": {"content": text}, "confidence": {"content": found}})
        return made

    known = {"as it is": answers(2), "confidence": answers(8, 0.9), "draft_tokens 64": answers(3)}
    lines = list(accuracy.remarks(known, {"grounding": "grounding ignored"}, listed))
    assert [line.partition(":")[0] for line in lines] == [
        "confidence, fields",
        "confidence, F1",
        "2 of 4 differences are larger than their 95% intervals, and no other is reported; of as many without any "
        "effect, 0 would be",
        "confidence",
        "left out",
    ]
    assert lines[0].startswith("confidence, fields: +75.0% (+")
    known["confidence"] = answers(4, 0.9)
    assert "confidence: AUROC 1.00 (1.00 to 1.00) over" in "\n".join(accuracy.remarks(known, {}, listed))


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(0.9, True), (0.1, False)], 1.0),
        ([(0.1, True), (0.9, False)], 0.0),
        ([(0.5, True), (0.5, False)], 0.5),
        ([(0.9, True), (0.5, True), (0.7, False)], 0.5),
        ([(0.9, True)], 0.5),
    ],
)
def test_auroc(pairs: list[tuple[float, bool]], expected: float) -> None:
    assert intervals.auroc(pairs) == expected


def test_an_interval_holds_what_it_says() -> None:
    """Of 100 samples of 40 coin tosses, about 95 intervals hold one half: at least 88, and not all."""
    import random

    rng = random.Random(1)
    holds = 0
    for seed in range(100):
        tosses = [float(rng.random() < 0.5) for _ in range(40)]
        found = intervals.bootstrap(tosses, intervals.mean, seed)
        holds += found.low <= 0.5 <= found.high
    assert 88 <= holds < 100
