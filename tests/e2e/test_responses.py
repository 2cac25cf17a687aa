"""Responses of the real engine: streams that fold into the whole, and what is enforced."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.e2e.conftest import MODEL
from tests.latticework.doors.responses.responding import folded, read, validate, without_ids
from tests.latticework.doors.responses.test_open_responses import assert_events, assert_resource

ADDRESS = {
    "type": "object",
    "properties": {"city": {"enum": ["Oslo", "Rome"]}, "floor": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["city", "floor"],
    "additionalProperties": False,
}
SAVE = {"type": "function", "name": "save", "description": "Saves an address.", "parameters": ADDRESS}
SHELL = {
    "type": "custom",
    "name": "shell",
    "description": "Runs a command.",
    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "ls" | "cat " NAME\nNAME: /[a-z]{1,8}/'},
}
FORMAT = {"format": {"type": "json_schema", "name": "address", "schema": ADDRESS}}
ASKED: dict[str, Any] = {"model": MODEL, "input": "What is the capital of Norway?", "temperature": 0}
# The fields, and the types of the items of the answer.
REQUESTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "text": ({"max_output_tokens": 20}, ["message"]),
    "a call": ({"tools": [SAVE], "tool_choice": "required", "max_tool_calls": 1}, ["function_call"]),
    "a document": ({"text": FORMAT}, ["message"]),
    "a document behind a draft": ({"text": FORMAT, "draft_tokens": 12}, ["reasoning", "message"]),
    "a custom call": ({"tools": [SHELL], "tool_choice": {"type": "custom", "name": "shell"}}, ["custom_tool_call"]),
    "a call or a document": ({"tools": [SAVE, SHELL], "text": FORMAT, "max_output_tokens": 100}, []),
    "a call that is cut": ({"tools": [SAVE], "tool_choice": "required", "max_output_tokens": 22}, []),
    "log probabilities": (
        {"include": ["message.output_text.logprobs"], "top_logprobs": 2, "max_output_tokens": 8},
        ["message"],
    ),
}


def answered(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    response = http.post("/v1/responses", json={**ASKED, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    validate("Response", body)
    assert_resource(body)
    return body


def comparable(response: dict[str, Any]) -> str:
    """Byte for byte, but for ids and times; the second of two requests finds more in the cache."""
    response = without_ids(response)
    response["usage"]["input_tokens_details"] = {}
    return json.dumps(response)


@pytest.mark.parametrize("name", REQUESTS, ids=str)
def test_a_stream_is_the_whole_response(http: httpx.Client, name: str) -> None:
    fields, kinds = REQUESTS[name]
    whole = answered(http, **fields)
    assert not kinds or [item["type"] for item in whole["output"]] == kinds
    stream = http.post("/v1/responses", json={**ASKED, **fields, "stream": True})
    assert stream.status_code == 200, stream.text
    events = read(stream.text)
    for event in events:
        validate("ResponseStreamEvent", event)
    last = assert_events(events)
    assert folded(events) == last["output"]
    assert comparable(last) == comparable(whole)
    assert http.get(f"/v1/responses/{last['id']}").json() == last


def test_what_is_asked_for_is_enforced(http: httpx.Client) -> None:
    valid = Draft202012Validator(ADDRESS).validate
    (call,) = answered(http, **REQUESTS["a call"][0])["output"]
    valid(json.loads(call["arguments"]))
    (message,) = answered(http, **REQUESTS["a document"][0])["output"]
    valid(json.loads(message["content"][0]["text"]))
    (custom,) = answered(http, **REQUESTS["a custom call"][0])["output"]
    assert custom["input"] == "ls" or custom["input"].startswith("cat ")


def test_a_turn_is_the_same_as_that_of_a_chat(http: httpx.Client) -> None:
    """The same prompt, the same text, the same log probabilities."""
    response = answered(http, **REQUESTS["log probabilities"][0])
    body = {"model": MODEL, "messages": [{"role": "user", "content": ASKED["input"]}], "temperature": 0}
    chat = http.post("/v1/chat/completions", json={**body, "max_tokens": 8, "logprobs": True, "top_logprobs": 2}).json()
    (choice,), (part,) = chat["choices"], response["output"][0]["content"]
    assert part["text"] == choice["message"]["content"]
    assert response["usage"]["input_tokens"] == chat["usage"]["prompt_tokens"]
    mine, theirs = part["logprobs"], choice["logprobs"]["content"]
    assert [(one["token"], one["bytes"]) for one in mine] == [(one["token"], one["bytes"]) for one in theirs]
    assert [one["logprob"] for one in mine] == pytest.approx([one["logprob"] for one in theirs], abs=1e-3)
    assert all(len(one["top_logprobs"]) == 2 for one in mine)


def test_a_conversation_goes_on(http: httpx.Client) -> None:
    """By the id of the response, by references, and by the items: the prompt has the same tokens."""
    tools = {"tools": [SAVE]}
    first = answered(http, **tools, tool_choice="required", max_tool_calls=1)
    (call,) = first["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "saved"}
    user = {"role": "user", "content": ASKED["input"]}
    inputs: list[dict[str, Any]] = [
        {"input": [output], "previous_response_id": first["id"]},
        {"input": [user, {"type": "item_reference", "id": call["id"]}, output]},
        {"input": [user, call, output]},
    ]
    second = [answered(http, **tools, **fields, max_output_tokens=5) for fields in inputs]
    counted = [http.post("/v1/responses/input_tokens", json={"model": MODEL, **tools, **fields}) for fields in inputs]
    tokens = {response["usage"]["input_tokens"] for response in second}
    assert {response.json()["input_tokens"] for response in counted} == tokens
    assert len(tokens) == 1
