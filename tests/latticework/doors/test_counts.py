"""How many of each list a request may have: exactly the limit, over all messages together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from latticework import Settings
from latticework.doors.openai.counts import CROWDS, refuse_openai_crowds
from latticework.errors import BadRequest

# By setting: a body with three of it, and the list with the third.
THREE: list[tuple[str, dict[str, Any], str]] = [
    ("max_messages", {"messages": [{}] * 3}, "messages"),
    ("max_content_parts", {"messages": [{"content": [0]}, {"content": "text"}, {"content": [0, 0]}]},
     "messages[2].content"),
    ("max_past_calls", {"messages": [{"tool_calls": [0, 0]}, 0, {"tool_calls": [0]}]}, "messages[2].tool_calls"),
    ("max_tools", {"tools": [0, 0, 0]}, "tools"),
    ("max_stops", {"stop": ["a", "b", "c"]}, "stop"),
    ("max_stops", {"bad_words": ["a", "b", "c"]}, "bad_words"),
    ("max_stop_length", {"stop": ["a", "abc"]}, "stop"),
    ("max_stop_length", {"stop": "abc"}, "stop"),
]  # fmt: skip


def limited(setting: str, most: int) -> Settings:
    options: dict[str, Any] = {setting: most}
    return replace(Settings(), **options)


@pytest.mark.parametrize(("setting", "body", "param"), THREE)
def test_one_more_than_the_limit_is_refused(setting: str, body: dict[str, Any], param: str) -> None:
    refuse_openai_crowds(body, limited(setting, 3))
    with pytest.raises(BadRequest, match=rf"{setting} \(2\)") as raised:
        refuse_openai_crowds(body, limited(setting, 2))
    assert raised.value.param == param


def test_each_limit_has_a_case() -> None:
    assert {crowd.setting for crowd in CROWDS} | {"max_stop_length"} == {setting for setting, _, _ in THREE}


@pytest.mark.parametrize("value", [None, 0, "text", {}, [0], [[]], {"content": 0}])
def test_what_has_another_type_is_left_to_validation(value: Any) -> None:
    refuse_openai_crowds(
        dict.fromkeys(("messages", "tools", "stop", "bad_words"), value), replace(Settings(), max_stops=1)
    )
