"""Finished answers that their own grammar forbids: an engine that gives a grammar up never ends an answer."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from latticework import create_app
from latticework.engines.base import Piece, Sampling
from latticework.engines.following import given_up
from tests.http import chat, events
from tests.scripted import Script, ScriptedEngine, says

CODE = "grammar_limit_exceeded"
REGEX = {"structured_outputs": {"regex": "[a-z]{3}[0-9]"}}
CHOICE = {"structured_outputs": {"choice": ["yes", "no"]}}
LARK = {"structured_outputs": {"grammar": 'start: "(" start ")" | "x"'}}
GBNF = {"structured_outputs": {"grammar": 'root ::= "a" [0-9]+'}}


def custom(syntax: str, definition: str) -> dict[str, Any]:
    grammar = {"syntax": syntax, "definition": definition}
    tool = {"type": "custom", "custom": {"name": "c", "format": {"type": "grammar", "grammar": grammar}}}
    return {"tools": [tool], "tool_choice": "required"}


def called(text: str) -> str:
    return f"<tool_call>\n{json.dumps({'name': 'c', 'arguments': {'input': text}})}\n</tool_call>"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fields", "fits", "cut", "broken"),
    [
        (REGEX, "abc1", ("", "abc"), ("ab1", "abc12")),
        (CHOICE, "yes", (), ("", "ye", "yes ")),
        (LARK, "((x))", ("", "((x)"), ("x)", "y")),
        (GBNF, "a17", ("", "a"), ("b", "a1b")),
        (custom("regex", "[a-z]{3}[0-9]"), called("abc1"), (called("abc"),), (called("ab1"),)),
        (custom("lark", 'start: "(" start ")" | "x"'), called("(x)"), (called("(x"),), (called("x)"),)),
    ],
)
def test_what_left_as_finished_is_a_text_of_its_grammar(
    fields: dict[str, Any], fits: str, cut: Sequence[str], broken: Sequence[str], stream: bool
) -> None:
    assert ending(says(fits), stream, fields) in ("stop", "tool_calls")
    assert {ending(says(text), stream, fields) for text in cut} <= {CODE}
    assert {ending(says(text), stream, fields) for text in broken} == {"invalid_output"}


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_was_cut_may_be_a_part_of_such_a_text(stream: bool) -> None:
    assert ending(says("abc", finish="length"), stream, REGEX) == "length"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fields", [REGEX, {"response_format": {"type": "json_object"}}])
def test_a_limit_that_is_exceeded_in_the_answer_is_an_error_by_its_name(fields: dict[str, Any], stream: bool) -> None:
    async def gives_up(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        yield Piece("{" if "response_format" in fields else "a", (0,))
        raise given_up("max_lexer_states")

    assert ending(gives_up, stream, fields) == CODE
    error = chat(create_app(ScriptedEngine(gives_up)), **fields).json()["error"]
    assert "(max_lexer_states)" in error["message"] and error["type"] == "invalid_request_error"


def test_the_error_names_the_grammar() -> None:
    response = chat(create_app(ScriptedEngine(says("abc"))), **REGEX)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "structured_outputs.regex")


def ending(script: Script, stream: bool, fields: dict[str, Any]) -> str:
    """The finish reason, or the code of the error."""
    response = chat(create_app(ScriptedEngine(script)), stream=stream, **fields)
    if not stream:
        body = response.json()
        return str(body["error"]["code"] if "error" in body else body["choices"][0]["finish_reason"])
    chunks = [chunk for chunk in events(response) if chunk != "[DONE]"]
    errors = [chunk["error"]["code"] for chunk in chunks if "error" in chunk]
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk.get("choices", ())]
    assert not errors or not any(reasons)
    return str(errors[0] if errors else next(reason for reason in reasons if reason))
