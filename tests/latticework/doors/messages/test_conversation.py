"""From messages of blocks to the messages of chat templates."""

from __future__ import annotations

from typing import Any

import pytest

from latticework import Settings
from latticework.doors.common.sealed_text import sealed
from latticework.doors.messages.reading import read_request
from latticework.doors.messages.request import MessagesRequest
from latticework.doors.messages.volatile import without_volatile


def block(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def said(role: str, *content: Any) -> dict[str, Any]:
    return {"role": role, "content": content[0] if len(content) == 1 and isinstance(content[0], str) else list(content)}


def text(value: str) -> dict[str, Any]:
    return block("text", text=value)


USE = block("tool_use", id="t", name="add", input={"n": 1.50})
RESULT = block("tool_result", tool_use_id="t", content="2")
CALL = {"id": "t", "type": "function", "function": {"name": "add", "arguments": '{"n": 1.5}'}}
DONE = {"role": "tool", "tool_call_id": "t", "content": "2"}

CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "a text": ([said("user", "a")], [said("user", "a")]),
    "a block": ([said("user", text("a"))], [said("user", "a")]),
    "blocks": ([said("user", text("a"), text("b"))], [said("user", text("a"), text("b"))]),
    "two in a row": ([said("user", "a"), said("user", text("b"))], [said("user", text("a"), text("b"))]),
    "answers in a row": (
        [said("user", "a"), said("assistant", "b"), said("assistant", "c"), said("user", "d")],
        [said("user", "a"), said("assistant", text("b"), text("c")), said("user", "d")],
    ),
    "a call": (
        [said("user", "a"), said("assistant", text("b"), USE), said("user", RESULT)],
        [said("user", "a"), {**said("assistant", "b"), "tool_calls": [CALL]}, DONE],
    ),
    "text before a result": (
        [said("user", "a"), said("assistant", USE), said("user", text("c"), RESULT, text("d"))],
        [said("user", "a"), {"role": "assistant", "tool_calls": [CALL]}, DONE, said("user", text("c"), text("d"))],
    ),
    "an error": (
        [said("user", "a"), said("assistant", USE), said("user", {**RESULT, "is_error": True})],
        [said("user", "a"), {"role": "assistant", "tool_calls": [CALL]}, {**DONE, "content": "Error: 2"}],
    ),
    "a result of nothing": (
        [said("user", "a"), said("assistant", USE), said("user", block("tool_result", tool_use_id="t"))],
        [said("user", "a"), {"role": "assistant", "tool_calls": [CALL]}, {**DONE, "content": ""}],
    ),
    "reasoning": (
        [
            said("user", "a"),
            said("assistant", block("thinking", thinking="r", signature="any"), text("b")),
            said("user", "c"),
        ],
        [said("user", "a"), {**said("assistant", "b"), "reasoning_content": "r"}, said("user", "c")],
    ),
    "omitted reasoning": (
        [
            said("user", "a"),
            said("assistant", block("thinking", thinking="", signature=sealed("r")), text("b")),
            said("user", "c"),
        ],
        [said("user", "a"), {**said("assistant", "b"), "reasoning_content": "r"}, said("user", "c")],
    ),
    "others' reasoning": (
        [said("user", "a"), said("assistant", block("redacted_thinking", data="x"), text("b")), said("user", "c")],
        [said("user", "a"), said("assistant", "b"), said("user", "c")],
    ),
    "an answer without content": ([said("user", "a"), said("assistant", "")], [said("user", "a")]),
    "an answer that others have begun": (
        [said("user", "a"), said("assistant", block("server_tool_use", id="s", name="search", input={}))],
        [said("user", "a")],
    ),
    "system within": (
        [said("user", "a"), said("system", "s"), said("assistant", "b"), said("user", "c")],
        [said("user", "a"), said("system", "s"), said("assistant", "b"), said("user", "c")],
    ),
    "tokens left": (
        [said("user", "a"), said("system", "<total_tokens>5 tokens left</total_tokens>"), said("user", "b")],
        [said("user", text("a"), text("b"))],
    ),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_messages(case: str) -> None:
    given, expected = CASES[case]
    assert read(messages=given).dialogue.messages == expected


def read(**fields: Any) -> Any:
    request = MessagesRequest.model_validate({"model": "m", "max_tokens": 9, **fields})
    return read_request(request, Settings())


def test_places_are_those_of_the_request() -> None:
    given = [said("user", "a"), said("assistant", USE), said("user", RESULT, text("b"))]
    assert read(system="s", messages=given).dialogue.places == [
        *("system", "messages[0]", "messages[1]"),
        *("messages[2].content[0]", "messages[2]"),
    ]


TOOLS = [
    {"name": "find", "input_schema": {"type": "object"}},
    *({"name": name, "description": "d", "input_schema": {}, "defer_loading": True} for name in ("one", "two")),
]
FOUND = block("tool_result", tool_use_id="f", content=[block("tool_reference", tool_name="two")])


def test_a_deferred_tool_is_a_name_until_it_is_found() -> None:
    asked = [said("user", "a")]
    before = read(tools=TOOLS, messages=asked)
    assert [tool.name for tool in before.tools] == ["find"]
    after = read(
        tools=TOOLS,
        messages=[*asked, said("assistant", block("tool_use", id="f", name="find", input={})), said("user", FOUND)],
    )
    assert [tool.name for tool in after.tools] == ["find", "two"]
    assert [tool.name for tool in after.toolbox.listed] == ["find"]
    head = before.dialogue.messages
    assert head[0]["content"] == "Further tools, which a search for them loads: one, two."
    assert after.dialogue.messages[: len(head)] == head, "the beginning of the prompt stays"
    assert '"name": "two", "description": "d"' in after.dialogue.messages[-1]["content"]


def test_tools_that_nobody_can_find_are_loaded() -> None:
    tools = [*TOOLS, {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}]
    assert [tool.name for tool in read(tools=tools, messages=[said("user", "a")]).tools] == ["find", "one", "two"]


VOLATILE = {
    "x-anthropic-billing-header: cc_version=2.1; cch=0a1b2;": "",
    "x-anthropic-billing-header: a\nYou are brief.": "You are brief.",
    "You are brief.\n<total_tokens>1234 tokens left</total_tokens>": "You are brief.",
    "You are brief.": "You are brief.",
    "Explain x-anthropic-billing-header: lines.": "Explain x-anthropic-billing-header: lines.",
    "<total_tokens>1</total_tokens> is a tag.": "<total_tokens>1</total_tokens> is a tag.",
}


@pytest.mark.parametrize(("given", "kept"), VOLATILE.items())
def test_text_that_changes_with_each_request(given: str, kept: str) -> None:
    assert without_volatile(given) == kept


def test_it_can_be_kept() -> None:
    """At the price of the prefix cache: the beginning of each prompt is another."""
    line = "x-anthropic-billing-header: a"
    request = MessagesRequest.model_validate(
        {"model": "m", "max_tokens": 9, "system": line, "messages": [said("user", "a")]}
    )
    kept = read_request(request, Settings(keep_volatile_text=True)).dialogue
    assert (kept.messages[0], kept.shortened) == (said("system", line), [])
    left_out = read_request(request, Settings()).dialogue
    assert (left_out.messages, left_out.shortened) == ([said("user", "a")], ["system"])
