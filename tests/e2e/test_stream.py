"""Streams: the whole response is their fold_chunks, and a client that goes away is noticed."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator

from latticework.doors.chat.chunks import Chunk
from latticework.doors.chat.response import fold_chunks
from tests import shared
from tests.e2e.conftest import MODEL, RunningServer
from tests.e2e.test_tools import ANSWER, TOOLS

ASK: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "What is the weather in Oslo? ☃"}],
    "max_tokens": 60,
    "temperature": 0,
}
AS_ANSWER = {"type": "json_schema", "json_schema": {"name": "answer", "schema": ANSWER}}
REQUESTS: dict[str, dict[str, Any]] = {
    "text": {},
    "stopped": {"stop": ["the", "."]},
    "several": {"n": 2, "seed": 7, "temperature": 1},
    "logprobs": {"logprobs": True, "top_logprobs": 2, "max_tokens": 10},
    "object": {"response_format": {"type": "json_object"}},
    "document": {"response_format": AS_ANSWER},
    "closed": {"response_format": AS_ANSWER, "truncation": "close", "max_tokens": 20},
    "behind a draft": {"response_format": AS_ANSWER, "draft_tokens": 12},
    "call behind a draft": {"tools": TOOLS, "tool_choice": "required", "draft_tokens": 12, "max_tokens": 150},
    "auto": {"tools": TOOLS},
    "required": {"tools": TOOLS, "tool_choice": "required", "max_tokens": 150},
    "either": {"tools": TOOLS, "response_format": AS_ANSWER},
    "cut call": {"tools": TOOLS, "tool_choice": "required", "max_tokens": 25},
    "tool logprobs": {"tools": TOOLS, "tool_choice": "required", "logprobs": True, "max_tokens": 40},
}


def streamed(http: httpx.Client, body: dict[str, Any]) -> list[Any]:
    """The chunks of a stream that ends well."""
    response = http.post(
        "/v1/chat/completions", json={**body, "stream": True, "stream_options": {"include_usage": True}}
    )
    assert response.status_code == 200, response.text
    *data, done = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert done == "[DONE]"
    return [json.loads(line) for line in data]


def comparable(response: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """A response without what differs between any two.

    How far the engine has come behind a stop string when it is told to end is a matter of how busy the machine is; and
    how much of a prompt is cached, of what came before.
    """
    response["usage"].pop("prompt_tokens_details", None)
    if "stop" in fields:
        del response["usage"]
    for choice in response["choices"]:
        for call in choice["message"].get("tool_calls", ()):
            assert call.pop("id").startswith("call_")
    return {key: value for key, value in response.items() if key not in {"id", "created"}}


@pytest.mark.parametrize("fields", REQUESTS.values(), ids=REQUESTS)
def test_the_fold_of_a_stream_is_the_whole_response(http: httpx.Client, fields: dict[str, Any]) -> None:
    whole = http.post("/v1/chat/completions", json={**ASK, **fields})
    assert whole.status_code == 200, whole.text
    chunks = streamed(http, {**ASK, **fields})
    folded = json.loads(msgspec.json.encode(fold_chunks(msgspec.convert(chunks, list[Chunk]))))
    assert comparable(folded, fields) == comparable(whole.json(), fields)


@pytest.mark.parametrize("fields", REQUESTS.values(), ids=REQUESTS)
def test_responses_are_what_openai_specifies(http: httpx.Client, fields: dict[str, Any]) -> None:
    bundle = json.loads(shared.path("openai_chat.json").read_text())

    def validate(name: str, value: Any) -> None:
        Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": bundle["$defs"]}).validate(value)

    validate("CreateChatCompletionResponse", http.post("/v1/chat/completions", json={**ASK, **fields}).json())
    for chunk in streamed(http, {**ASK, **fields}):
        validate("CreateChatCompletionStreamResponse", chunk)
    validate("ListModelsResponse", http.get("/v1/models").json())
    validate("ErrorResponse", http.post("/v1/chat/completions", json={}).json())


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_away_stops_the_engine_within_a_second(server: RunningServer, stream: bool) -> None:
    ask = {**ASK, "max_tokens": 4000, "ignore_eos": True, "stream": stream}
    with server.http() as watcher:
        with server.http() as leaver, pytest.raises(httpx.ReadTimeout if not stream else StopIteration):
            if not stream:
                leaver.post("/v1/chat/completions", json=ask, timeout=2)
            with leaver.stream("POST", "/v1/chat/completions", json=ask) as response:
                lines = response.iter_lines()
                for _ in range(6):
                    next(lines)
                assert running(watcher) == 1
            raise StopIteration
        deadline = time.monotonic() + 1
        while running(watcher) and time.monotonic() < deadline:
            pass
        assert running(watcher) == 0


def running(http: httpx.Client) -> int:
    return int(http.get("/health").json()["running"][MODEL])
