"""Streams of messages: their events, and the whole message that they amount to, at every chunking and every cut."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from latticework import create_app
from latticework.engines.base import EngineDead, Piece, Sampling
from tests.latticework.doors.messages.messaging import (
    ADD,
    NUMBER,
    folded,
    scripted,
    serving,
    streamed,
    whole,
    without_ids,
)

CALL, OTHER = (f'<tool_call>\n{{"name": "add", "arguments": {{"n": {n}}}}}\n</tool_call>' for n in (12, 13))
TOOLS: dict[str, Any] = {"tools": [ADD]}
EAGER: dict[str, Any] = {"tools": [{**ADD, "eager_input_streaming": True}]}
FORMAT: dict[str, Any] = {"output_config": {"format": {"type": "json_schema", "schema": NUMBER}}}
OMITTED: dict[str, Any] = {"thinking": {"type": "adaptive", "display": "omitted"}}

# The text of the model, the fields of the request, the types of the blocks, and the reason of the end.
TURNS: dict[str, tuple[str, dict[str, Any], list[str], str]] = {
    "text": ("hello", {}, ["text"], "end_turn"),
    "nothing": ("", {}, ["text"], "end_turn"),
    "nothing beside tools": ("", TOOLS, ["text"], "end_turn"),
    "a document": ('{"n": 12}', FORMAT, ["text"], "end_turn"),
    "a call": (CALL, TOOLS, ["tool_use"], "tool_use"),
    "an eager call": (CALL, EAGER, ["tool_use"], "tool_use"),
    "text, then calls": (f"So. {CALL}\n{OTHER}", TOOLS, ["text", "tool_use", "tool_use"], "tool_use"),
    "text, then eager calls": (f"So. {CALL}\n{OTHER}", EAGER, ["text", "tool_use", "tool_use"], "tool_use"),
    "a call or a document": (CALL, {**TOOLS, **FORMAT}, ["tool_use"], "tool_use"),
    "thoughts, then text": ("<think>\nhm\n</think>\n\nhello", {}, ["thinking", "text"], "end_turn"),
    "thoughts, then a call": (f"<think>\nhm\n</think>\n\n{CALL}", TOOLS, ["thinking", "tool_use"], "tool_use"),
    "omitted thoughts": ("<think>\nhm\n</think>\n\nhello", OMITTED, ["thinking", "text"], "end_turn"),
    "a stop sequence": ("hello you", {"stop_sequences": ["lo", "you"]}, ["text"], "stop_sequence"),
}


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_a_stream_folds_into_the_whole(turn: str, piece: int) -> None:
    text, fields, kinds, reason = TURNS[turn]
    app = serving(*(text[start : start + piece] for start in range(0, len(text), piece)))
    message = whole(app, **fields)
    assert [block["type"] for block in message["content"]] == kinds
    assert message["stop_reason"] == reason
    assert without_ids(folded(streamed(app, **fields))) == without_ids(message)


@pytest.mark.parametrize("turn", ["text, then calls", "thoughts, then a call", "a document"], ids=str)
def test_wherever_it_is_cut(turn: str) -> None:
    """No call that was cut is in the content, of a stream neither."""
    text, fields, _, _ = TURNS[turn]
    for cut in range(len(text)):
        app = serving(*text[:cut], finish="length")
        message = whole(app, **fields)
        assert message["stop_reason"] == "max_tokens"
        assert {str(block["input"]) for block in message["content"] if block["type"] == "tool_use"} <= {"{'n': 12}"}
        assert without_ids(folded(streamed(app, **fields))) == without_ids(message)


def test_an_eager_call_that_is_cut_has_no_end() -> None:
    app = serving(*CALL[:-15], finish="length")
    events = streamed(app, **EAGER)
    kinds = [event["type"] for event in events if event["type"].startswith("content_block")]
    assert kinds == ["content_block_start", "content_block_delta", "content_block_delta"]
    assert whole(app, **EAGER)["content"] == [{"type": "text", "text": ""}]
    (incomplete,) = events[-2]["incomplete_tool_calls"]
    assert incomplete["name"] == "add" and incomplete["id"].startswith("toolu_")


def test_the_stop_sequence_is_named() -> None:
    text, fields, _, _ = TURNS["a stop sequence"]
    message = whole(serving(text), **fields)
    assert (message["stop_sequence"], message["content"]) == ("lo", [{"type": "text", "text": "hel"}])


def dying(*texts: str) -> Any:
    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        for text in texts:
            yield Piece(text, (0,))
        raise EngineDead("The engine has died.")

    return script


def test_a_stream_that_breaks_ends_in_an_error() -> None:
    events = streamed(create_app(scripted(dying("hel", "lo"))))
    assert events[-1]["type"] == "error"
    assert events[-1]["error"]["type"] == "overloaded_error"
    assert "message_stop" not in [event["type"] for event in events]


def test_a_long_silence_has_pings() -> None:
    text = '<tool_call>\n{"name": "add", "arguments": {"n": ' + "1" * 250 + "}}\n</tool_call>"
    schema = {"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]}
    text = text.replace("1" * 250, '"' + "1" * 250 + '"')
    events = streamed(serving(*text), tools=[{"name": "add", "input_schema": schema}], max_tokens=1000)
    assert [event["type"] for event in events].count("ping") == 1 + 2
