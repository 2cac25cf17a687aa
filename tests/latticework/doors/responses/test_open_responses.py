"""The HTTP cases of Open Responses' compliance suite: what each body and each event must have, and each case.

Those of WebSocket and of compaction are out of scope: test_store has the answers to them. A text model has no images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from latticework import create_app
from latticework.doors.responses.events import EVENTS
from tests.latticework.doors.responses.responding import respond, scripted, serving, streamed, whole
from tests.scripted import says

TEXT, FLAG, LIST, OBJECT, NONE = (str,), (bool,), (list,), (dict,), (type(None),)
INTEGER, NUMBER = (int,), (int, float)
# Required, also where it is null; `NUMBER` may not be null.
RESOURCE: Mapping[str, tuple[type, ...]] = {
    "id": TEXT,
    "object": TEXT,
    "created_at": INTEGER,
    "completed_at": INTEGER + NONE,
    "status": TEXT,
    "incomplete_details": OBJECT + NONE,
    "model": TEXT,
    "previous_response_id": TEXT + NONE,
    "instructions": TEXT + NONE,
    "output": LIST,
    "error": OBJECT + NONE,
    "tools": LIST,
    "tool_choice": TEXT + OBJECT,
    "truncation": TEXT,
    "parallel_tool_calls": FLAG,
    "text": OBJECT,
    "reasoning": OBJECT + NONE,
    "usage": OBJECT + NONE,
    "max_output_tokens": INTEGER + NONE,
    "max_tool_calls": INTEGER + NONE,
    "store": FLAG,
    "background": FLAG,
    "service_tier": TEXT,
    "metadata": OBJECT,
    "safety_identifier": TEXT + NONE,
    "prompt_cache_key": TEXT + NONE,
    "top_p": NUMBER,
    "temperature": NUMBER,
    "presence_penalty": NUMBER,
    "frequency_penalty": NUMBER,
    "top_logprobs": INTEGER,
}
NESTED: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "text": {"format": OBJECT},
    "reasoning": {"effort": TEXT + NONE, "summary": TEXT + NONE},
    "usage": {
        "input_tokens": INTEGER,
        "input_tokens_details": OBJECT,
        "output_tokens": INTEGER,
        "output_tokens_details": OBJECT,
        "total_tokens": INTEGER,
    },
}
ITEMS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "message": {"id": TEXT, "status": TEXT, "role": TEXT, "content": LIST},
    "function_call": {"id": TEXT, "call_id": TEXT, "name": TEXT, "arguments": TEXT, "status": TEXT},
    "custom_tool_call": {"id": TEXT, "call_id": TEXT, "name": TEXT, "input": TEXT, "status": TEXT},
    "reasoning": {"id": TEXT, "summary": LIST, "content": LIST},
}
TOOL = {"name": TEXT, "description": TEXT + NONE, "parameters": OBJECT + NONE, "strict": FLAG + NONE}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a place.",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
}
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"location": "Paris"}}\n</tool_call>'


def assert_has(value: Mapping[str, Any], fields: Mapping[str, tuple[type, ...]]) -> None:
    for name, kinds in fields.items():
        assert name in value, name
        found = value[name]
        assert isinstance(found, kinds) and (kinds == FLAG or not isinstance(found, bool) or bool in kinds), name


def assert_resource(response: Mapping[str, Any]) -> None:
    assert_has(response, RESOURCE)
    assert (response["object"], response["id"][:5]) == ("response", "resp_")
    for name, fields in NESTED.items():
        if response[name] is not None:
            assert_has(response[name], fields)
    if (usage := response["usage"]) is not None:
        assert_has(usage["input_tokens_details"], {"cached_tokens": INTEGER})
        assert_has(usage["output_tokens_details"], {"reasoning_tokens": INTEGER})
    for item in response["output"]:
        assert_has(item, ITEMS[item["type"]])
        if item["type"] == "message":
            for part in item["content"]:
                assert_has(part, {"type": TEXT, "text": TEXT, "annotations": LIST, "logprobs": LIST})
    for tool in response["tools"]:
        assert_has(tool, TOOL if tool["type"] == "function" else {"type": TEXT})


def assert_events(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Each is one of the known events, and each response in one is a resource; the last response."""
    known = {event.__struct_config__.tag for event in EVENTS}
    for event in events:
        assert event["type"] in known
        if "response" in event:
            assert_resource(event["response"])
    last: dict[str, Any] = events[-1]["response"]
    return last


def message(role: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": text, **fields}


# The request, beside the model, and what the model says.
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "basic-response": ({"input": [message("user", "Say hello in exactly 3 words.")]}, "Hello dear friend"),
    "system-prompt": (
        {"input": [message("system", "You are a pirate."), message("user", "Say hello.")]},
        "Ahoy",
    ),
    "multi-turn": (
        {
            "input": [
                message("user", "My name is Alice."),
                message("assistant", "Hello Alice!"),
                message("user", "What is my name?"),
            ]
        },
        "Alice",
    ),
    "assistant-phase": (
        {
            "input": [
                message("user", "Add 2 and 3."),
                message("assistant", "I add them.", phase="commentary"),
                message("assistant", "5", phase="final_answer"),
                message("user", "And 4?"),
            ]
        },
        "9",
    ),
    "tool-calling": ({"input": [message("user", "The weather?")], "tools": [WEATHER]}, CALL),
    "function-call-roundtrip": (
        {
            "input": [message("user", "The weather?")],
            "tools": [WEATHER],
            "tool_choice": {"type": "function", "name": "get_weather"},
        },
        CALL,
    ),
    "reasoning": ({"input": "Think.", "reasoning": {"effort": "low"}}, "<think>\nhm\n</think>\n\nhello"),
    "everything": (
        {
            "input": "hi",
            "instructions": "Be short.",
            "metadata": {"a": "b"},
            "temperature": 0,
            "top_p": 1,
            "max_output_tokens": 50,
            "max_tool_calls": 2,
            "parallel_tool_calls": False,
            "text": {"format": {"type": "text"}, "verbosity": "low"},
            "reasoning": {"effort": None, "summary": None},
            "store": False,
            "truncation": "disabled",
            "service_tier": "auto",
            "safety_identifier": "s",
            "prompt_cache_key": "k",
            "top_logprobs": 0,
            "include": [],
            "tool_choice": "auto",
            "tools": [{"type": "function", "name": "none"}],
        },
        "hello",
    ),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_whole(case: str) -> None:
    fields, said = CASES[case]
    response = whole(serving(said), **fields)
    assert_resource(response)
    assert response["status"] == "completed" and response["output"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_streamed(case: str) -> None:
    """The suite's `streaming-response` is the first of them."""
    fields, said = CASES[case]
    response = assert_events(streamed(serving(*said), **fields))
    assert response["status"] == "completed" and response["output"]


def test_tool_calling_has_one_call() -> None:
    fields, said = CASES["tool-calling"]
    (call,) = whole(serving(said), **fields)["output"]
    assert (call["type"], call["name"], call["arguments"]) == ("function_call", "get_weather", '{"location": "Paris"}')


def test_an_output_goes_back() -> None:
    """function-call-roundtrip and previous-response-id."""
    fields, said = CASES["function-call-roundtrip"]
    app = serving(said)
    first = whole(app, **fields)
    output = {"type": "function_call_output", "call_id": first["output"][0]["call_id"], "output": "Sunny."}
    assert_resource(whole(app, [*fields["input"], *first["output"], output], tools=[WEATHER]))
    second = whole(app, [output], tools=[WEATHER], previous_response_id=first["id"])
    assert_resource(second)
    assert second["previous_response_id"] == first["id"]


def test_cut_and_failed_responses_have_it_all() -> None:
    cut = serving(CALL[:-30], finish="length")
    assert_resource(whole(cut, tools=[WEATHER]))
    assert assert_events(streamed(cut, tools=[WEATHER]))["status"] == "incomplete"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
    ],
    ids=["image-input", "file-input"],
)
def test_a_text_model_says_that_it_reads_text(part: dict[str, Any]) -> None:
    response = respond(serving("x"), [{"role": "user", "content": [{"type": "input_text", "text": "x"}, part]}])
    assert (response.status_code, response.json()["error"]["param"]) == (400, "input[0].content[1]")


def test_each_event_is_in_one_write() -> None:
    """The suite loses an event whose blank line is in a later piece of the stream."""
    app = create_app(scripted(says(*"hello")))
    text = respond(app, stream=True).text
    assert "\r" not in text
    assert all(block.startswith("event: ") and block.count("\n") == 1 for block in text.strip().split("\n\n"))
