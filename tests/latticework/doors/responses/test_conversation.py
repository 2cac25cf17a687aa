"""Items and messages: a turn has the same prompt and the same grammar as in chat completions."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from latticework import Settings, create_app
from tests.http import chat
from tests.latticework.doors.responses.responding import ADD, NUMBER, RUN, respond, scripted, serving, validate, whole
from tests.scripted import says

FUNCTION = {"type": "function", "function": {"name": "add", "parameters": NUMBER}}
CUSTOM = {"type": "custom", "custom": {"name": "run"}}
LARK = {"syntax": "lark", "definition": 'start: "ls" | "pwd"'}
GREP = {"type": "custom", "name": "grep", "format": {"type": "grammar", **LARK}}
CHAT_GREP = {"type": "custom", "custom": {"name": "grep", "format": {"type": "grammar", "grammar": LARK}}}
CHAT_FORMAT = {"type": "json_schema", "json_schema": {"name": "number", "schema": NUMBER}}

# An input, and the messages that it means.
INPUTS: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "text": ("hi", [{"role": "user", "content": "hi"}]),
    "messages": (
        [
            {"role": "developer", "content": "Be short."},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}], "id": "msg_1"},
            {"type": "message", "role": "assistant", "status": "completed", "id": "msg_2", "phase": "final_answer",
             "content": [{"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}]},
            {"role": "user", "content": "more"},
        ],
        [
            {"role": "developer", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "hello"}]},
            {"role": "user", "content": "more"},
        ],
    ),
    "calls": (
        [
            {"role": "user", "content": "hi"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
            {"role": "assistant", "content": "So."},
            {"type": "function_call", "call_id": "a", "name": "add", "arguments": '{"n": 1}'},
            {"type": "custom_tool_call", "call_id": "b", "name": "run", "input": "ls"},
            {"type": "function_call_output", "call_id": "a", "output": "2"},
            {"type": "custom_tool_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "x"}]},
        ],
        [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "reasoning_content": "hm", "content": "So.", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"n": 1}'}},
                {"id": "b", "type": "custom", "custom": {"name": "run", "input": "ls"}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "2"},
            {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "x"}]},
        ],
    ),
    "two turns with calls": (
        [
            {"role": "user", "content": "hi"},
            {"type": "function_call", "call_id": "a", "name": "add", "arguments": '{"n": 1}', "id": "fc_1"},
            {"type": "function_call_output", "call_id": "a", "output": "2"},
            {"type": "function_call", "call_id": "b", "name": "add", "arguments": '{"n": 2}'},
            {"type": "function_call_output", "call_id": "b", "output": "3"},
            {"role": "assistant", "content": "Three."},
            {"role": "user", "content": "thanks"},
        ],
        [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"n": 1}'}}]},
            {"role": "tool", "tool_call_id": "a", "content": "2"},
            {"role": "assistant", "tool_calls": [
                {"id": "b", "type": "function", "function": {"name": "add", "arguments": '{"n": 2}'}}]},
            {"role": "tool", "tool_call_id": "b", "content": "3"},
            {"role": "assistant", "content": "Three."},
            {"role": "user", "content": "thanks"},
        ],
    ),
}  # fmt: skip
# The fields of a response's request, and those of a chat's.
FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "tools": ({"tools": [ADD, RUN]}, {"tools": [FUNCTION, CUSTOM]}),
    "required": (
        {"tools": [ADD, RUN], "tool_choice": "required"}, {"tools": [FUNCTION, CUSTOM], "tool_choice": "required"}
    ),
    "a named tool": (
        {"tools": [ADD, RUN], "tool_choice": {"type": "custom", "name": "run"}},
        {"tools": [FUNCTION, CUSTOM], "tool_choice": {"type": "custom", "custom": {"name": "run"}}},
    ),
    "allowed tools": (
        {"tools": [ADD, RUN], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [ADD]}},
        {"tools": [FUNCTION, CUSTOM], "tool_choice": {
            "type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FUNCTION]}}},
    ),
    "one call": (
        {"tools": [ADD], "parallel_tool_calls": False}, {"tools": [FUNCTION], "parallel_tool_calls": False}
    ),
    "a grammar": ({"tools": [GREP]}, {"tools": [CHAT_GREP]}),
    "a schema": (
        {"text": {"format": {"type": "json_schema", "name": "number", "schema": NUMBER}}},
        {"response_format": CHAT_FORMAT},
    ),
    "any object": ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
    "a schema and tools": (
        {"tools": [ADD], "text": {"format": {"type": "json_schema", "name": "number", "schema": NUMBER}}},
        {"tools": [FUNCTION], "response_format": CHAT_FORMAT},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("input", "fields"), list(itertools.product(INPUTS, FIELDS)))
def test_the_same_prompt_and_grammar_as_a_chat(input: str, fields: str) -> None:
    (items, messages), (own, of_chat) = INPUTS[input], FIELDS[fields]
    engine = scripted(says("x", finish="length"))
    app = create_app(engine, settings=Settings(compile_timeout=60))
    assert respond(app, items, **own).status_code == 200
    assert chat(app, messages=messages, **of_chat).status_code == 200
    first, second = engine.prompts
    assert first == second
    assert engine.asked[0] == engine.asked[1]


def test_instructions_are_a_system_message() -> None:
    engine = scripted(says("x"))
    app = create_app(engine)
    respond(app, "hi", instructions="Be short.")
    chat(app, messages=[{"role": "system", "content": "Be short."}, {"role": "user", "content": "hi"}])
    assert engine.prompts[0] == engine.prompts[1]


# The input, and the parameter that the error names.
WRONG: dict[str, tuple[Any, str]] = {
    "nothing": ([], "input"),
    "a number": ([1], "input[0]"),
    "no type": ([{"text": "x"}], "input[0]"),
    "an unknown type": ([{"type": "sing"}], "input[0].type"),
    "an image": ([{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}], "input[0].content[0]"),
    "a file": (
        [{"role": "user", "content": [{"type": "input_text", "text": "x"}, {"type": "input_file"}]}],
        "input[0].content[1]",
    ),
    "an output without its call": (
        [{"role": "user", "content": "x"}, {"type": "function_call_output", "call_id": "a", "output": "2"}],
        "input[1].call_id",
    ),
    "a call without a name": ([{"type": "function_call", "call_id": "a", "arguments": "{}"}], "input[0].name"),
    "a hosted call": ([{"type": "web_search_call", "id": "ws_1", "status": "completed"}], "input[0]"),
    "a reference to nothing": ([{"type": "item_reference", "id": "msg_0"}], "input[0].id"),
    "reasoning of another server": (
        [{"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}],
        "input[0].encrypted_content",
    ),
    "a role": ([{"role": "wizard", "content": "x"}], "input[0].role"),
}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_the_error_names_the_item(case: str) -> None:
    input, param = WRONG[case]
    response = respond(serving("x"), input)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param
    validate("ErrorResponse", response.json())


def test_half_an_emoji_in_an_output() -> None:
    """A tool that cuts its result anywhere does not block the conversation."""
    items = [
        {"type": "function_call", "call_id": "a", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "\ud83d"},
    ]
    body = whole(serving("x"), items)
    assert body["warnings"][0]["param"] == "input[1].output"
    assert json.dumps(body)
