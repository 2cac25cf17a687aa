"""Names of tools and schemas from clients: of MCP servers, of generic types, and some that no call can have."""

from __future__ import annotations

from typing import Any

import pytest

from latticework import create_app
from tests.http import chat, events, send
from tests.scripted import ScriptedEngine, says

LIST = "mcp__github/issues.list:all"


def function(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def wire(name: str) -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {{}}}}\n</tool_call>'


@pytest.mark.parametrize("name", [LIST, "get weather", "größe", "天気 😀", "a" * 256, "a" * 255 + "/"])
@pytest.mark.parametrize("choice", ["auto", "required", "named", "allowed"])
def test_a_tool_of_any_name_is_called(name: str, choice: str) -> None:
    allowed = {"mode": "required", "tools": [function(name)]}
    choices = {"named": function(name), "allowed": {"type": "allowed_tools", "allowed_tools": allowed}}
    fields: dict[str, Any] = {"tools": [function("get"), function(name)], "tool_choice": choices.get(choice, choice)}
    served = create_app(ScriptedEngine(says(*wire(name))))
    whole = chat(served, **fields)
    assert whole.status_code == 200, whole.text
    assert whole.json()["choices"][0]["message"]["tool_calls"][0]["function"] == {"name": name, "arguments": "{}"}
    deltas = [chunk["choices"][0]["delta"] for chunk in events(chat(served, stream=True, **fields))[:-1]]
    calls = [call["function"] for delta in deltas for call in delta.get("tool_calls", ())]
    assert (calls[0]["name"], "".join(call["arguments"] for call in calls)) == (name, "{}")


def test_a_custom_tool_may_be_called_so_too() -> None:
    text = f'<tool_call>\n{{"name": "{LIST}", "arguments": {{"input": "x"}}}}\n</tool_call>'
    served = create_app(ScriptedEngine(says(text)))
    response = chat(served, tools=[{"type": "custom", "custom": {"name": LIST}}])
    assert response.json()["choices"][0]["message"]["tool_calls"][0]["custom"] == {"name": LIST, "input": "x"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ('say "hi"', "The wire format hermes can't write '\"' in the name of a tool. Rename the tool."),
        ("a\\b", "The wire format hermes can't write '\\\\' in the name of a tool. Rename the tool."),
        ("a\nb", "The wire format hermes can't write '\\n' in the name of a tool. Rename the tool."),
        (" a", "The name is empty, or begins or ends with whitespace. Rename the tool."),
        ("y" * 257, "The name has 257 characters; 256 is the limit. Rename the tool."),
    ],
)
def test_what_the_wire_format_cannot_write_is_named(name: str, message: str) -> None:
    engine = ScriptedEngine(says(wire("get")))
    served = create_app(engine)
    tools = [function("get"), function(name)]
    error = chat(served, tools=tools).json()["error"]
    assert error["param"] == "tools[1].function.name"
    assert error["message"].endswith(message)
    assert engine.asked == []
    skipping = chat(served, tools=tools, on_bad_tool="skip")
    assert skipping.status_code == 200, skipping.text
    (warning,) = skipping.json()["warnings"]
    assert (warning["code"], warning["tool"], warning["param"]) == ("skipped_tool", name, "tools[1].function.name")
    assert skipping.headers["x-latticework-skipped-tools"]


def test_the_format_of_the_request_decides() -> None:
    served = create_app(ScriptedEngine(says("hello")))
    assert chat(served, tools=[function("a(b)")]).status_code == 200
    error = chat(served, tools=[function("a(b)")], tool_format="pythonic").json()["error"]
    assert "The wire format pythonic can't write '('" in error["message"]


def test_an_empty_name_is_refused() -> None:
    error = chat(create_app(ScriptedEngine(says("hello"))), tools=[function("")]).json()["error"]
    assert error["param"] == "tools[0].function.name"


@pytest.mark.parametrize(("name", "status"), [("Page[User]", 200), ("réponse à 1", 200), ("", 400), ("n" * 257, 400)])
def test_a_schema_may_have_any_name(name: str, status: int) -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
    body = chat(create_app(ScriptedEngine(says("{}"))), response_format=form)
    assert body.status_code == status
    if status == 400:
        assert body.json()["error"]["param"] == "response_format.json_schema.name"


def test_the_grammar_of_such_a_name_is_reported() -> None:
    served = create_app(ScriptedEngine(says("hello")))
    body = {"model": "scripted", "tools": [function(LIST)]}
    assert LIST in send(served, "POST", "/v1/grammars", json=body).json()["grammar"]
