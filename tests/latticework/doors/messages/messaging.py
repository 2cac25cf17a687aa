"""Requests of `/v1/messages` to an app with a scripted engine, and what all messages and streams must be.

Each is also checked against the types of Anthropic's SDK, where their schemas lie beside the checkout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import httpx
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator
from starlette.types import ASGIApp

from latticework import Settings, create_app
from tests import shared
from tests.http import send
from tests.latticework.generate.test_generation import Thinking
from tests.scripted import Script, ScriptedEngine, says

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
ADD = {"name": "add", "description": "Adds.", "input_schema": NUMBER}
USER = {"role": "user", "content": "hi"}
PATH = "/v1/messages"

Event = dict[str, Any]


def scripted(script: Script) -> ScriptedEngine:
    return ScriptedEngine(script, tokenizer=Thinking())


def serving(*texts: str, finish: str = "stop", **settings: Any) -> ASGIApp:
    """An app of a model that says this, and may reason."""
    return create_app(scripted(says(*texts, finish=finish)), settings=Settings(compile_timeout=60, **settings))


def post(
    app: ASGIApp, messages: Any = (USER,), headers: Mapping[str, str] | None = None, path: str = PATH, **fields: Any
) -> httpx.Response:
    body = {"model": "scripted", "max_tokens": 200, "messages": list(messages), **fields}
    body = {name: value for name, value in body.items() if value is not ...}
    response = send(app, "POST", path, content=json.dumps(body), headers=headers)
    assert response.headers["request-id"] == response.headers["x-request-id"]
    if response.status_code != 200:
        validate("ErrorResponse", response.json())
        assert response.json()["request_id"] == response.headers["request-id"]
    return response


def whole(app: ASGIApp, messages: Any = (USER,), **fields: Any) -> dict[str, Any]:
    response = post(app, messages, **fields)
    assert response.status_code == 200, response.text
    message: dict[str, Any] = response.json()
    validate("Message", message)
    assert message["content"] != []
    return message


def streamed(app: ASGIApp, messages: Any = (USER,), **fields: Any) -> list[Event]:
    """The events, each named by its type and valid."""
    response = post(app, messages, stream=True, **fields)
    assert response.status_code == 200, response.text
    events = read(response.text)
    for event in events:
        validate("StreamEvent", event)
    return events


def read(text: str) -> list[Event]:
    events = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def folded(events: Sequence[Event]) -> dict[str, Any]:
    """The message that the events amount to: one block at a time, indices from 0, one end."""
    first, *inner, last, stop = [event for event in events if event["type"] != "ping"]
    assert (first["type"], last["type"], stop["type"]) == ("message_start", "message_delta", "message_stop")
    message: dict[str, Any] = first["message"]
    assert (message["content"], message["stop_reason"], message["usage"]["output_tokens"]) == ([], None, 0)
    open_block: dict[str, Any] | None = None
    blocks = 0
    for event in inner:
        match event["type"]:
            case "content_block_start":
                assert open_block is None and event["index"] == blocks
                open_block, blocks = event["content_block"], blocks + 1
                open_block["pieces"] = []
            case "content_block_delta":
                assert open_block is not None and event["index"] == blocks - 1
                _add(open_block, event["delta"])
            case "content_block_stop":
                assert open_block is not None and event["index"] == blocks - 1
                message["content"].append(_complete(open_block))
                open_block = None
            case other:
                raise AssertionError(other)
    assert message["usage"].items() <= {**last["usage"], "output_tokens": 0}.items()
    extra = {name: last[name] for name in ("warnings", "incomplete_tool_calls") if name in last}
    return {**message, **last["delta"], **extra, "usage": last["usage"]}


DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if delta["type"] == "input_json_delta":
        assert block["type"] == "tool_use" and block["input"] == {}
        block["pieces"].append(delta["partial_json"])
    else:
        block[DELTAS[delta["type"]]] += delta[DELTAS[delta["type"]]]


def _complete(block: dict[str, Any]) -> dict[str, Any]:
    pieces = block.pop("pieces")
    return {**block, "input": json.loads("".join(pieces))} if pieces else block


def without_ids(message: dict[str, Any]) -> dict[str, Any]:
    content = [{name: value for name, value in block.items() if name != "id"} for block in message["content"]]
    return {**message, "id": "", "content": content}


@cache
def _bundle() -> dict[str, Any] | None:
    path = shared.DATA / "anthropic_messages.json"
    return json.loads(path.read_text()) if path.exists() else None


@cache
def _validator(name: str) -> Validator | None:
    bundle = _bundle()
    return None if bundle is None else Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": bundle["$defs"]})


def validate(name: str, value: Any) -> None:
    """Raises ValidationError for what Anthropic's types don't allow."""
    if (validator := _validator(name)) is not None:
        validator.validate(value)
