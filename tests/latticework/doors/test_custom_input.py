"""Custom tools over HTTP: what a client sends, and what it gets back, whole and streamed."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from latticework import create_app
from latticework.doors.common.call_text import InputText
from tests.http import USER, chat, events
from tests.scripted import ScriptedEngine, says

LARK = {"type": "grammar", "grammar": {"syntax": "lark", "definition": 'start: "SELECT " /[^;]+/ ";"'}}
SQL = {"type": "custom", "custom": {"name": "sql", "description": "Runs it.", "format": LARK}}
ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
QUERY = 'SELECT "é😀"\n\\ \x01;'


def wire(text: str, **options: Any) -> str:
    return f'<tool_call>\n{{"name": "sql", "arguments": {json.dumps({"input": text}, **options)}}}\n</tool_call>'


ADD_CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'

TEXTS = ["", QUERY, "\U0001f600\ud7ff\u2028\x7f", '"}', "\\u0041", "a" * 50]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("ascii", [True, False])
def test_any_cut_decodes_to_the_same_text(text: str, ascii: bool) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=ascii)
    rng = random.Random(1)
    for _ in range(60):
        cuts = sorted(rng.sample(range(len(arguments) + 1), rng.randint(0, 6)))
        pieces = [arguments[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
        decoder = InputText()
        assert "".join(map(decoder.feed, pieces)) == text
    decoder = InputText()
    assert "".join(map(decoder.feed, arguments)) == text


ODD = [
    (r'{ "input" : "\ud83dx\ude00"}', "\ufffdx\ufffd"),
    (r'{"input": "\ud83d"}', "\ufffd"),
    (r'{"input": "\ud83d\n\ud83d\ud83d\ude00"}', "\ufffd\n\ufffd😀"),
    (r'{"input": "a\/\q"}', "a/"),
    ('{"input": 5}', ""),
    ('["input"]', ""),
]


@pytest.mark.parametrize(("arguments", "text"), ODD)
def test_decoding_never_fails(arguments: str, text: str) -> None:
    for pieces in ([arguments], list(arguments)):
        decoder = InputText()
        assert "".join(map(decoder.feed, pieces)) == text


@pytest.mark.parametrize("pieces", [[wire(QUERY)], list(wire(QUERY)), list(wire(QUERY, ensure_ascii=False))])
def test_whole_and_streamed_calls_are_the_same(pieces: list[str]) -> None:
    served = create_app(ScriptedEngine(says(*pieces)))
    whole = chat(served, tools=[SQL, ADD]).json()["choices"][0]
    assert whole["finish_reason"] == "tool_calls"
    assert whole["message"]["content"] is None
    (call,) = whole["message"]["tool_calls"]
    assert call == {"id": call["id"], "type": "custom", "custom": {"name": "sql", "input": QUERY}}

    *chunks, _ = events(chat(served, tools=[SQL, ADD], stream=True))
    first, *others = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert first.keys() == {"index", "id", "type", "custom"}
    assert (first["type"], first["custom"]["name"]) == ("custom", "sql")
    assert all(other.keys() == {"index", "custom"} and other["custom"].keys() == {"input"} for other in others)
    assert all(other["custom"]["input"] for other in others)
    assert "".join(call["custom"]["input"] for call in (first, *others)) == QUERY


def test_both_kinds_of_calls_in_one_answer() -> None:
    text = "Well.\n" + wire(QUERY) + "\n" + ADD_CALL
    for pieces in ([text], list(text)):
        message = chat(create_app(ScriptedEngine(says(*pieces))), tools=[SQL, ADD]).json()["choices"][0]["message"]
        assert [call["type"] for call in message["tool_calls"]] == ["custom", "function"]
        assert message["tool_calls"][1]["function"]["arguments"] == '{"a": 1}'


def test_a_text_outside_the_grammar_is_no_answer() -> None:
    response = chat(create_app(ScriptedEngine(says(wire("DROP TABLE;")))), tools=[SQL])
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "invalid_output"


CHOICES = [
    # what a client sends, and what the grammar has to hold: the names of tools that may be called
    ({"type": "custom", "custom": {"name": "sql"}}, {"sql"}),
    ({"type": "function", "function": {"name": "add"}}, {"add"}),
    ("required", {"sql", "add"}),
    ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
        {"type": "custom", "custom": {"name": "sql"}}]}}, {"sql"}),
]  # fmt: skip


@pytest.mark.parametrize(("choice", "names"), CHOICES)
def test_a_choice_names_custom_tools_too(choice: Any, names: set[str]) -> None:
    engine = ScriptedEngine(says(wire(QUERY) if "sql" in names else ADD_CALL))
    assert chat(create_app(engine), tools=[SQL, ADD], tool_choice=choice).status_code == 200
    grammar = engine.asked[0].grammar or ""
    assert {name for name in ("sql", "add") if f'"name\\": \\"{name}\\"' in grammar} == names


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tools": [SQL], "tool_choice": {"type": "function", "function": {"name": "sql"}}}, "tool_choice"),
    ({"tools": [ADD], "tool_choice": {"type": "custom", "custom": {"name": "add"}}}, "tool_choice"),
    ({"tools": [ADD, {"type": "custom", "custom": {"name": "add"}}]}, "tools[1].custom.name"),
    ({"tools": [SQL], "tool_format": "pythonic"}, "tools[0].custom.format.grammar"),
    ({"tools": [{"type": "custom", "custom": {"name": "f", "format": {"type": "grammar", "grammar": {
        "syntax": "regex", "definition": "("}}}}]}, "tools[0].custom.format.grammar.definition"),
    ({"tools": [{"type": "custom", "custom": {"name": "f", "format": {"type": "grammar", "grammar": {
        "syntax": "lark", "definition": 'start: "a" }\nr0: "b" %lark {'}}}}]},
     "tools[0].custom.format.grammar.definition"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "param"), WRONG)
def test_what_cannot_be_done_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    engine = ScriptedEngine(says("x"))
    response = chat(create_app(engine), **fields)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert engine.asked == []


def test_tools_and_history_are_told_as_functions_of_one_input() -> None:
    engine = ScriptedEngine(says("done"))
    called = {"id": "call_1", "type": "custom", "custom": {"name": "sql", "input": QUERY}}
    history = [
        USER,
        {"role": "assistant", "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "call_1", "content": "7 rows"},
    ]
    plain = {"type": "custom", "custom": {"name": "note"}}
    response = chat(create_app(engine), messages=history, tools=[SQL, plain])
    assert response.status_code == 200
    assert "x-latticework-ignored" not in response.headers
    (prompt,) = engine.prompts
    assert wire(QUERY, ensure_ascii=False) in prompt
    assert "7 rows" in prompt
    told = [json.loads(line) for line in prompt.split("<tools>\n")[1].split("\n</tools>")[0].split("\n")]
    assert [tool["function"]["name"] for tool in told] == ["sql", "note"]
    described = [tool["function"]["parameters"]["properties"]["input"]["description"] for tool in told]
    assert LARK["grammar"]["definition"] in described[0]  # type: ignore[index]
    assert "plain text" in described[1]
