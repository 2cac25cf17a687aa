"""Requests that make no sense, and the parameter that each error names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from latticework.doors.chat.request import ChatRequest, parse_chat_request
from latticework.doors.common.objects import ApiObject
from latticework.doors.common.validation import unknown_fields
from latticework.doors.completions.request import CompletionRequest
from latticework.doors.openai import error_type
from latticework.doors.tokenize import DetokenizeRequest, TokenizeRequest
from latticework.errors import BadRequest

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def request(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [USER], **fields}


def message(**fields: Any) -> dict[str, Any]:
    return request(messages=[USER, fields])


WRONG = [
    ({"messages": [USER]}, "model"),
    ({"model": "m"}, "messages"),
    (request(model=7), "model"),
    (request(messages=[]), "messages"),
    (request(messages="hi"), "messages"),
    (request(messages=["hi"]), "messages[0]"),
    (message(content="no role"), "messages[1].role"),
    (message(role="wizard", content="hi"), "messages[1].role"),
    (message(role="user", content=7), "messages[1].content"),
    (message(role="user", content=[{"type": "text"}]), "messages[1].content[0].text"),
    (message(role="user", content=[{"type": "image_url", "image_url": {"url": "x"}}]), "messages[1].content[0]"),
    (message(role="user", content=[{"type": "smell"}]), "messages[1].content[0]"),
    (message(role="assistant", tool_calls=[{"id": "1", "function": {"name": "f"}}]),
     "messages[1].tool_calls[0].function.arguments"),
    (request(temperature=3), "temperature"),
    (request(temperature="hot"), "temperature"),
    (request(temperature=True), "temperature"),
    (request(top_p=2), "top_p"),
    (request(top_p=0), "top_p"),
    (request(top_k=-2), "top_k"),
    (request(n=0), "n"),
    (request(n=1.5), "n"),
    (request(max_tokens=0), "max_tokens"),
    (request(max_tokens=5, max_completion_tokens=6), "max_tokens"),
    (request(min_tokens=9, max_tokens=5), "min_tokens"),
    (request(seed=2**64), "seed"),
    (request(frequency_penalty=-3), "frequency_penalty"),
    (request(repetition_penalty=0), "repetition_penalty"),
    (request(logit_bias={"5": 101}), "logit_bias.5"),
    (request(stop=""), "stop"),
    (request(stop=[7]), "stop[0]"),
    (request(stream="yes"), "stream"),
    (request(stream_options={"include_usage": True}), "stream_options"),
    (request(top_logprobs=3), "top_logprobs"),
    (request(logprobs=True, top_logprobs=21), "top_logprobs"),
    (request(tools=[{"type": "function"}]), "tools[0].function"),
    (request(tools=[{"type": "web_search"}]), "tools[0]"),
    (request(tools=[{"type": "function", "function": {"name": ""}}]), "tools[0].function.name"),
    (request(tools=[{"type": "function", "function": {"name": 7}}]), "tools[0].function.name"),
    (request(tools=[{"type": "function", "function": {"name": "f", "parameters": []}}]),
     "tools[0].function.parameters"),
    (request(tools=[{"type": "custom", "custom": {}}]), "tools[0].custom.name"),
    (request(tools=[{"type": "custom", "custom": {"name": "f", "format": {"type": "grammar"}}}]),
     "tools[0].custom.format.grammar"),
    (request(tools=[{"type": "custom", "custom": {"name": "f", "format": {"type": "grammar", "grammar": {
        "syntax": "ebnf", "definition": ""}}}}]), "tools[0].custom.format.grammar.syntax"),
    (message(role="assistant", tool_calls=[{"id": "1", "type": "custom", "custom": {"name": "f"}}]),
     "messages[1].tool_calls[0].custom.input"),
    (request(tool_choice="maybe"), "tool_choice"),
    (request(tools=[TOOL], tool_choice={"type": "function"}), "tool_choice.function"),
    (request(response_format={"type": "yaml"}), "response_format"),
    (request(response_format={"type": "json_schema"}), "response_format.json_schema"),
    (request(response_format={"type": "json_schema", "json_schema": {"schema": {}}}),
     "response_format.json_schema.name"),
    (request(response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": "s"}}),
     "response_format.json_schema.schema"),
    (request(functions=[]), "functions"),
    (request(function_call="auto"), "function_call"),
    (request(audio={"voice": "alloy"}), "audio"),
    (request(modalities=["text", "audio"]), "modalities"),
    (request(guided_json={}), "guided_json"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "param"), WRONG, ids=[param for _, param in WRONG])
def test_the_error_names_the_parameter(body: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as raised:
        parse_chat_request(body)
    error = raised.value
    assert error.param == param
    assert error_type(type(error)) == "invalid_request_error"
    assert param.split(".")[-1].split("[")[0] in error.message


FINE = [
    request(),
    request(tools=[], tool_choice="auto"),
    request(tools=None, response_format=None, stop=None, stream=None, n=None, temperature=None, user=None),
    request(user="u", metadata={"a": 1}, store=True, service_tier="auto", prompt_cache_key="k", verbosity="medium"),
    request(functions=None, audio=None, use_beam_search=False),
    request(modalities=["text"]),
    request(temperature=0, top_p=1, top_k=-1, seed=-1),
    request(max_tokens=5, max_completion_tokens=5),
    message(role="assistant"),
    message(role="assistant", content=None, refusal=None, reasoning_content="r", reasoning="r", name="n"),
    message(role="assistant", content=""),
    message(role="developer", content=[{"type": "text", "text": "a"}]),
    message(role="tool", content="x", tool_call_id="1", name="f"),
    request(tools=[{"type": "function", "function": {"name": "plugin-f", "description": None, "strict": None}}]),
]


@pytest.mark.parametrize("body", FINE)
def test_what_clients_send_is_accepted(body: dict[str, Any]) -> None:
    assert parse_chat_request(body).model == "m"


def test_unknown_fields_are_kept_by_their_paths() -> None:
    body = request(wizardry=1, tools=[{**TOOL, "x": 1}], messages=[{**USER, "cache_control": {}}])
    assert unknown_fields(parse_chat_request(body)) == ["wizardry", "tools[0].x", "messages[0].cache_control"]


def test_a_stop_string_is_a_list_of_one() -> None:
    assert parse_chat_request(request(stop="END")).stop == ["END"]


MANY = 1000
FLOODS: list[tuple[type[ApiObject], dict[str, Any]]] = [
    *((CompletionRequest, {"model": "m", "prompt": prompt}) for prompt in ([1.5] * MANY, [[1]] + [1] * MANY)),
    (CompletionRequest, {"model": "m", "prompt": [[True] * MANY]}),
    (CompletionRequest, {"model": "m", "prompt": ["a"] + [1] * MANY}),
    (DetokenizeRequest, {"tokens": ["a"] * MANY}),
    (TokenizeRequest, {"messages": [{}] * MANY}),
    (ChatRequest, request(messages=[{}] * MANY)),
    (ChatRequest, message(role="user", content=[{}] * MANY)),
    (ChatRequest, message(role="assistant", tool_calls=[{}] * MANY)),
    (ChatRequest, request(tools=[{}] * MANY)),
    (ChatRequest, request(stop=[7] * MANY)),
    (ChatRequest, request(stop_token_ids=["a"] * MANY)),
    (ChatRequest, request(structured_outputs={"choice": [7] * MANY})),
    (ChatRequest, request(logit_bias={str(token): 101 for token in range(MANY)})),
    (ChatRequest, request(logit_bias={str(token): None for token in range(MANY)})),
]


@pytest.mark.parametrize(("kind", "body"), FLOODS, ids=[str(index) for index in range(len(FLOODS))])
def test_many_invalid_values_are_one_error(kind: type[ApiObject], body: dict[str, Any]) -> None:
    """Or one for each branch of a union: a million errors would stall the server for half a minute."""
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(body)
    assert caught.value.error_count() <= 4
