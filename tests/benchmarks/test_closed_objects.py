"""What counts as cut and as an argument that is not listed."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.client import Answer
from benchmarks.closed_objects import has_extra, listed_names, outcome

ROW: dict[str, Any] = {
    "tools": [{"function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}}}]
}


def answer(*arguments: str, finish: str = "tool_calls") -> Answer:
    return Answer("", tuple(("f", text) for text in arguments), 1, 7, finish, 0.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        ((), False),
        (("",), False),
        (("{}", '{"a": 1}'), False),
        (('{"a": 1}', '{"b": 1}'), True),
        (('{"a": 1, "b": {"c": "x',), True),  # cut
        (('{"a": {"b',), False),
    ],
)
def test_other_arguments_are_seen_in_cut_calls_too(arguments: tuple[str, ...], extra: bool) -> None:
    assert has_extra(answer(*arguments), listed_names(ROW)) is extra


def test_answers_are_counted() -> None:
    given = [answer('{"a": 1}'), answer('{"b": 1}', finish="length"), None]
    found = outcome([(ROW, one) for one in given])
    assert (found.cut, found.extra, found.tokens, found.failed) == (1, 1, 14, 1)
