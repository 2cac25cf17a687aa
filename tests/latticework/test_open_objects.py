"""`open_objects`: objects without a keyword for other properties are closed, unless a request or setting opens them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from latticework import Settings, create_app
from tests.http import chat, send
from tests.scripted import ScriptedEngine, says
from turngrammar.audit import Acceptor

LISTED: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
DOCUMENT: dict[str, Any] = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": LISTED}}}
JSON_MODE = {"response_format": {"type": "json_object"}}
NO_SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}
MORE = '{"a": "x", "b": 1}'
CLOSED = "closed by default: no other names are generated"

# The setting, the field of the request, and whether objects are open.
DECISIONS = [
    (False, {}, False),
    (False, {"open_objects": None}, False),
    (False, {"open_objects": False}, False),
    (False, {"open_objects": True}, True),
    (True, {}, True),
    (True, {"open_objects": True}, True),
    (True, {"open_objects": False}, False),
]


def grammar_of(path: str, fields: dict[str, Any], answer: str, **settings: Any) -> str:
    """The grammar under which the engine generated."""
    engine = ScriptedEngine(says(answer))
    app = create_app(engine, settings=Settings(**settings))
    prompt = {"prompt": "hi"} if path == "/v1/completions" else {"messages": [{"role": "user", "content": "hi"}]}
    body = {"model": "scripted", "max_tokens": 500, **prompt, **fields}
    response = send(app, "POST", path, content=json.dumps(body))
    assert response.status_code == 200, response.text
    assert "x-latticework-ignored" not in response.headers
    return str(engine.asked[0].grammar)


@pytest.mark.parametrize(("setting", "field", "opens"), DECISIONS)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_a_document_is_closed_unless_it_is_opened(path: str, setting: bool, field: dict[str, Any], opens: bool) -> None:
    grammar = Acceptor(grammar_of(path, {**DOCUMENT, **field}, '{"a": "x"}', open_objects=setting))
    assert grammar.accepts('{"a": "x"}')
    assert grammar.accepts(MORE) == opens


@pytest.mark.parametrize("fields", [JSON_MODE, NO_SCHEMA, {"structured_outputs": {"json_object": True}}])
def test_without_a_schema_any_object_is_generated(fields: dict[str, Any]) -> None:
    assert Acceptor(grammar_of("/v1/chat/completions", fields, "{}")).accepts(MORE)


def called(arguments: str) -> str:
    return f'<tool_call>\n{{"name": "f", "arguments": {arguments}}}\n</tool_call>'


def function(**fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", **fields}}


# A tool, whether objects are open, and which arguments are generated.
TOOLS: list[tuple[dict[str, Any], bool, list[str]]] = [
    (function(parameters=LISTED), False, ["{}", '{"a": "x"}']),
    (function(parameters=LISTED, strict=True), False, ["{}", '{"a": "x"}']),
    (function(parameters=LISTED), True, ["{}", '{"a": "x"}', MORE]),
    (function(), False, ["{}"]),
    (function(parameters=None), False, ["{}"]),
    (function(), True, ["{}"]),
    (function(parameters={"type": "object", "properties": {}}), False, ["{}"]),
    (function(parameters={"type": "object", "properties": {}}), True, ["{}", '{"a": "x"}', MORE]),
    (function(parameters={"type": "object"}), False, ["{}", '{"a": "x"}', MORE]),
    (function(parameters={}), False, ["{}", '{"a": "x"}', MORE]),
]


@pytest.mark.parametrize(("tool", "opens", "generated"), TOOLS)
def test_the_arguments_of_a_call(tool: dict[str, Any], opens: bool, generated: list[str]) -> None:
    fields = {"tools": [tool], "tool_choice": "required", "open_objects": opens}
    grammar = Acceptor(grammar_of("/v1/chat/completions", fields, called("{}")))
    assert [text for text in ("{}", '{"a": "x"}', MORE) if grammar.accepts(called(text))] == generated


def test_what_the_schema_allows_passes_the_check_either_way() -> None:
    """The check of the finished answer is by the schema as it was sent."""
    app = create_app(ScriptedEngine(says(MORE)))
    assert chat(app, **DOCUMENT).json()["choices"][0]["message"]["content"] == MORE


@pytest.mark.parametrize(("opens", "reason"), [(False, CLOSED), (True, "")])
def test_the_report_says_so(opens: bool, reason: str) -> None:
    app = create_app(ScriptedEngine(says()))
    body = {"model": "scripted", **DOCUMENT, "open_objects": opens}
    explained = send(app, "POST", "/v1/grammars", content=json.dumps(body)).json()
    assert explained["exact"]
    [row] = [row for row in explained["report"] if row["keyword"] == "properties"]
    assert row["status"] == "enforced"
    assert row["reason"].partition("; ")[2] == reason


def test_it_is_true_or_false() -> None:
    response = chat(create_app(ScriptedEngine(says())), **DOCUMENT, open_objects="yes")
    assert (response.status_code, response.json()["error"]["param"]) == (400, "open_objects")
