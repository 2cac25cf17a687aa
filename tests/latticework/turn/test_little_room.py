"""A required call that can't end within `max_tokens` or the context is refused, and nothing that could."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import ASGIApp

from latticework import create_app
from tests.http import chat
from tests.latticework.generate.test_generation import CLOSING, Opening
from tests.scripted import ByteTokenizer, ScriptedEngine, says

PARAMETERS = {"type": "object", "properties": {"path": {"type": "string"}, "all": {"type": "boolean"}},
              "required": ["path"], "additionalProperties": False}  # fmt: skip
REMOVE = {"type": "function", "function": {"name": "remove", "parameters": PARAMETERS}}
LS = {"type": "function", "function": {"name": "ls", "parameters": {**PARAMETERS, "required": []}}}
RUN = {"type": "custom", "custom": {"name": "run"}}
CALL = '<tool_call>\n{"name": "remove", "arguments": {"path": "a"}}\n</tool_call>'
# What is counted of a call, one token a byte: nothing of its values.
LEAST = len(CALL.replace('"a"', ""))
LEAST_LS = len('<tool_call>\n{"name": "ls", "arguments": {}}\n</tool_call>')
LEAST_RUN = len('<tool_call>\n{"name": "run", "arguments": {"input": }}\n</tool_call>')


def serving(tokenizer: type[ByteTokenizer] = ByteTokenizer, context: int = 100_000) -> ASGIApp:
    text = (CLOSING if tokenizer is Opening else "") + CALL
    return create_app(ScriptedEngine(says(text), tokenizer=tokenizer(), max_model_len=context))


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named("remove")]}}
CASES: list[tuple[dict[str, Any], int]] = [
    ({"tools": [REMOVE], "tool_choice": "required"}, LEAST),
    ({"tools": [REMOVE, LS], "tool_choice": "required"}, LEAST_LS),
    ({"tools": [REMOVE, LS], "tool_choice": named("remove")}, LEAST),
    ({"tools": [REMOVE, LS], "tool_choice": ALLOWED}, LEAST),
    ({"tools": [RUN], "tool_choice": "required"}, LEAST_RUN),
]


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fields", "least"), CASES)
def test_the_shortest_call_must_have_room(fields: dict[str, Any], least: int, stream: bool, field: str) -> None:
    served = serving()
    fields = {**fields, "stream": stream}
    response = chat(served, **{**fields, field: least - 1})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["param"] == field
    assert f"at least {least} tokens" in error["message"]
    assert f"'{field}' is {least - 1}" in error["message"]
    allowed = chat(served, **{**fields, field: least})
    assert allowed.status_code == 200 or allowed.json()["error"]["code"] == "invalid_output"


def test_the_context_may_be_the_limit() -> None:
    prompt = len("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
    fields: dict[str, Any] = {"tools": [REMOVE], "tool_choice": "required"}
    shown = chat(serving(), **fields, max_tokens=LEAST).json()["usage"]["prompt_tokens"]
    assert shown >= prompt
    error = chat(serving(context=shown + LEAST - 1), **fields).json()["error"]
    assert (error["param"], error["code"]) == ("messages", "context_length_exceeded")
    assert f"at least {LEAST} tokens" in error["message"]
    assert chat(serving(context=shown + LEAST), **fields).status_code == 200


def test_where_no_call_is_required_nothing_is_refused() -> None:
    for choice in ("auto", "none"):
        assert chat(serving(), tools=[REMOVE], tool_choice=choice, max_tokens=1).status_code == 200


def test_reasoning_that_the_prompt_has_opened_has_to_end_too() -> None:
    fields: dict[str, Any] = {"tools": [REMOVE], "tool_choice": "required"}
    least = LEAST + len(CLOSING)
    error = chat(serving(Opening), **fields, max_tokens=least - 1).json()["error"]
    assert f"at least {least} tokens" in error["message"]
    assert chat(serving(Opening), **fields, max_tokens=least).status_code == 200
