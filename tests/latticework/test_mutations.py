"""A request that is almost right gets an answer or a 4xx, and never an error that nobody has foreseen."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

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
COMPLETION: dict[str, Any] = {
    **{name: REQUEST[name] for name in ("model", "response_format", "temperature", "top_p", "n", "stop", "logit_bias")},
    "prompt": [[104, 105], [106]],
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_tokens": 5,
    "echo": True,
    "logprobs": 2,
    "best_of": 1,
    "suffix": None,
    "seed": 1,
    "add_special_tokens": False,
    "skip_special_tokens": True,
}
TOKENIZE: dict[str, Any] = {
    **{name: REQUEST[name] for name in ("model", "messages", "tools", "chat_template_kwargs")},
    "add_generation_prompt": True,
    "add_special_tokens": False,
    "return_token_strs": True,
}
ALMOST: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": REQUEST,
    "/v1/completions": COMPLETION,
    "/tokenize": TOKENIZE,
    "/detokenize": {"model": "scripted", "tokens": [104, 105, 195], "unknown": [{}]},
}
OUR_SCRIPT_BREAKS_THE_SCHEMA = {"invalid_output", "schema_violation"}


@pytest.mark.parametrize("path", ALMOST)
def test_almost_requests(path: str) -> None:
    app = create_app(ScriptedEngine(says("[1]")))
    rng = random.Random(4)
    outcomes: Counter[int] = Counter()
    for _ in range(CASES):
        request = mutated(ALMOST[path], rng)
        response = send(app, "POST", path, content=json.dumps(request))
        outcomes[response.status_code] += 1
        if response.status_code >= 500:
            assert response.json()["error"]["code"] in OUR_SCRIPT_BREAKS_THE_SCHEMA, request
    assert outcomes[200] > CASES / 10
    assert outcomes[400] > CASES / 2
