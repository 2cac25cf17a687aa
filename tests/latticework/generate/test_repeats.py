"""A call that repeats another one of its turn: the answer ends before it, and no client sees any of it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.types import ASGIApp

from latticework import Settings, create_app
from latticework.generate.repeats import RepeatFilter
from tests.http import chat, events
from tests.latticework.doors.messages import messaging
from tests.latticework.doors.responses import responding
from tests.scripted import ScriptedEngine, says
from tests.turngrammar.laws import chunkings
from turngrammar.events import ArgumentsDelta, ContentDelta, Event, Malformed, ToolCallEnd, ToolCallStart
from turngrammar.formats import FORMATS
from turngrammar.render import Call, render
from turngrammar.scan import same_json

# The arguments of two calls, and as much of the second as shows that it is no repeat; None: it is one.
PAIRS: dict[str, tuple[str, str, str | None]] = {
    "the same text": ('{"n": 1}', '{"n": 1}', None),
    "no arguments": ("{}", "{}", None),
    "another spelling of a number": ('{"n": 1}', '{"n": 1.0}', None),
    "of a string": ('{"s": "\\u00e9\\n"}', '{"s": "é\\n"}', None),
    "of whitespace": ('{"a": [1, 2]}', '{"a":[1,2] }', None),
    "another order": ('{"a": 1, "b": "x"}', '{"b": "x", "a": 1}', None),
    "another number": ('{"n": 12, "t": ""}', '{"n": 13, "t": ""}', '{"n": 13,'),
    "a longer number": ('{"n": 1, "t": ""}', '{"n": 12, "t": ""}', '{"n": 12,'),
    "a word for a number": ('{"n": 1, "t": ""}', '{"n": true, "t": ""}', '{"n": true,'),
    "another string": ('{"s": "abc", "t": ""}', '{"s": "abd", "t": ""}', '{"s": "abd'),
    "a longer string": ('{"s": "ab"}', '{"s": "abc"}', '{"s": "abc'),
    "another type": ('{"s": "1"}', '{"s": 1}', '{"s": 1'),
    "fewer members": ('{"s": 1, "t": 2}', '{"s": 1}', '{"s": 1}'),
    "more members": ('{"s": 1}', '{"s": 1, "t": 2}', '{"s": 1,'),
    "another list": ('{"s": [1]}', '{"s": [1, 2]}', '{"s": [1,'),
    "an empty object": ('{"s": 1}', "{}", "{}"),
}


def made(index: int, arguments: Sequence[str], name: str = "f") -> list[Event]:
    return [
        ToolCallStart(index, name, None),
        *(ArgumentsDelta(index, text) for text in arguments),
        ToolCallEnd(index),
    ]


def through(repeats: RepeatFilter, events: Sequence[Event]) -> list[Event]:
    return [passed for event in events for passed in repeats.feed([event])]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_call_is_held_back_while_it_may_be_a_repeat(pair: str) -> None:
    first, second, held = PAIRS[pair]
    for pieces in chunkings(second, random.Random(pair)):
        repeats, calls = RepeatFilter(), made(1, pieces)
        assert through(repeats, made(0, [first])) == made(0, [first])
        assert through(repeats, calls) == ([] if held is None else calls)
        assert (repeats.found is None) == (held is not None)
        assert repeats.close() == []
    if held is not None:
        repeats = RepeatFilter()
        through(repeats, made(0, [first]))
        assert through(repeats, made(1, list(held[:-1]))[:-1]) == []
        assert through(repeats, [ArgumentsDelta(1, held[-1])]) != []


def test_what_is_no_repeat_passes_at_once_and_what_stays_open_at_the_end() -> None:
    repeats, held = RepeatFilter(), made(2, ["{"])[:2]
    for passing in (made(0, ["{}"]), made(1, ["{}"], "g"), [ContentDelta("x")]):
        for event in passing:
            assert repeats.feed([event]) == [event]
    assert (through(repeats, held), repeats.close()) == ([], held)
    left = [*made(3, ["{"])[:2], Malformed("x", "why")]
    assert through(repeats, left) == left
    assert through(repeats, made(4, ["{}"])) == []
    assert repeats.found == ToolCallStart(4, "f", None)
    assert through(repeats, [ContentDelta("x")]) == []


def test_long_arguments_that_differ_at_their_end() -> None:
    """The letters of a long string are no number to be read from its end, again and again."""
    text = "a" * 300_000
    repeats = RepeatFilter()
    first, second = (f'{{"content": "{text}", "mode": {mode}}}' for mode in (1, 2))
    assert through(repeats, made(0, [first])) == made(0, [first])
    pieces = [second[at : at + 1000] for at in range(0, len(second), 1000)]
    assert through(repeats, made(1, pieces)) == made(1, pieces)


def test_random_pairs_are_repeats_where_their_values_are_the_same() -> None:
    rng, found = random.Random(3), 0
    for _ in range(600):
        first, second = (spelled(rng, {name: value(rng) for name in rng.sample("abc", 2)}) for _ in range(2))
        if rng.random() < 0.4:
            second = spelled(rng, json.loads(first))
        repeats, calls = RepeatFilter(), made(1, list(second))
        through(repeats, made(0, [first]))
        assert (through(repeats, calls) == []) == same_json(first, second) == (repeats.found is not None)
        found += repeats.found is not None
    assert 100 < found < 500


def value(rng: random.Random, depth: int = 0) -> Any:
    if depth < 2 and rng.random() < 0.4:
        inner = [value(rng, depth + 1) for _ in range(rng.randrange(3))]
        return inner if rng.random() < 0.5 else dict(zip("ab", inner, strict=False))
    return rng.choice([1, 12, 1.0, True, None, "", "1", "é", 'a"b', "\n"])


def spelled(rng: random.Random, value: Any) -> str:
    if isinstance(value, dict):
        members = rng.sample(list(value.items()), len(value))
        return (
            "{" + rng.choice([", ", ","]).join(f"{spelled(rng, key)}: {spelled(rng, of)}" for key, of in members) + "}"
        )
    if isinstance(value, list):
        return "[" + rng.choice([", ", " ,"]).join(spelled(rng, item) for item in value) + "]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return rng.choice([f"{value}", f"{value:.1f}", f"{value:e}"])
    return json.dumps(value, ensure_ascii=rng.random() < 0.5)


NUMBER = responding.NUMBER
ADD = {"type": "function", "function": {"name": "add", "parameters": NUMBER}}
ONE, TWO = Call("add", '{"n": 1}'), Call("add", '{"n": 2}')
WARNED = [("repeated_call", "add")]


def app(format: str, *calls: Call, size: int = 3, **settings: Any) -> ASGIApp:
    """An app of a model that makes these calls, a few characters a piece, and never comes to an end behind them."""
    text = render(FORMATS[format], calls)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    engine = ScriptedEngine(says(*pieces, finish="length"))
    return create_app(engine, settings=Settings(compile_timeout=60, tool_format=format, **settings))


def warned(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(warning["code"], warning.get("tool")) for warning in body.get("warnings", ())]


@pytest.mark.parametrize("format", ["hermes", "qwen3_coder", "gemma4", "deepseek_v31"])
def test_the_answer_ends_before_a_repeat_whole_and_streamed(format: str) -> None:
    served = app(format, ONE, TWO, ONE, TWO)
    body = chat(served, tools=[ADD], max_tokens=1000).json()
    (choice,) = body["choices"]
    assert [call["function"]["arguments"] for call in choice["message"]["tool_calls"]] == [ONE.arguments, TWO.arguments]
    assert (choice["finish_reason"], warned(body)) == ("tool_calls", WARNED)
    chunks = events(chat(served, tools=[ADD], max_tokens=1000, stream=True))[:-1]
    calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert {call["index"] for call in calls} == {0, 1}
    assert "".join(call["function"]["arguments"] for call in calls) == ONE.arguments + TWO.arguments
    assert (chunks[-1]["choices"][0]["finish_reason"], warned(chunks[-1])) == ("tool_calls", WARNED)
    assert not any("warnings" in chunk for chunk in chunks[:-1])


def test_usage_has_the_repeat_and_the_engine_goes_no_further() -> None:
    alone, text = render(FORMATS["hermes"], [ONE, ONE]), render(FORMATS["hermes"], [ONE, ONE, TWO])
    engine = ScriptedEngine(says(*text, finish="length"))
    served = create_app(engine, settings=Settings(compile_timeout=60))
    usage = chat(served, tools=[ADD], max_tokens=1000).json()["usage"]
    assert alone.rindex("}") < usage["completion_tokens"] <= len(alone)
    assert engine.open == 0


@pytest.mark.parametrize("allowed", [{"repeated_calls": "allow"}, {}])
def test_repeats_can_be_allowed(allowed: dict[str, Any]) -> None:
    served = app("hermes", ONE, ONE) if allowed else app("hermes", ONE, ONE, repeated_calls="allow")
    body = chat(served, tools=[ADD], max_tokens=1000, **allowed).json()
    assert len(body["choices"][0]["message"]["tool_calls"]) == 2
    assert "warnings" not in body


def test_a_repeat_that_is_cut_is_no_call_even_if_it_would_be_completed() -> None:
    text = render(FORMATS["hermes"], [ONE, TWO])
    cut = text[: text.rindex("2")]
    served = create_app(ScriptedEngine(says(*cut, finish="length")), settings=Settings(compile_timeout=60))
    body = chat(served, tools=[ADD], max_tokens=1000).json()
    assert (body["choices"][0]["finish_reason"], warned(body)) == ("length", [("incomplete_tool_call", "add")])
    zero = render(FORMATS["hermes"], [Call("add", '{"n": 0}'), TWO])
    served = create_app(
        ScriptedEngine(says(*zero[: zero.rindex("2")], finish="length")), settings=Settings(compile_timeout=60)
    )
    body = chat(served, tools=[ADD], max_tokens=1000, truncation="close").json()
    assert [call["function"]["arguments"] for call in body["choices"][0]["message"]["tool_calls"]] == ['{"n": 0}']
    assert (body["choices"][0]["finish_reason"], warned(body)) == ("tool_calls", WARNED)


def test_messages_and_responses() -> None:
    served = app("hermes", ONE, ONE, TWO)
    message = messaging.whole(served, tools=[messaging.ADD], max_tokens=1000)
    assert [block["input"] for block in message["content"]] == [{"n": 1}]
    assert (message["stop_reason"], warned(message)) == ("tool_use", WARNED)
    *blocks, ending, _ = messaging.streamed(served, tools=[messaging.ADD], max_tokens=1000)
    assert [event["type"] for event in blocks].count("content_block_start") == 1
    assert (ending["delta"]["stop_reason"], warned(ending)) == ("tool_use", WARNED)
    for response in (
        responding.whole(served, tools=[responding.ADD]),
        responding.streamed(served, tools=[responding.ADD])[-1]["response"],
    ):
        assert [item["arguments"] for item in response["output"]] == ['{"n": 1}']
        assert (response["status"], warned(response)) == ("completed", WARNED)


def called(*arguments: str, name: str = "add") -> list[dict[str, Any]]:
    """One turn of the assistant with these calls, and their results."""
    calls = [
        {"id": f"c{place}", "type": "function", "function": {"name": name, "arguments": text}}
        for place, text in enumerate(arguments)
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "?"} for call in calls]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]


USER = {"role": "user", "content": "hi"}
SAID = {"role": "assistant", "content": "x"}
RUNS: dict[str, tuple[list[dict[str, Any]], str | None]] = {
    "one turn": (called('{"n": 1}'), None),
    "three turns, the arguments spelled differently": (
        [*called('{"n": 1}'), *called('{"n":1.0}'), *called('{"n": 1}')],
        "add x3",
    ),
    "only the last ones": ([*called('{"n": 2}'), *called('{"n": 1}'), *called('{"n": 1}')], "add x2"),
    "another call since": ([*called('{"n": 1}'), *called('{"n": 1}'), *called('{"n": 2}')], None),
    "an answer since": ([*called('{"n": 1}'), *called('{"n": 1}'), SAID, USER], None),
    "two calls in a turn": ([*called('{"n": 1}', '{"n": 1}'), *called('{"n": 1}', '{"n": 1}')], None),
    "another tool": ([*called("{}", name="get"), *called("{}")], None),
    "a user between": ([*called("x"), USER, *called("x")], "add x2"),
}


@pytest.mark.parametrize("run", RUNS)
def test_a_run_of_one_call_over_turns_is_told(run: str) -> None:
    history, header = RUNS[run]
    response = chat(create_app(ScriptedEngine(says("x"))), messages=[USER, *history])
    assert response.headers.get("x-latticework-repeated-calls") == header
    assert warned(response.json()) == ([] if header is None else [("repeated_turns", "add")])


def test_a_run_is_told_by_every_api() -> None:
    served, told = create_app(ScriptedEngine(says("x"))), [("repeated_turns", "add")]
    blocks: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]
    for turn in range(2):
        use = {"type": "tool_use", "id": f"t{turn}", "name": "add", "input": {"n": 1}}
        blocks.append({"role": "assistant", "content": [use]})
        blocks.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{turn}", "content": "?"}]})
        items.append({"type": "function_call", "call_id": f"t{turn}", "name": "add", "arguments": '{"n": 1}'})
        items.append({"type": "function_call_output", "call_id": f"t{turn}", "output": "?"})
    history = [messaging.USER, *blocks]
    for response in (messaging.post(served, history, tools=[messaging.ADD]), responding.respond(served, items)):
        assert response.headers["x-latticework-repeated-calls"] == "add x2"
        assert warned(response.json()) == told
