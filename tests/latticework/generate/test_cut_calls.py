"""Calls that `max_tokens` cuts, completed: at every character, whole and streamed, in several wire formats."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from latticework import Settings, create_app
from tests.http import chat
from tests.latticework.doors.test_incomplete_calls import SAYING, answered, app, served, streamed, text_of
from tests.latticework.generate.test_truncation import DOCUMENT, SCHEMA, as_schema, writes
from tests.scripted import ScriptedEngine, says
from turngrammar.completion import rest_of_arguments
from turngrammar.formats import FORMATS
from turngrammar.plan import compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import TextInput, Tool, ToolChoice, Turn

ADD = {"type": "function", "function": {"name": "add", "parameters": SCHEMA}}
PING = {"type": "function", "function": {"name": "ping", "parameters": {"type": "object", "properties": {}}}}
RUN = {"type": "custom", "custom": {"name": "run"}}
LARK = {"type": "grammar", "grammar": {"syntax": "lark", "definition": 'start: "SELECT " /[^;]+/ ";"'}}
SQL = {"type": "custom", "custom": {"name": "sql", "format": LARK}}
TOOLS = [ADD, PING, RUN, SQL]
CALL = Call("add", DOCUMENT)
KINDS = ["hermes", "llama3", "qwen3_coder", "harmony", "mistral_v11", "gemma4", "deepseek_v31"]
ENDS = {"close": "length", "complete": "tool_calls"}


def resolved(value: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        value = value[int(part) if isinstance(value, list) else part]
    return value


@pytest.mark.parametrize("truncation", ENDS)
@pytest.mark.parametrize("format", KINDS)
def test_a_cut_call_gets_the_shortest_rest(format: str, truncation: str) -> None:
    fields: dict[str, Any] = {"tools": [ADD], "tool_format": format}
    text = render(FORMATS[format], [CALL])
    step = 1 if format == "hermes" else 3
    for cut in range(text.index("add"), len(text), step):
        told = answered(app(text, cut, step), **fields)["choices"][0]
        whole = answered(served(), **fields, truncation=truncation)
        choice = whole["choices"][0]
        streamed(served(), whole, **fields, truncation=truncation)
        streamed(served(), whole, **fields, truncation=truncation, tool_call_streaming="whole")
        assert "incomplete_tool_calls" not in choice["message"]
        if "incomplete_tool_calls" not in told["message"] and "tool_calls" not in told["message"]:
            assert choice == told  # no call has begun
            continue
        (call,) = choice["message"]["tool_calls"]
        arguments = json.loads(text_of(call))
        Draft202012Validator(SCHEMA).validate(arguments)
        assert choice["finish_reason"] == ENDS[truncation]
        if "tool_calls" in told["message"]:
            assert choice["truncation"] == {"cut": None, "filled": []}
            continue
        (begun,) = told["message"]["incomplete_tool_calls"]
        assert text_of(call).startswith(begun["arguments"])
        assert choice["truncation"]["call"] == 0
        for pointer in [choice["truncation"]["cut"], *choice["truncation"]["filled"]]:
            assert pointer is None or resolved(arguments, pointer) is not None


def test_usage_counts_what_was_generated() -> None:
    text = render(FORMATS["hermes"], [CALL])
    cut = app(text, 60)
    usage = answered(cut, tools=[ADD])["usage"]
    assert answered(cut, tools=[ADD], truncation="complete")["usage"] == usage


def test_complete_calls_before_it_stay() -> None:
    text = render(FORMATS["hermes"], [Call("ping", "{}"), CALL])
    first = len(render(FORMATS["hermes"], [Call("ping", "{}")]))
    choice = answered(app(text, first + 60), tools=TOOLS, truncation="complete")["choices"][0]
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["ping", "add"]
    assert (choice["finish_reason"], choice["truncation"]["call"]) == ("tool_calls", 1)
    choice = answered(app(text, first + 15), tools=TOOLS, truncation="complete")["choices"][0]
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["ping"]
    assert (choice["finish_reason"], choice["truncation"]) == ("tool_calls", {"cut": None, "filled": []})


def test_inputs_of_custom_tools() -> None:
    text = render(FORMATS["hermes"], [Call("run", '{"input": "rm -r x"}')])
    choice = answered(app(text, text.index(" -r")), tools=TOOLS, truncation="complete")["choices"][0]
    assert choice["message"]["tool_calls"][0]["custom"] == {"name": "run", "input": "rm"}
    text = render(FORMATS["hermes"], [Call("sql", '{"input": "SELECT a;"}')])
    choice = answered(app(text, text.index(" a;")), tools=TOOLS, truncation="complete")["choices"][0]
    assert "tool_calls" not in choice["message"]
    assert choice["message"]["incomplete_tool_calls"] == [{"name": "sql", "input": "SELECT"}]
    assert choice["finish_reason"] == "length"


def test_free_text_stays_cut() -> None:
    SAYING.script = says("It is", finish="length")
    choice = answered(served(), tools=[ADD], truncation="complete")["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", "It is")
    assert "truncation" not in choice


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("truncation", ["close", "complete"])
def test_a_document_or_calls(truncation: str, size: int) -> None:
    """Whichever has begun is completed; if neither has, the answer stays cut."""
    call = render(FORMATS["hermes"], [CALL])
    for text, begins in ((call, call.index("add") + len('add"')), (DOCUMENT, 1)):
        served = create_app(ScriptedEngine(writes(text, size)), settings=Settings(compile_timeout=60))
        for most in range(1, len(text), 7):
            fields: dict[str, Any] = {
                "tools": [ADD], "response_format": as_schema(SCHEMA), "max_tokens": most, "truncation": truncation,
            }  # fmt: skip
            whole = answered(served, **fields)
            streamed(served, whole, **fields)
            choice = whole["choices"][0]
            if text == call and most > begins:
                Draft202012Validator(SCHEMA).validate(json.loads(text_of(choice["message"]["tool_calls"][0])))
                assert choice["finish_reason"] == ENDS[truncation]
            elif text == DOCUMENT and most >= 50:
                Draft202012Validator(SCHEMA).validate(json.loads(choice["message"]["content"]))
                assert choice["finish_reason"] == ("stop" if truncation == "complete" else "length")
            else:
                assert "tool_calls" not in choice["message"]
                assert choice["finish_reason"] == "length" or "truncation" in choice


def test_a_request_that_has_nothing_to_complete_is_refused() -> None:
    asked: list[dict[str, Any]] = [{}, {"tools": [ADD], "tool_choice": "none"}]
    for fields in asked:
        error = chat(served(), **fields, truncation="complete").json()["error"]
        assert error["param"] == "truncation"
        assert "calls of tools" in error["message"]


def rest(begun: str, tool: Tool) -> str | None:
    plan = compile_turn(Turn(FORMATS["hermes"], (tool,), ToolChoice("required")))
    found = rest_of_arguments(plan, tool.name, begun)
    return None if found is None else found[0]


def test_arguments_in_any_style() -> None:
    properties = {"b": {"type": "string"}, "a": {"type": "integer"}}
    tool = Tool("f", parameters={"type": "object", "properties": properties, "required": ["a", "b"],
                                 "additionalProperties": False})  # fmt: skip
    for begun in ("", "{", '{"b":', '{"b":"x","a":1', '{"b": "x\\', '{"a": 1, "b": "x', '{"a":1,"b":'):
        found = rest(begun, tool)
        assert found is not None, begun
        assert json.loads(begun + found).keys() == {"a", "b"}
    assert rest('{"c": 1', tool) is None
    assert rest("{", Tool("g", parameters={"type": "object"})) == "}"
    assert rest('{"input": "', Tool("h", input=TextInput("regex", "a+b"))) == 'ab"}'
    assert rest('{"input": "', Tool("i", input=TextInput("lark", 'start: "a"'))) is None
