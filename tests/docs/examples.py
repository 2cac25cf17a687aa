"""Requests, and the responses of the app with a scripted engine."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any

import httpx

from latticework import create_app
from latticework.engines.base import Piece, SampledToken, Sampling, TokenLogprob
from tests.http import send
from tests.scripted import Script, ScriptedEngine, says

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"

_REQUEST = {"model": MODEL, "messages": [{"role": "user", "content": "Ada Lovelace, age 36."}]}
_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
_FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": _SCHEMA}}
_TOOL = {"type": "function", "function": {"name": "save_person", "parameters": _SCHEMA}}
_PERSON = '{"name": "Ada Lovelace", "age": 36}'
_CALL = f'<tool_call>\n{{"name": "save_person", "arguments": {_PERSON}}}\n</tool_call>'


def _likely(*tokens: str) -> Script:
    """One token a piece, each with its log probability, and a likelier alternative."""

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        for token in tokens:
            other = TokenLogprob("?", -0.5, (63,))
            sampled = SampledToken(token, -1.25, tuple(token.encode()), (other,))
            yield Piece(token, (0,), (sampled,), finish="stop" if token == tokens[-1] else None)

    return script


# Title, path, body, output of the engine.
_CASES: tuple[tuple[str, str, Mapping[str, Any], Script], ...] = (
    ("A document", "/v1/chat/completions", {**_REQUEST, "response_format": _FORMAT}, says(_PERSON)),
    ("A tool call", "/v1/chat/completions", {**_REQUEST, "tools": [_TOOL]}, says(_CALL)),
    (
        "A stream",
        "/v1/chat/completions",
        {**_REQUEST, "stream": True, "stream_options": {"include_usage": True}},
        says("Ada was", " a mathematician."),
    ),
    (
        "A stream with a tool call",
        "/v1/chat/completions",
        {**_REQUEST, "tools": [_TOOL], "stream": True},
        says(_CALL[:60], _CALL[60:]),
    ),
    (
        "An error",
        "/v1/chat/completions",
        {
            **_REQUEST,
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "strnig"}}},
        },
        says(""),
    ),
    (
        "A completion",
        "/v1/completions",
        {"model": MODEL, "prompt": "The capital of France is", "max_tokens": 8, "logprobs": 1},
        _likely(" Paris", "."),
    ),
    ("Tokens", "/tokenize", {"prompt": "Hello", "add_special_tokens": False, "return_token_strs": True}, says("")),
    ("A grammar", "/v1/grammars", {"model": MODEL, "response_format": _FORMAT}, says("")),
)

# What differs each time, and its placeholder.
_GENERATED = (
    (re.compile(r"(chatcmpl-|cmpl-|call_|req_)[0-9a-f]+"), r"\1..."),
    (re.compile(r'("created": ?)\d+'), r"\g<1>1790000000"),
    (re.compile(r'("compile_ms": ?)[\d.]+'), r"\g<1>1.5"),
)


def part() -> str:
    return "\n\n".join(_example(*case) for case in _CASES)


def _example(title: str, path: str, body: Mapping[str, Any], script: Script) -> str:
    app = create_app(ScriptedEngine(script, model_ids=(MODEL,)))
    response = send(app, "POST", path, content=json.dumps(body))
    return "\n".join(_lines(title, path, body, response))


def _lines(title: str, path: str, body: Mapping[str, Any], response: httpx.Response) -> Iterator[str]:
    streams = response.headers["content-type"].startswith("text/event-stream")
    yield f"### {title}\n"
    yield f"`POST {path}`\n"
    yield f"```json\n{_one_field_a_line(body)}\n```\n"
    yield f"{response.status_code}, `{response.headers['content-type']}`:\n"
    text = response.text.strip() if streams else _one_field_a_line(response.json())
    for pattern, placeholder in _GENERATED:
        text = pattern.sub(placeholder, text)
    yield f"```{'text' if streams else 'json'}\n{text}\n```"


def _one_field_a_line(body: Mapping[str, Any]) -> str:
    """JSON text."""
    fields = (f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in body.items())
    return "{\n" + ",\n".join(fields) + "\n}"
