"""The tools of responses: namespaces, custom tools, tools that the client runs, and those that this server lacks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from latticework import Settings, create_app
from tests.latticework.doors.responses.responding import (
    ADD,
    NUMBER,
    RUN,
    respond,
    scripted,
    serving,
    streamed,
    whole,
    without_ids,
)
from tests.scripted import says


def call(name: str, **arguments: Any) -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {json.dumps(arguments)}}}\n</tool_call>'


NAMESPACES = [
    {"type": "namespace", "name": "mcp__a", "description": "A.", "tools": [ADD]},
    {"type": "namespace", "name": "mcp__b", "description": "B.", "tools": [ADD, RUN]},
    ADD,
]


@pytest.mark.parametrize("namespace", [None, "mcp__a", "mcp__b"])
def test_namespaces_are_kept_apart(namespace: str | None) -> None:
    written = "add" if namespace is None else f"{namespace}__add"
    app = serving(call(written, n=1))
    (item,) = whole(app, tools=NAMESPACES)["output"]
    assert (item["name"], item.get("namespace")) == ("add", namespace)
    assert without_ids(streamed(app, tools=NAMESPACES)[-1]["response"]["output"]) == without_ids([item])


def test_a_call_in_a_namespace_goes_back_as_it_came() -> None:
    engine = scripted(says(call("mcp__b__run", input="ls")))
    app = create_app(engine, settings=Settings(compile_timeout=60))
    (item,) = whole(app, tools=NAMESPACES)["output"]
    assert (item["type"], item["namespace"], item["input"]) == ("custom_tool_call", "mcp__b", "ls")
    output = {"type": "custom_tool_call_output", "call_id": item["call_id"], "output": "x"}
    assert respond(app, [{"role": "user", "content": "hi"}, item, output], tools=NAMESPACES).status_code == 200
    assert "mcp__b__run" in engine.prompts[-1]


CLIENT_RUN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "local_shell": (
        {"command": ["ls", "-a"]},
        {"type": "local_shell_call", "action": {"type": "exec", "env": {}, "command": ["ls", "-a"]}},
    ),
    "shell": (
        {"commands": ["ls"]},
        {
            "type": "shell_call",
            "environment": None,
            "action": {"commands": ["ls"], "timeout_ms": None, "max_output_length": None},
        },
    ),
    "apply_patch": (
        {"type": "create_file", "path": "a", "diff": "+b"},
        {"type": "apply_patch_call", "operation": {"type": "create_file", "path": "a", "diff": "+b"}},
    ),
    "tool_search": (
        {"query": "files"},
        {"type": "tool_search_call", "execution": "client", "arguments": {"query": "files"}},
    ),
}


@pytest.mark.parametrize("name", CLIENT_RUN, ids=str)
def test_a_tool_that_the_client_runs(name: str) -> None:
    arguments, wanted = CLIENT_RUN[name]
    app, tools = serving(*call(name, **arguments)), [{"type": name}]
    (item,) = whole(app, tools=tools, tool_choice="required")["output"]
    assert without_ids(item) == {**wanted, "status": "completed"}
    assert [event["type"] for event in streamed(app, tools=tools)] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
    ]
    output = {"type": wanted["type"] + "_output", "call_id": item["call_id"], "output": "x", "id": item["call_id"]}
    if name == "tool_search":
        output = {"type": "tool_search_output", "call_id": item["call_id"], "tools": [ADD]}
    again = [{"role": "user", "content": "hi"}, item, output]
    assert respond(app, again, tools=tools).status_code == 200


def test_tools_of_items_may_be_called() -> None:
    app = serving(call("mcp__x__add", n=1))
    namespace = {"type": "namespace", "name": "mcp__x", "description": "", "tools": [ADD]}
    items = [{"type": "additional_tools", "role": "developer", "tools": [namespace]}, {"role": "user", "content": "hi"}]
    (item,) = whole(app, items)["output"]
    assert (item["namespace"], item["name"]) == ("mcp__x", "add")


def test_deferred_tools_wait_for_a_search() -> None:
    engine = scripted(says("x"))
    app = create_app(engine, settings=Settings(compile_timeout=60))
    deferred = {**ADD, "defer_loading": True}
    assert respond(app, tools=[{"type": "tool_search"}, deferred]).status_code == 200
    assert respond(app, tools=[deferred]).status_code == 200
    assert ('"add"' in engine.prompts[0], '"add"' in engine.prompts[1]) == (False, True)


def test_hosted_tools_are_left_out_and_named() -> None:
    tools = [{"type": "web_search"}, ADD, {"type": "mcp", "server_label": "x"}]
    response = respond(serving("hello"), tools=tools)
    assert response.headers["x-latticework-ignored"] == "tools[0], tools[2]"
    body = response.json()
    assert [warning["param"] for warning in body["warnings"]] == ["tools[0]", "tools[2]"]
    assert [tool["type"] for tool in body["tools"]] == ["web_search", "function", "mcp"]
    refused = respond(serving("hello", hosted_tools="error"), tools=tools)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tools[0]")


CHOICES: dict[str, tuple[Any, str]] = {
    "unknown": ({"type": "function", "name": "none"}, "tool_choice"),
    "another type": ({"type": "custom", "name": "add"}, "tool_choice"),
    "hosted": ({"type": "web_search"}, "tool_choice"),
    "unknown among allowed ones": (
        {"type": "allowed_tools", "mode": "auto", "tools": [ADD, {"type": "function", "name": "none"}]},
        "tool_choice.tools[1]",
    ),
}


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_choice_of_no_tool(choice: str) -> None:
    given, param = CHOICES[choice]
    response = respond(serving("x"), tools=[ADD], tool_choice=given)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


BAD: dict[str, tuple[Any, str]] = {
    "a schema": ([{**ADD, "parameters": {"type": "wat"}}], "tools[0].parameters.type"),
    "a grammar": (
        [{**RUN, "format": {"type": "grammar", "syntax": "lark", "definition": "start: ("}}],
        "tools[0].format.definition",
    ),
    "in a namespace": (
        [{"type": "namespace", "name": "a", "tools": [{**ADD, "parameters": {"type": "wat"}}]}],
        "tools[0].tools[0].parameters.type",
    ),
    "an unknown type": ([{"type": "wat"}], "tools[0]"),
    "a tool of chat completions": ([{"type": "function", "function": {"name": "add"}}], "tools[0].name"),
    "a tool of chat completions in a namespace": (
        [{"type": "namespace", "name": "mcp", "tools": [{"type": "custom", "custom": {"name": "add"}}]}],
        "tools[0].tools[0].name",
    ),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_the_error_names_the_tool(case: str) -> None:
    tools, param = BAD[case]
    response = respond(serving("x"), tools=tools)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param), response.text


def test_a_schema_of_the_text_is_named() -> None:
    format = {"type": "json_schema", "name": "x", "schema": {"type": "wat"}}
    error = respond(serving("x"), text={"format": format}).json()["error"]
    assert error["param"] == "text.format.schema.type"
    both: dict[str, Any] = {"text": {"format": {**format, "schema": NUMBER}}, "structured_outputs": {"regex": "a"}}
    assert respond(serving("x"), **both).json()["error"]["param"] == "structured_outputs"
