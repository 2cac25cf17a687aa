"""vLLM's structured_outputs: what it takes, what it refuses, and what its grammars allow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from latticework import create_app
from tests.http import USER, chat, send
from tests.scripted import ScriptedEngine, says

TOOL = {"type": "function", "function": {"name": "f"}}
CALL = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def grammar(**fields: Any) -> str:
    """What reaches the engine."""
    engine = ScriptedEngine(says("x"))
    chat(create_app(engine), **fields)
    return engine.asked[0].grammar or ""


def allows(lark: str, text: str) -> bool:
    tokenizer = LLTokenizer("byte")
    matcher = LLMatcher(tokenizer, lark)
    tokens = tokenizer.tokenize_str(text)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


CASES: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"choice": ["yes", 'a "quote"', "br{ce", "%json"]}, ["yes", 'a "quote"', "br{ce", "%json"], ["", "no", "yes "]),
    ({"regex": r"\d{2}/[a-c]+"}, ["12/abc"], ["1/a", "12/abcd", "12/"]),
    ({"regex": 'say "}" twice'}, ['say "}" twice'], ["say"]),
    ({"grammar": 'start: r1 "!"\nr1: "a" | "b" // no end'}, ["a!", "b!"], ["a", "c!"]),
    ({"grammar": 'root ::= "x" y\ny ::= "1" | "2"'}, ["x1"], ["x", "x3"]),
    ({"json": SCHEMA}, ['{"n": 1}'], ["{}", "x"]),
    ({"json": '{"type": "boolean"}'}, ["true"], ["1"]),
    ({"json_object": True}, ['{"a": 1}', "{}"], ["[]"]),
]


@pytest.mark.parametrize(("structured", "good", "bad"), CASES)
def test_the_grammar_is_what_was_asked_for(structured: dict[str, Any], good: list[str], bad: list[str]) -> None:
    alone = grammar(structured_outputs=structured)
    beside_tools = grammar(structured_outputs=structured, tools=[TOOL])
    for text in good:
        assert allows(alone, text)
        assert allows(beside_tools, text)
    for text in bad:
        assert not allows(alone, text)
        assert not allows(beside_tools, text)
    assert allows(beside_tools, CALL)
    assert not allows(alone, CALL)


SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"response_format": {"type": "json_object", "schema": SCHEMA}}, {"json": SCHEMA}),
    ({"response_format": {"type": "json_schema", "schema": SCHEMA}}, {"json": SCHEMA}),
    ({"response_format": {"type": "json_object", "schema": None}}, {"json_object": True}),
    ({"json_schema": SCHEMA}, {"json": SCHEMA}),
    ({"json_schema": json.dumps(SCHEMA)}, {"json": SCHEMA}),
    ({"regex": "a+"}, {"regex": "a+"}),
    ({"grammar": 'root ::= "x"'}, {"grammar": 'root ::= "x"'}),
    ({"ebnf": 'root ::= "x"'}, {"grammar": 'root ::= "x"'}),
    ({"format": SCHEMA}, {"json": SCHEMA}),
    ({"format": "json"}, {"json_object": True}),
    ({"structured_outputs": {"json": SCHEMA, "disable_any_whitespace": True, "whitespace_pattern": None}},
     {"json": SCHEMA}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "structured"), SAME, ids=[str(fields) for fields, _ in SAME])
def test_a_constraint_has_several_names(fields: dict[str, Any], structured: dict[str, Any]) -> None:
    """In both APIs, and in the prompt of a chat."""
    engine, as_structured = ScriptedEngine(says("x")), ScriptedEngine(says("x"))
    for asked, given in ((engine, fields), (as_structured, {"structured_outputs": structured})):
        chat(create_app(asked), **given)
        send(create_app(asked), "POST", "/v1/completions", json={"model": "scripted", "prompt": "a", **given})
    grammars = [sampling.grammar for sampling in engine.asked]
    assert grammars == [sampling.grammar for sampling in as_structured.asked]
    assert len(grammars) == 2 and None not in grammars
    assert engine.prompts == as_structured.prompts


@pytest.mark.parametrize("fields", [{"format": ""}, {"grammar": ""}, {"ebnf": ""}, {"response_format": None}])
def test_nothing_is_no_constraint(fields: dict[str, Any]) -> None:
    assert grammar(**fields) == ""


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"structured_outputs": {}}, "structured_outputs"),
    ({"structured_outputs": {"regex": "a", "choice": ["a"]}}, "structured_outputs"),
    ({"structured_outputs": {"structural_tag": "{}"}}, "structured_outputs.structural_tag"),
    ({"structured_outputs": {"regex": "a", "wizardry": 1}}, "structured_outputs"),
    ({"structured_outputs": {"json": {}, "whitespace_pattern": " ?"}}, "structured_outputs.whitespace_pattern"),
    ({"structured_outputs": {"json": {}, "disable_additional_properties": True}},
     "structured_outputs.disable_additional_properties"),
    ({"structured_outputs": {"choice": []}}, "structured_outputs.choice"),
    ({"structured_outputs": {"regex": "("}}, "structured_outputs.regex"),
    ({"structured_outputs": {"regex": "(?=a)b"}}, "structured_outputs.regex"),
    ({"structured_outputs": {"grammar": "start: missing"}}, "structured_outputs.grammar"),
    ({"structured_outputs": {"grammar": 'start: "a" }\nr0: "b" %lark {'}}, "structured_outputs.grammar"),
    ({"structured_outputs": {"grammar": "root ::= ("}}, "structured_outputs.grammar"),
    ({"structured_outputs": {"grammar": ""}}, "structured_outputs.grammar"),
    ({"structured_outputs": {"grammar": "root ::= missing"}}, "structured_outputs.grammar"),
    ({"structured_outputs": {"json": "{"}}, "structured_outputs.json"),
    ({"structured_outputs": {"json": {"type": "x"}}}, "structured_outputs.json.type"),
    ({"structured_outputs": {"regex": "a"}, "response_format": {"type": "json_object"}}, "structured_outputs"),
    ({"regex": "a", "response_format": {"type": "json_object"}}, "regex"),
    ({"format": "json", "json_schema": {}}, "format"),
    ({"format": "yaml"}, "format"),
    ({"format": {"type": "x"}}, "format.type"),
    ({"json_schema": "{"}, "json_schema"),
    ({"json_schema": "[]"}, "json_schema"),
    ({"json_schema": {"properties": {"a": {"type": "x"}}}}, "json_schema.properties.a.type"),
    ({"regex": "("}, "regex"),
    ({"grammar": "root ::= missing"}, "grammar"),
    ({"ebnf": "root ::= ("}, "ebnf"),
    ({"response_format": {"type": "json_object", "schema": {"type": "x"}}}, "response_format.schema.type"),
    ({"response_format": {"type": "json_object", "schema": 1}}, "response_format.schema"),
    ({"response_format": {"type": "json_object", "json_schema": {"name": "n"}}}, "response_format.json_schema"),
    ({"response_format": {"type": "text", "schema": {}}}, "response_format.schema"),
    ({"response_format": {"type": "json_schema", "schema": {"type": "x"}}}, "response_format.schema.type"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "n"}, "schema": {}}},
     "response_format.schema"),
    ({"response_format": "json_object"}, "response_format"),
    ({"stream": True, "stream_options": {"continuous_usage_stats": True}}, "stream_options.continuous_usage_stats"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "param"), WRONG)
def test_what_is_none_is_refused(fields: dict[str, Any], param: str) -> None:
    engine = ScriptedEngine(says("x"))
    response = chat(create_app(engine), **fields)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert engine.asked == []


def test_the_answer_is_the_content_beside_tools() -> None:
    for text, calls in (("yes", 0), (CALL, 1)):
        engine = ScriptedEngine(says(text[:2], text[2:]))
        body = chat(create_app(engine), tools=[TOOL], structured_outputs={"choice": ["yes", "no"]}).json()
        message = body["choices"][0]["message"]
        assert len(message.get("tool_calls", ())) == calls
        assert message["content"] == (None if calls else text)


NUMBERS = ["0.1234567890123456789", "1e400", "-1e999999999", "1e-999999999", "0.30000000000000000000000000000000004"]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_a_schema_keep_their_digits(number: str) -> None:
    """In the schema of an answer, that of a tool, and that in text, also in the prompt."""
    schema = (
        f'{{"type": "object", "properties": {{"n": {{"type": "number", "maximum": {number}, "minimum": -{2**70}}}}}}}'
    )
    fields = [
        f'"response_format": {{"type": "json_schema", "json_schema": {{"name": "n", "schema": {schema}}}}}',
        f'"tools": [{{"type": "function", "function": {{"name": "f", "parameters": {schema}}}}}]',
        f'"structured_outputs": {{"json": {json.dumps(schema)}}}',
    ]
    for field in fields:
        engine = ScriptedEngine(says("{}"))
        body = f'{{"model": "scripted", "messages": [{json.dumps(USER)}], {field}}}'
        response = send(create_app(engine), "POST", "/v1/chat/completions", content=body)
        assert response.status_code == 200 or response.status_code == 400, response.text
