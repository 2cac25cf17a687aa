"""In every wire format, at every chunking and every cut: a stream folds into the whole message."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import pytest

from latticework.doors.messages.events import MessageEvent
from latticework.doors.messages.output import IncompleteToolUse
from latticework.doors.messages.stream import BlockStream
from latticework.engines.base import Piece
from latticework.generate.choice import Choice
from tests.latticework.doors.messages.messaging import validate
from tests.latticework.doors.test_incomplete_calls import CALLS, PARAMETERS
from tests.turngrammar.laws import chunkings
from turngrammar.formats import FORMATS
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import Tool, ToolChoice, Turn

NUMBERED = {"type": "object", "properties": {"n": {"type": "integer"}, "sure": {"type": "boolean"}}}
TOOLS = (Tool("remove", "", PARAMETERS, pointer="/tools/0"), Tool("numbered", "", NUMBERED, pointer="/tools/1"))
TWO = (Call("numbered", '{"n": 1}'), Call("remove", '{"pattern": "l\\n\\u00e9"}'))
# Of functions alone: Anthropic's API has no tools of free text.
SETS = (*(calls for calls in CALLS.values() if all(call.name != "run" for call in calls)), TWO)
# Whose input a stream has before it is complete: that of all tools, or of one of the two.
EAGER: Sequence[Collection[str] | None] = (None, {"remove"})


@dataclass(frozen=True)
class Made:
    """The events of a stream, and what the whole message has."""

    events: Sequence[dict[str, Any]]
    stream: BlockStream

    @property
    def done(self) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = json.loads(msgspec.json.encode(self.stream.done))
        return blocks


@cache
def planned(format: str) -> Plan:
    return compile_turn(Turn(FORMATS[format], TOOLS, ToolChoice("auto")))


def generated(format: str, pieces: Iterable[str], eager: Collection[str] | None, *, cut: bool) -> Made:
    """What becomes of an answer that arrives in these pieces, as JSON has it."""
    choice, stream = Choice(0, planned(format)), BlockStream(eager, omits_thinking=False)
    steps = [choice.open(), *(choice.feed(Piece(text, (0,))) for text in pieces)]
    steps += [choice.feed(Piece("", (0,), finish="length" if cut else "stop")), choice.close()]
    events: list[MessageEvent] = [event for step in steps if step is not None for event in stream.events(step)]
    return Made([json.loads(msgspec.json.encode(event)) for event in events], stream)


@dataclass(frozen=True)
class Folded:
    """What a client puts together: the blocks that have ended, and the one that has not."""

    blocks: list[dict[str, Any]]
    texts: dict[str, str]
    open: dict[str, Any] | None


def folded(events: Sequence[dict[str, Any]]) -> Folded:
    """One block at a time, indices from 0; the pieces of an input are its text."""
    blocks: list[dict[str, Any]] = []
    texts: dict[str, str] = {}
    block: dict[str, Any] | None = None
    for event in events:
        match event:
            case {"type": "content_block_start", "index": index, "content_block": begun}:
                assert block is None and index == len(blocks)
                block, texts[str(index)] = begun, ""
            case {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}:
                assert block is not None and block["type"] == "text" and index == len(blocks) and text
                block["text"] += text
            case {"type": "content_block_delta", "index": index, "delta": {"partial_json": text}}:
                assert block is not None and block["type"] == "tool_use" and index == len(blocks) and text
                texts[str(index)] += text
            case {"type": "content_block_stop", "index": index}:
                assert block is not None and index == len(blocks)
                blocks.append(_ended(block, texts[str(index)]))
                block = None
            case other:
                assert other == {"type": "ping"}
    return Folded(blocks, texts, block)


def _ended(block: dict[str, Any], text: str) -> dict[str, Any]:
    return {**block, "input": json.loads(text)} if block["type"] == "tool_use" else block


def unnamed(blocks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in block.items() if name != "id"} for block in blocks]


def cut_calls(calls: Sequence[IncompleteToolUse]) -> list[IncompleteToolUse]:
    """Only a call that a stream has begun has an id."""
    return [msgspec.structs.replace(call, id=msgspec.UNSET) for call in calls]


def assert_folds(format: str, pieces: Sequence[str], *, cut: bool) -> Made:
    """Every stream adds up to the message that a request without a stream gets."""
    whole = generated(format, pieces, (), cut=cut)
    assert folded(whole.events) == Folded(whole.done, input_texts(whole), None)
    for eager in EAGER:
        made = generated(format, pieces, eager, cut=cut)
        _assert_adds_up(made, whole)
    return whole


def _assert_adds_up(made: Made, whole: Made) -> None:
    client = folded(made.events)
    assert client.blocks == made.done
    assert cut_calls(made.stream.cut) == cut_calls(whole.stream.cut)
    assert made.stream.finish == whole.stream.finish
    if client.open is None:
        assert unnamed(client.blocks) == unnamed(whole.done)
        assert client.texts == input_texts(made)
        return
    # A call that was cut stays open. If nothing stands before it, the whole message has a block without text.
    assert unnamed(client.blocks) == unnamed([block for block in whole.done if block != {"type": "text", "text": ""}])
    (incomplete,) = made.stream.cut
    assert (client.open["type"], client.open["id"]) == ("tool_use", incomplete.id)
    assert incomplete.input.startswith(client.texts[str(len(client.blocks))])


def input_texts(made: Made) -> dict[str, str]:
    """The inputs of all calls byte for byte; "" for a block of text."""
    return {str(index): bytes(getattr(block, "input", b"")).decode() for index, block in enumerate(made.stream.done)}


def calls_of(made: Made) -> list[tuple[str, Any]]:
    return [(block["name"], block["input"]) for block in made.done if block["type"] == "tool_use"]


def meant(calls: Sequence[Call]) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in calls]


@pytest.mark.parametrize("format", FORMATS)
def test_calls_at_every_chunking(format: str) -> None:
    for calls in SETS:
        text = render(FORMATS[format], calls)
        every = chunkings(text, random.Random(1)) if calls is TWO else ([text], list(text))
        for pieces in every:
            made = assert_folds(format, pieces, cut=False)
            assert (calls_of(made), made.stream.cut) == (meant(calls), [])
        for event in made.events:
            validate("StreamEvent", event)


@pytest.mark.parametrize("format", FORMATS)
def test_calls_at_every_cut(format: str) -> None:
    """None that was cut is done, and each that has begun is named."""
    text = render(FORMATS[format], TWO)
    for cut in range(len(text)):
        pieces = [text[start : min(start + 3, cut)] for start in range(0, cut, 3)]
        made = assert_folds(format, pieces, cut=True)
        calls = calls_of(made)
        assert calls == meant(TWO)[: len(calls)]
        assert len(calls) + len(made.stream.cut) <= 2 and len(made.stream.cut) <= 1
        assert made.done and made.stream.finish == "length"
