"""Requests of `/v1/responses` to an app with a scripted engine, and what all responses and streams must be.

Each is also checked against OpenAI's own types, where their schemas lie beside the checkout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
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
ADD = {"type": "function", "name": "add", "parameters": NUMBER}
RUN = {"type": "custom", "name": "run"}

Event = dict[str, Any]


def serving(*texts: str, finish: str = "stop", **settings: Any) -> ASGIApp:
    """An app of a model that says this, and may reason."""
    return create_app(scripted(says(*texts, finish=finish)), settings=Settings(compile_timeout=60, **settings))


def scripted(script: Script) -> ScriptedEngine:
    return ScriptedEngine(script, tokenizer=Thinking())


def respond(app: ASGIApp, input: Any = "hi", headers: Mapping[str, str] | None = None, **fields: Any) -> httpx.Response:
    body = {"model": "scripted", "input": input, **fields}
    if input is None:
        del body["input"]
    response = send(app, "POST", "/v1/responses", content=json.dumps(body), headers=headers)
    if response.status_code == 200 and not fields.get("stream"):
        validate("Response", response.json())
    return response


def whole(app: ASGIApp, input: Any = "hi", **fields: Any) -> dict[str, Any]:
    response = respond(app, input, **fields)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def streamed(app: ASGIApp, input: Any = "hi", **fields: Any) -> list[Event]:
    """The events, each named by its type, numbered, valid, and in an order that folds to the last one."""
    response = respond(app, input, stream=True, **fields)
    assert response.status_code == 200, response.text
    events = read(response.text)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        validate("ResponseStreamEvent", event)
    if events[-1]["type"] != "response.failed":
        assert folded(events) == events[-1]["response"]["output"]
    return events


def read(text: str) -> list[Event]:
    events = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def folded(events: Sequence[Event]) -> list[dict[str, Any]]:
    """The output that the events between the first two and the last one amount to, built from deltas alone."""
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    items: dict[int, dict[str, Any]] = {}
    done: dict[int, dict[str, Any]] = {}
    for event in deepcopy(events[2:-1]):
        _fold(event, items, done)
    assert sorted(items) == list(range(len(items)))
    return [done[index] for index in sorted(done)]


# Which field of the item a delta adds to, and which field of the item a later event repeats.
DELTAS = {"function_call_arguments.delta": "arguments", "custom_tool_call_input.delta": "input"}
REPEATED = {"function_call_arguments.done": ("name", "arguments"), "custom_tool_call_input.done": ("input",)}
CHANGED = ("status", "encrypted_content")


def _fold(event: Event, items: dict[int, dict[str, Any]], done: dict[int, dict[str, Any]]) -> None:
    index, kind = event["output_index"], event["type"].removeprefix("response.")
    if kind == "output_item.added":
        assert items.keys() - done.keys() == set(), "one item is open at a time"
        items[index] = event["item"]
        return
    item = items[index]
    assert event.get("item_id", item["id"]) == item["id"]
    if kind == "output_item.done":
        done[index] = event["item"]
        assert _unchanging(item) == _unchanging(event["item"])
    elif kind in DELTAS:
        item[DELTAS[kind]] += event["delta"]
    elif kind in REPEATED:
        assert all(item[field] == event[field] for field in REPEATED[kind])
    else:
        _fold_part(event, kind, item)


def _fold_part(event: Event, kind: str, item: dict[str, Any]) -> None:
    assert event["content_index"] == 0
    if kind == "content_part.added":
        item["content"] = [event["part"]]
        return
    (part,) = item["content"]
    if kind == "content_part.done":
        assert part == event["part"]
    elif kind.endswith(".delta"):
        part["refusal" if part["type"] == "refusal" else "text"] += event["delta"]
        part.get("logprobs", []).extend(event.get("logprobs", ()))
    else:
        assert kind in ("output_text.done", "refusal.done", "reasoning_text.done")
        assert all(part[field] == event[field] for field in part if field in event and field != "type")


def _unchanging(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in CHANGED}


def without_ids(value: Any) -> Any:
    """The same without what differs between two answers to one request."""
    if isinstance(value, list):
        return [without_ids(item) for item in value]
    if isinstance(value, dict):
        differing = ("id", "call_id", "created_at", "completed_at")
        return {key: without_ids(item) for key, item in value.items() if key not in differing}
    return value


@cache
def _validator(name: str) -> Validator | None:
    file = shared.DATA / "openai_responses.json"
    if not file.exists():
        return None
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": json.loads(file.read_text())["$defs"]})


def validate(name: str, value: Any) -> None:
    validator = _validator(name)
    if validator is not None:
        validator.validate(value)
