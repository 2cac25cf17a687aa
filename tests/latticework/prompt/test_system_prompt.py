"""Tools and schemas in the prompt."""

from __future__ import annotations

from typing import Any

import pytest

from latticework import Settings, create_app
from latticework.prompt.system_prompt import normalized_tool
from tests.http import chat
from tests.scripted import ScriptedEngine, says

SCHEMA = {"type": "object", "properties": {"wombat": {"type": "integer"}}, "required": ["wombat"]}
TOOL = {"type": "function", "function": {"name": "find_wombat", "parameters": SCHEMA}}
AS_SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}


def prompt(fields: dict[str, Any], length: int = 100_000, **settings: Any) -> str:
    engine = ScriptedEngine(says('{"wombat": 1}'), max_model_len=length)
    response = chat(create_app(engine, settings=Settings(**settings)), **fields)
    assert response.status_code == 200, response.text
    return engine.prompts[0]


@pytest.mark.parametrize(
    ("setting", "length", "included"),
    [
        ("always", 100_000, True),
        ("always", 600, True),
        ("auto", 100_000, True),
        ("auto", 600, True),
        ("auto", 330, False),  # the schema would fill more than a quarter of the context
        ("never", 100_000, False),
    ],
)
def test_the_schema_is_included(setting: str, length: int, included: bool) -> None:
    fields = {"response_format": AS_SCHEMA, "max_tokens": 5}
    assert ("wombat" in prompt(fields, length, schema_in_prompt=setting)) is included


def test_json_mode_adds_nothing() -> None:
    assert prompt({"response_format": {"type": "json_object"}}) == prompt({})


def test_tools_are_described_if_the_template_renders_none() -> None:
    text = prompt({"tools": [TOOL], "response_format": AS_SCHEMA})
    assert "find_wombat" in text
    assert "<tool_call>" in text


def test_tools_are_described_also_if_none_may_be_called_so_that_the_prefix_stays() -> None:
    free = {"tools": [TOOL], "response_format": AS_SCHEMA}
    assert prompt({**free, "tool_choice": "none"}) == prompt(free)


SLIPS = {
    "type": "OBJECT",
    "properties": {"wombat": {"type": "STRING", "required": True, "enum": None}, "any": []},
    "required": None,
}


@pytest.mark.parametrize("described", [False, True])
def test_templates_get_parameters_as_the_compiler_reads_them(described: bool) -> None:
    tool = {"type": "function", "function": {"name": "find_wombat", "parameters": SLIPS}}
    read = normalized_tool(tool, described=described)["function"]["parameters"]
    text = {"description": ""} if described else {}
    properties = {"wombat": {"type": "string", **text}, "any": text}
    assert read == {"type": "object", "properties": properties, "required": ["wombat"]}


@pytest.mark.parametrize("parameters", [{"properties": 5}, {"properties": [1]}, {"type": "OBJECT", "properties": None}])
def test_templates_always_get_properties(parameters: dict[str, Any]) -> None:
    tool = {"type": "function", "function": {"name": "find_wombat", "parameters": parameters}}
    read = normalized_tool(tool, described=True)["function"]["parameters"]
    assert read == {"type": "object", "properties": {}}


@pytest.mark.parametrize("parameters", [SLIPS, {}, {"type": "dict", "properties": []}, {"type": ["OBJECT", "NULL"]}])
def test_a_tool_as_tools_send_it_is_offered(parameters: Any) -> None:
    tool = {"type": "function", "function": {"name": "find_wombat", "parameters": parameters}}
    assert "find_wombat" in prompt({"tools": [tool], "tool_choice": "none"})
