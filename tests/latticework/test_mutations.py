"""A request that is almost right gets an answer or a 4xx, and never an error that nobody has foreseen."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from latticework import create_app
from tests.http import send
from tests.mutation import mutated
from tests.scripted import ScriptedEngine, says

CASES = 600
PARAMETERS = {
    "type": "object",
    "properties": {"a": {"type": "integer", "minimum": 1}, "b": {"$ref": "#/$defs/x"}},
    "required": ["a"],
    "$defs": {"x": {"anyOf": [{"type": "string", "pattern": "^a+$"}, {"type": "null"}]}},
}
SCHEMA = {"type": "array", "items": {"enum": [1, "a", None]}, "minItems": 1, "uniqueItems": True}
REQUEST: dict[str, Any] = {
    "model": "scripted",
    "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "x"}]},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": PARAMETERS}}],
    "tool_choice": "none",
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
    "temperature": 1,
    "top_p": 0.5,
    "n": 1,
    "stop": ["a"],
    "logit_bias": {"1": 2},
    "stream": False,
    "max_tokens": 5,
    "seed": 1,
    "logprobs": True,
    "top_logprobs": 2,
    "chat_template_kwargs": {"a": 1},
    "user": "u",
}  # fmt: skip
OUR_SCRIPT_BREAKS_THE_SCHEMA = {"invalid_output", "schema_violation"}


def test_almost_requests() -> None:
    app = create_app(ScriptedEngine(says("[1]")))
    rng = random.Random(4)
    outcomes: Counter[int] = Counter()
    for _ in range(CASES):
        request = mutated(REQUEST, rng)
        response = send(app, "POST", "/v1/chat/completions", content=json.dumps(request))
        outcomes[response.status_code] += 1
        if response.status_code >= 500:
            assert response.json()["error"]["code"] in OUR_SCRIPT_BREAKS_THE_SCHEMA, request
    assert outcomes[200] > CASES / 10
    assert outcomes[400] > CASES / 2
