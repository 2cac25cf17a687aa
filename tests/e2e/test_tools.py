"""Tool calls through the real openai client, in each tool choice."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openai import OpenAI

from tests.e2e.conftest import MODEL

WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 40},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}
CLOCK: dict[str, Any] = {"type": "object", "properties": {"zone": {"type": "string", "maxLength": 40}}}
SCHEMAS = {"get_weather": WEATHER, "get-time": CLOCK, "ping": {"type": "object"}}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "description": "The weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "get-time", "description": None, "parameters": CLOCK, "strict": False}},
    {"type": "function", "function": {"name": "ping"}},
]
ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string", "maxLength": 60}},
    "required": ["answer"],
    "additionalProperties": False,
}
ASK: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "What is the weather in Oslo and in Paris?"}],
    "tools": TOOLS,
    "max_tokens": 300,
}


def check_calls(choice: Any) -> list[str]:
    """Every finished call names an offered tool and fits its schema; the names."""
    calls = choice.message.tool_calls or []
    for call in calls[: len(calls) - (choice.finish_reason == "length")]:
        Draft202012Validator(SCHEMAS[call.function.name]).validate(json.loads(call.function.arguments))
    assert len({call.id for call in calls}) == len(calls)
    return [call.function.name for call in calls]


@pytest.mark.parametrize("temperature", [0, 1])
def test_required(client: OpenAI, temperature: int) -> None:
    choice = client.chat.completions.create(**ASK, tool_choice="required", temperature=temperature).choices[0]
    assert check_calls(choice)
    assert choice.message.content is None
    assert choice.finish_reason in {"tool_calls", "length"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_named(client: OpenAI, name: str) -> None:
    chosen: Any = {"type": "function", "function": {"name": name}}
    choice = client.chat.completions.create(**ASK, tool_choice=chosen).choices[0]
    assert check_calls(choice) == [name]


@pytest.mark.parametrize("temperature", [0, 1])
def test_auto_is_constrained(client: OpenAI, temperature: int) -> None:
    choice = client.chat.completions.create(**ASK, temperature=temperature).choices[0]
    names = check_calls(choice)
    assert choice.finish_reason in ({"tool_calls", "length"} if names else {"stop", "length"})
    assert "<tool_call>" not in (choice.message.content or "")


def test_auto_calls_when_the_model_has_begun_to(client: OpenAI) -> None:
    shown = [
        {"role": "user", "content": "Ping."},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "ping", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "pong"},
    ]  # fmt: skip
    messages: list[Any] = [*shown, *shown, *shown, {"role": "user", "content": "Ping."}]
    choice = client.chat.completions.create(**{**ASK, "messages": messages}, temperature=0).choices[0]
    assert check_calls(choice)
    assert choice.finish_reason == "tool_calls"


def test_none(client: OpenAI) -> None:
    choice = client.chat.completions.create(**{**ASK, "max_tokens": 30}, tool_choice="none").choices[0]
    assert not choice.message.tool_calls


def test_one_call_when_parallel_calls_are_off(client: OpenAI) -> None:
    ask = {**ASK, "temperature": 0, "tool_choice": "required", "parallel_tool_calls": False}
    choice = client.chat.completions.create(**ask).choices[0]
    assert len(check_calls(choice)) == 1
    assert choice.finish_reason == "tool_calls"


def test_parallel_calls(client: OpenAI) -> None:
    """Sampled: greedy, the small model repeats itself, which ends the answer."""
    asked = client.chat.completions.create(**ASK, tool_choice="required", temperature=1.2, n=12)
    assert max(len(check_calls(choice)) for choice in asked.choices) >= 2


@pytest.mark.parametrize("temperature", [0, 1])
def test_tools_or_a_document(client: OpenAI, temperature: int) -> None:
    answer: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": ANSWER}}
    choice = client.chat.completions.create(**ASK, response_format=answer, temperature=temperature).choices[0]
    if not check_calls(choice) and choice.finish_reason == "stop":
        Draft202012Validator(ANSWER).validate(json.loads(choice.message.content or ""))


def test_required_wins_over_a_document(client: OpenAI) -> None:
    choice = client.chat.completions.create(
        **ASK, response_format={"type": "json_object"}, tool_choice="required", parallel_tool_calls=False
    ).choices[0]
    assert len(check_calls(choice)) == 1


def test_tools_that_are_none_are_fine(client: OpenAI) -> None:
    for fields in ({"tools": [], "tool_choice": "auto"}, {"tool_choice": "none"}, {"parallel_tool_calls": False}):
        ask: dict[str, Any] = {**ASK, "max_tokens": 5, **fields}
        if "tools" not in fields:
            del ask["tools"]
        assert not client.chat.completions.create(**ask).choices[0].message.tool_calls


QUERY = r"""start: "SELECT " FIELD " FROM \"" FIELD "\";"
FIELD: /[a-z]{1,8}/
"""


@pytest.mark.parametrize(
    ("syntax", "definition", "form"),
    [
        ("lark", QUERY, r'SELECT [a-z]{1,8} FROM "[a-z]{1,8}";'),
        ("regex", r"[A-Z]{3}-\d{2}", r"[A-Z]{3}-\d{2}"),
    ],
)
def test_a_custom_tool_beside_a_function(client: OpenAI, syntax: str, definition: str, form: str) -> None:
    format = {"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}}
    custom: Any = {"type": "custom", "custom": {"name": "run", "description": "Runs a query", "format": format}}
    ask: dict[str, Any] = {
        **ASK,
        "tools": [*TOOLS, custom],
        "tool_choice": {"type": "custom", "custom": {"name": "run"}},
        "temperature": 0,
    }
    calls: list[Any] = client.chat.completions.create(**ask).choices[0].message.tool_calls or []
    (call,) = calls
    assert call.type == "custom"
    assert re.fullmatch(form, call.custom.input)
    streamed = [chunk.choices[0].delta.tool_calls for chunk in client.chat.completions.create(**ask, stream=True)]
    pieces: list[Any] = [call for some in streamed for call in some or ()]
    assert pieces[0].custom["name"] == "run"
    assert "".join(piece.custom["input"] for piece in pieces) == call.custom.input
