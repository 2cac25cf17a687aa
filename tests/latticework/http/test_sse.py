"""The bytes of a stream: made from parts that are ready, and the same as if each chunk were encoded as a whole."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from starlette.types import Message, Receive, Scope, Send

from latticework import create_app
from latticework.doors.chat.chunks import (
    Chunk,
    ChunkChoice,
    CustomDelta,
    Delta,
    FunctionDelta,
    Logprobs,
    ToolCallDelta,
)
from latticework.doors.chat.response import OPENING
from latticework.doors.openai import Usage
from latticework.doors.openai.logprobs import GeneratedToken, TopLogprob
from latticework.http.sse import ChunkFrame, event
from tests.http import chat
from tests.scripted import ScriptedEngine, says

UNIQUE = {"type": "json_schema", "json_schema": {"name": "u", "schema": {"type": "array", "uniqueItems": True}}}

TRICKY = 'a "b" \\ \n\r\x00 é 😀 \u2028 data: "choices":[] [DONE]'
LOGPROBS = Logprobs((GeneratedToken("a", -0.5, (97,), (TopLogprob("a", -0.5, (97,)),)),))
NAMED = ToolCallDelta(0, FunctionDelta("", TRICKY), TRICKY, "function")
CHOICES = {
    "opening": ChunkChoice(0, OPENING),
    "content": ChunkChoice(0, Delta(content=TRICKY)),
    "reasoning": ChunkChoice(3, Delta(reasoning_content=TRICKY, reasoning=TRICKY)),
    "call": ChunkChoice(0, Delta(tool_calls=(NAMED,))),
    "arguments": ChunkChoice(0, Delta(tool_calls=(ToolCallDelta(15, FunctionDelta(TRICKY)),))),
    "custom": ChunkChoice(0, Delta(tool_calls=(ToolCallDelta(0, custom=CustomDelta(TRICKY, "sql"), id="1"),))),
    "all at once": ChunkChoice(0, Delta("assistant", TRICKY, TRICKY, TRICKY, (NAMED, NAMED)), LOGPROBS, "length"),
    "logprobs": ChunkChoice(0, Delta(content=TRICKY), LOGPROBS),
    "end": ChunkChoice(0, Delta(), None, "tool_calls"),
}
FRAMES = {
    "plain": Chunk("chatcmpl-1", 1, "model", ()),
    "usage": Chunk("chatcmpl-1", 1, "model", (), usage=None),
    "tricky": Chunk(TRICKY, 1 << 40, TRICKY, (), usage=Usage(1, 2, 3)),
}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_framed_choice_is_its_chunk_encoded(frame: Chunk, choice: ChunkChoice) -> None:
    assert ChunkFrame(frame).events([choice]) == event(msgspec.json.encode(replace(frame, choices=(choice,))))


def test_choices_that_come_together_are_an_event_each() -> None:
    frame, choices = FRAMES["tricky"], list(CHOICES.values())
    assert ChunkFrame(frame).events(choices) == b"".join(ChunkFrame(frame).events([choice]) for choice in choices)


def test_no_text_breaks_an_event() -> None:
    data = ChunkFrame(FRAMES["tricky"]).events([CHOICES["all at once"]])
    assert data.count(b"\n") == 2
    assert msgspec.json.decode(data.removeprefix(b"data: "), type=Chunk).id == TRICKY


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, [["", "["], ['"a"'], ["]"], [None], ["[DONE]"]]),
        ({"response_format": UNIQUE}, [["", "[", '"a"', "]", None], ["[DONE]"]]),
        ({"n": 2}, [["", "["] * 2, ['"a"'] * 2, ["]"] * 2, [None] * 2, ["[DONE]"]]),
    ],
    ids=["as they come", "held back until they are checked", "two choices"],
)
def test_what_is_there_at_once_is_sent_at_once(fields: dict[str, Any], sent: list[list[str | None]]) -> None:
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    app = create_app(ScriptedEngine(says("[", '"a"', "]")))

    async def watched(scope: Scope, receive: Receive, respond: Send) -> None:
        await app(scope, receive, send)
        await respond(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
        )
        await respond({"type": "http.response.body", "body": b""})

    chat(watched, stream=True, **fields)
    start, *bodies = messages
    assert start["type"] == "http.response.start"
    assert [[told(line) for line in body["body"].decode().split("\n\n")[:-1]] for body in bodies] == sent
    assert [body["more_body"] for body in bodies] == [True] * (len(bodies) - 1) + [False]


def told(line: str) -> str | None:
    data = line.removeprefix("data: ")
    return data if data == "[DONE]" else json.loads(data)["choices"][0]["delta"].get("content")
