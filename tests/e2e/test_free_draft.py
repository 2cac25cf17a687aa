"""A real model that thinks in free text and then answers under a grammar: valid, within its limit, over all APIs."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.e2e.conftest import MODEL
from tests.e2e.test_tools import ANSWER, SCHEMAS, TOOLS

TOKENS = 20
ASKED: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
    "max_tokens": 150,
    "draft_tokens": TOKENS,
    "n": 4,
    "temperature": 1.2,
    "truncation": "close",
}
AS_ANSWER = {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": ANSWER}}}
TURNS: dict[str, dict[str, Any]] = {
    "document": AS_ANSWER,
    "required": {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False},
    "auto": {"tools": TOOLS, **AS_ANSWER},
}


@pytest.mark.parametrize("turn", TURNS)
def test_sampled_answers_behind_drafts_are_valid(http: httpx.Client, turn: str) -> None:
    response = http.post("/v1/chat/completions", json={**ASKED, **TURNS[turn]})
    assert response.status_code == 200, response.text
    body = response.json()
    assert TOKENS < body["usage"]["completion_tokens_details"]["reasoning_tokens"] <= 4 * TOKENS
    assert any(choice["message"]["reasoning"] for choice in body["choices"])
    for choice in body["choices"]:
        message = choice["message"]
        for call in message.get("tool_calls") or ():
            function = call["function"]
            Draft202012Validator(SCHEMAS[function["name"]]).validate(json.loads(function["arguments"]))
        if not message.get("tool_calls"):
            assert turn != "required"
            Draft202012Validator(ANSWER).validate(json.loads(message["content"]))


def test_a_draft_is_shown_to_the_next_turn_as_reasoning_is(http: httpx.Client) -> None:
    """This model's chat template shows none."""
    sizes = set()
    for draft in ({}, {"reasoning_content": "It may rain."}):
        past = [{"role": "assistant", "content": "Rain.", **draft}, {"role": "user", "content": "And Rome?"}]
        asked = {"model": MODEL, "messages": [*ASKED["messages"], *past], "max_tokens": 1}
        sizes.add(http.post("/v1/chat/completions", json=asked).json()["usage"]["prompt_tokens"])
    assert len(sizes) == 1
