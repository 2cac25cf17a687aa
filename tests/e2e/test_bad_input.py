"""What no client should send: a clear 4xx that names the parameter, and the next request works."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import MODEL, RunningServer

USER = {"role": "user", "content": "hi"}
GOOD: dict[str, Any] = {"model": MODEL, "messages": [USER], "max_tokens": 2}


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": function}


def schema(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}


BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "an unknown model": ({"model": "gpt-5"}, 404, "model"),
    "an unknown role": ({"messages": [{"role": "wizard", "content": "x"}]}, 400, "messages[0].role"),
    "an image": ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
                 400, "messages[0].content[0]"),
    "a top_p of 2": ({"top_p": 2}, 400, "top_p"),
    "wrong types": ({"max_tokens": "many"}, 400, "max_tokens"),
    "10,000 messages": ({"messages": [{"role": "user", "content": "hello there"}] * 10_000}, 400, "messages"),
    "a long prompt": ({"messages": [{"role": "user", "content": "word " * 20_000}]}, 400, "messages"),
    "too many tokens asked for": ({"max_tokens": 100_000}, 400, "max_tokens"),
    "no schema": ({"response_format": schema({"type": "banana"})}, 400, "response_format.json_schema.schema.type"),
    "a dangling $ref": ({"response_format": schema({"properties": {"a": {"$ref": "#/$defs/x"}}})},
                        400, "response_format.json_schema.schema"),
    "a remote $ref": ({"response_format": schema({"$ref": "http://127.0.0.1:1/x.json"})},
                      400, "response_format.json_schema.schema"),
    "two tools of one name": ({"tools": [tool(name="f"), tool(name="f")]}, 400, "tools[1].function.name"),
    "a tool without a name": ({"tools": [tool(name="")]}, 400, "tools[0].function.name"),
    "parameters that are no schema": ({"tools": [tool(name="f", parameters={"type": 7})]},
                                      400, "tools[0].function.parameters.type"),
    "a choice of no tool": ({"tools": [tool(name="f")], "tool_choice": tool(name="g")}, 400, "tool_choice"),
    "a bias of no token": ({"logit_bias": {"99999999": 1}}, 400, "logit_bias"),
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fields", "status", "param"), BAD.values(), ids=BAD)
def test_bad_requests(http: httpx.Client, fields: dict[str, Any], status: int, param: str, stream: bool) -> None:
    response = http.post("/v1/chat/completions", json={**GOOD, **fields, "stream": stream})
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["param"] or "").startswith(param)
    assert http.post("/v1/chat/completions", json=GOOD).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (json.dumps({**GOOD, "user": "u"}).encode().replace(b'"u"', rb'"\ud800"'), 400),
        (b'{"x": "' + b"y" * 30_000_000 + b'"}', 413),
    ],
    ids=["malformed", "no object", "a lone surrogate", "30 MB"],
)
def test_bad_bodies(http: httpx.Client, body: bytes, status: int) -> None:
    response = http.post("/v1/chat/completions", content=body)
    assert response.status_code == status
    assert response.json()["error"]["message"]
    assert http.post("/v1/chat/completions", json=GOOD).status_code == 200


def test_a_wrong_key(server: RunningServer) -> None:
    response = httpx.post(f"{server.url}/v1/chat/completions", json=GOOD, headers={"authorization": "Bearer no"})
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"
