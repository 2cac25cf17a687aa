"""Streams of responses: their events, and the whole response that they amount to, at every chunking and every cut."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from latticework import create_app
from latticework.engines.base import EngineDead, Piece, Sampling
from tests.latticework.doors.responses.responding import (
    ADD,
    NUMBER,
    RUN,
    respond,
    scripted,
    serving,
    streamed,
    validate,
    whole,
    without_ids,
)

CALL = '<tool_call>\n{"name": "add", "arguments": {"n": 12}}\n</tool_call>'
CUSTOM = '<tool_call>\n{"name": "run", "arguments": {"input": "ls \\"é\\"\\n"}}\n</tool_call>'
EMPTY = '<tool_call>\n{"name": "run", "arguments": {"input": ""}}\n</tool_call>'
TOOLS = {"tools": [ADD, RUN]}
FORMAT = {"text": {"format": {"type": "json_schema", "name": "number", "schema": NUMBER}}}

# The text of the model, the fields of the request, and the types of the items.
TURNS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "text": ("hello", {}, ["message"]),
    "nothing": ("", {}, ["message"]),
    "nothing beside tools": ("", TOOLS, ["message"]),
    "a document": ('{"n": 12}', FORMAT, ["message"]),
    "a call": (CALL, TOOLS, ["function_call"]),
    "a custom call": (CUSTOM, TOOLS, ["custom_tool_call"]),
    "a custom call without text": (EMPTY, TOOLS, ["custom_tool_call"]),
    "text, then calls": (f"So. {CALL}\n{CUSTOM}", TOOLS, ["message", "function_call", "custom_tool_call"]),
    "a call or a document": (CALL, {**TOOLS, **FORMAT}, ["function_call"]),
    "reasoning, then text": ("<think>\nhm\n</think>\n\nhello", {}, ["reasoning", "message"]),
    "reasoning, then a call": (f"<think>\nhm\n</think>\n\n{CALL}", TOOLS, ["reasoning", "function_call"]),
}


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_a_stream_folds_into_the_whole(turn: str, piece: int) -> None:
    text, fields, kinds = TURNS[turn]
    app = serving(*(text[start : start + piece] for start in range(0, len(text), piece)))
    response = whole(app, **fields)
    assert [item["type"] for item in response["output"]] == kinds
    assert {item["status"] for item in response["output"]} == {"completed"}
    last = streamed(app, **fields)[-1]
    assert last["type"] == "response.completed"
    assert without_ids(last["response"]) == without_ids(response)


@pytest.mark.parametrize("turn", ["text, then calls", "reasoning, then a call", "a custom call", "a document"], ids=str)
def test_wherever_it_is_cut(turn: str) -> None:
    """No call that was cut is done, and none is in the output."""
    text, fields, _ = TURNS[turn]
    for cut in range(len(text)):
        app = serving(*text[:cut], finish="length")
        response = whole(app, **fields)
        assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
        events = streamed(app, **fields)
        assert events[-1]["type"] == "response.incomplete"
        assert without_ids(events[-1]["response"]) == without_ids(response)
        done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
        calls = [item for item in done if item["type"].endswith("call")]
        assert {item["status"] for item in calls} <= {"completed"}
        begun = [event["item"] for event in events if event["type"] == "response.output_item.added"]
        named = [call["name"] for call in response.get("incomplete_tool_calls", ())]
        assert len(named) == len({warning["tool"] for warning in response.get("warnings", ()) if warning["tool"]})
        assert len(begun) - len(done) in (0, len(named))


def test_a_call_begins_with_its_first_argument() -> None:
    """Clients run what has begun as `{}`."""
    events = streamed(serving(*CALL), **TOOLS)
    deltas = [event["delta"] for event in events if event["type"].endswith("arguments.delta")]
    assert deltas[0] == '{"n": 1'
    held = streamed(serving(*CALL), **TOOLS, tool_call_streaming="whole")
    assert [event["delta"] for event in held if event["type"].endswith("arguments.delta")] == ['{"n": 12}']


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_the_openai_client_reads_the_same(turn: str) -> None:
    """Its state of a stream keeps what the events have told it."""
    text, fields, _ = TURNS[turn]
    events = streamed(serving(*text), **fields)
    state: ResponseStreamState[None] = ResponseStreamState(input_tools=[], text_format=omit)
    parse = TypeAdapter[Any](ResponseStreamEvent).validate_python
    for event in events:
        state.handle_event(parse(event))
    assert state._completed_response is not None
    assert [getattr(item, "id", None) for item in state._completed_response.output] == [
        item["id"] for item in events[-1]["response"]["output"]
    ]


async def dying(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    yield Piece("he", (0,))
    raise EngineDead("The engine has died.")


def test_an_engine_that_dies() -> None:
    """An `error`, then `response.failed`: clients read either."""
    app = create_app(scripted(dying))
    events = streamed(app)
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    error, failed = events[-2:]
    assert (error["code"], error["error"]["code"], error["message"]) == (
        "engine_unavailable",
        "engine_unavailable",
        error["error"]["message"],
    )
    assert failed["response"]["error"] == {"code": "server_error", "message": error["message"]}
    assert failed["response"]["status"] == "failed"
    response = respond(app)
    assert response.status_code == 503
    validate("ErrorResponse", response.json())


def test_reasoning_for_a_later_request() -> None:
    app = serving("<think>\nhm\n</think>\n\nhello")
    response = whole(app, include=["reasoning.encrypted_content"], store=False)
    reasoning, message = response["output"]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": reasoning["content"][0]["text"]}]
    alone = {**reasoning, "content": None}
    again = [{"role": "user", "content": "hi"}, alone, message, {"role": "user", "content": "more"}]
    assert respond(app, again, store=False).status_code == 200
    changed = {**alone, "encrypted_content": reasoning["encrypted_content"][:-4] + "AAAA"}
    error = respond(app, [changed], store=False).json()["error"]
    assert (error["param"], error["code"]) == ("input[0].encrypted_content", "invalid_encrypted_content")
