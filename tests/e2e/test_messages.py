"""Messages of the real engine: streams that fold into the whole, what is enforced, and the prefix cache of agents."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.e2e.conftest import ENGINE, MODEL
from tests.latticework.doors.messages.messaging import folded, read, validate, without_ids

ADDRESS = {
    "type": "object",
    "properties": {"city": {"enum": ["Oslo", "Rome"]}, "floor": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["city", "floor"],
    "additionalProperties": False,
}
SAVE = {"name": "save", "description": "Saves an address.", "input_schema": ADDRESS}
USER = {"role": "user", "content": "What is the capital of Norway?"}
ASKED: dict[str, Any] = {"model": MODEL, "messages": [USER], "temperature": 0, "max_tokens": 100}
FORMAT = {"output_config": {"format": {"type": "json_schema", "schema": ADDRESS}}}
# The fields, and the types of the blocks of the answer.
REQUESTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "text": ({"max_tokens": 20}, ["text"]),
    "a call": ({"tools": [SAVE], "tool_choice": {"type": "tool", "name": "save"}}, ["tool_use"]),
    "a document": (FORMAT, ["text"]),
    "a document behind a draft": ({**FORMAT, "draft_tokens": 12}, ["thinking", "text"]),
    "a call or a document": ({"tools": [SAVE], **FORMAT}, []),
    "a prefill": ({"messages": [USER, {"role": "assistant", "content": "The capital"}], "max_tokens": 8}, ["text"]),
}


def answered(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    response = http.post("/v1/messages", json={**ASKED, **fields})
    assert response.status_code == 200, response.text
    message: dict[str, Any] = response.json()
    validate("Message", message)
    return message


def prompt_tokens(message: dict[str, Any]) -> int:
    usage = message["usage"]
    return int(usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"])


def comparable(message: dict[str, Any]) -> dict[str, Any]:
    """The second of two requests finds more in the cache."""
    tokens = {"output_tokens": message["usage"]["output_tokens"], "prompt": prompt_tokens(message)}
    return {**without_ids(message), "usage": tokens}


@pytest.mark.parametrize("name", REQUESTS, ids=str)
def test_a_stream_is_the_whole_message(http: httpx.Client, name: str) -> None:
    fields, kinds = REQUESTS[name]
    whole = answered(http, **fields)
    assert not kinds or [block["type"] for block in whole["content"]] == kinds
    stream = http.post("/v1/messages", json={**ASKED, **fields, "stream": True})
    assert stream.status_code == 200, stream.text
    events = read(stream.text)
    for event in events:
        validate("StreamEvent", event)
    assert comparable(folded(events)) == comparable(whole)
    asked = {name: value for name, value in {**ASKED, **fields}.items() if name not in ("temperature", "max_tokens")}
    counted = http.post("/v1/messages/count_tokens", json=asked)
    assert counted.json() == {"input_tokens": prompt_tokens(whole)}


def test_what_is_asked_for_is_enforced(http: httpx.Client) -> None:
    valid = Draft202012Validator(ADDRESS).validate
    (call,) = answered(http, **REQUESTS["a call"][0])["content"]
    valid(call["input"])
    (document,) = answered(http, **REQUESTS["a document"][0])["content"]
    valid(json.loads(document["text"]))


FILLING = " ".join(f"Rule {number}: file {number * 7} belongs to module {number % 13}." for number in range(235))


DONE = "Saved. Go on."


def agents_turn(turn: int, key: str) -> dict[str, Any]:
    """As coding agents send it. Each turn has another billing line, and another number of tokens that are left."""
    system = [
        {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1.{turn}; cch={turn:05x};"},
        {"type": "text", "text": f"You are a coding agent. {key}\n{FILLING}", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": f"Be brief.\n<total_tokens>{9000 - turn} tokens left</total_tokens>"},
    ]
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Read the files."}]
    for call in range(turn):
        messages += [
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{call}", "name": "save", "input": {}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": f"t{call}", "content": DONE}],
            },
            {"role": "system", "content": f"Reminder {call}.\n<total_tokens>{9000 - turn} tokens left</total_tokens>"},
        ]
    return {"system": system, "messages": messages, "tools": [SAVE], "max_tokens": 4}


def cached_of_second_turn(http: httpx.Client, key: str) -> tuple[int, int]:
    """Of the second turn's prompt: the tokens that the cache had, and those of the first turn's prompt."""
    first = answered(http, **agents_turn(1, key))
    second = answered(http, **agents_turn(2, key))
    return second["usage"]["cache_read_input_tokens"], prompt_tokens(first)


@pytest.mark.skipif(ENGINE != "vllm", reason="the portable engine has no prefix cache")
def test_the_prefix_cache_holds_from_turn_to_turn(http: httpx.Client) -> None:
    """Of the first turn's prompt, which the second one begins with, all but its last block of tokens."""
    cached, before = cached_of_second_turn(http, "Left out.")
    print(f"cached: {cached} of {before} tokens of the turn before")
    assert before > 4000
    assert cached >= 0.9 * before
