"""In every wire format, at every chunking and every cut: a stream folds into the whole response."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec
import pytest

from latticework.doors.responses.output import IncompleteCall
from latticework.doors.responses.stream import ItemStream
from latticework.doors.responses.tools import FlatCustom, FlatFunction, offered_tools
from latticework.engines.base import Piece
from latticework.generate.choice import Choice
from tests.latticework.doors.responses.responding import folded, without_ids
from tests.latticework.doors.test_incomplete_calls import CALLS, PARAMETERS
from tests.turngrammar.laws import chunkings
from turngrammar.formats import FORMATS
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import ToolChoice, Turn

NUMBERED = {"type": "object", "properties": {"n": {"type": "integer"}, "sure": {"type": "boolean"}}}
TOOLS = offered_tools(
    [
        ("/tools/0", FlatFunction(type="function", name="remove", parameters=PARAMETERS)),
        ("/tools/1", FlatCustom(type="custom", name="run")),
        ("/tools/2", FlatFunction(type="function", name="numbered", parameters=NUMBERED)),
    ]
)
TWO = (Call("numbered", '{"n": 1}'), Call("run", '{"input": "l\\n"}'))


# Items or events, and what has made them.
Made = tuple[list[dict[str, Any]], ItemStream]


@cache
def planned(format: str) -> Plan:
    tools = tuple(tool.compiled for tool in TOOLS)
    return compile_turn(Turn(FORMATS[format], tools, ToolChoice("auto")))


def generated(format: str, pieces: Iterable[str], *, cut: bool, held: bool) -> tuple[list[dict[str, Any]], ItemStream]:
    """The events of an answer that arrives in these pieces, as JSON has them."""
    choice, output = Choice(0, planned(format)), ItemStream(TOOLS, held=held, seals_reasoning=True)
    steps = [choice.open(), *(choice.feed(Piece(text, (0,))) for text in pieces)]
    steps += [choice.feed(Piece("", (0,), finish="length" if cut else "stop")), choice.close()]
    events = [event for step in steps if step is not None for event in output.events(step)]
    return [json.loads(msgspec.json.encode(event)) for event in events], output


def assert_folds(format: str, pieces: Sequence[str], *, cut: bool) -> Made:
    """The events of a stream add up to its output, which is the same where each call is held until it is complete."""
    events, streamed = generated(format, pieces, cut=cut, held=False)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    ends: list[dict[str, Any]] = [{"type": "response.created"}, {"type": "response.in_progress"}]
    output = folded([*ends, *events, {"type": "response.completed"}])
    assert output == json.loads(msgspec.json.encode(streamed.done))
    held_events, whole = generated(format, pieces, cut=cut, held=True)
    assert folded([*ends, *held_events, {"type": "response.completed"}]) == json.loads(msgspec.json.encode(whole.done))
    assert without_ids(json.loads(msgspec.json.encode(whole.done))) == without_ids(output)
    assert list(map(unnamed, whole.cut)) == list(map(unnamed, streamed.cut))
    assert whole.finish == streamed.finish
    return output, streamed


def unnamed(call: IncompleteCall) -> IncompleteCall:
    """Only a call that a stream has begun has an id."""
    return msgspec.structs.replace(call, id=msgspec.UNSET)


def made(output: Sequence[dict[str, Any]]) -> list[tuple[str, Any]]:
    calls = [item for item in output if item["type"].endswith("call")]
    return [(item["name"], item["input"] if "input" in item else json.loads(item["arguments"])) for item in calls]


def meant(calls: Sequence[Call]) -> list[tuple[str, Any]]:
    read = [(call.name, json.loads(call.arguments)) for call in calls]
    return [(name, arguments["input"] if name == "run" else arguments) for name, arguments in read]


@pytest.mark.parametrize("format", FORMATS)
def test_calls_at_every_chunking(format: str) -> None:
    for calls in (*CALLS.values(), TWO):
        text = render(FORMATS[format], calls)
        every = chunkings(text, random.Random(1)) if calls is TWO else ([text], list(text))
        for pieces in every:
            output, stream = assert_folds(format, pieces, cut=False)
            assert (made(output), stream.cut) == (meant(calls), [])


@pytest.mark.parametrize("format", FORMATS)
def test_calls_at_every_cut(format: str) -> None:
    """None that was cut is done, and each that has begun is named."""
    text = render(FORMATS[format], TWO)
    for cut in range(len(text)):
        output, stream = assert_folds(
            format, [text[start : min(start + 3, cut)] for start in range(0, cut, 3)], cut=True
        )
        calls = made(output)
        assert calls == meant(TWO)[: len(calls)]
        assert len(calls) + len(stream.cut) <= 2 and len(stream.cut) <= 1
        assert stream.finish == "length"
