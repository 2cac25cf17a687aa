"""Documents that `max_tokens` cuts, closed: they fit their schema and the limit, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.types import ASGIApp

from latticework import Settings, create_app
from latticework.engines.base import Piece, SampledToken, Sampling
from tests.http import chat, events
from tests.latticework.generate.test_generation import CLOSING, Harmony, Opening, Thinking
from tests.scripted import ByteTokenizer, Script, ScriptedEngine, says
from turngrammar.completion import ShortestCompletion, added_values
from turngrammar.schema import compile_schema

ITEM = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "price": {"type": "number"}},
    "required": ["name", "price"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "items": {"type": "array", "items": ITEM}, "at": {"type": "string"}},
    "required": ["id", "items", "at"],
    "additionalProperties": False,
}
DOCUMENT = '{"id": 7, "items": [{"name": "Bücher", "price": 1.5}, {"name": "pen", "price": 2}], "at": "now"}'
SHORTEST = '{"id": 0, "items": [], "at": ""}'
UNIQUE = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}


def writes(text: str, size: int = 1) -> Script:
    """Writes this, `size` bytes a piece, as far as it may; what belongs to one character comes with its last byte."""

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        ids = list(text.encode())
        told = 0
        for start in range(0, min(len(ids), sampling.max_tokens), size):
            end = min(start + size, len(ids), sampling.max_tokens)
            cut = end == sampling.max_tokens
            whole = bytes(ids[:end]).decode(errors="ignore")
            logprobs = tuple(SampledToken(str(one), -1.0, (one,)) for one in ids[start:end])
            said = logprobs if sampling.logprobs is not None else ()
            yield Piece(whole[told:], tuple(ids[start:end]), said, "length" if cut else None)
            told = len(whole)
        if len(ids) < sampling.max_tokens:
            yield Piece("", (0,), finish="stop")

    return script


def as_schema(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}


def serving(script: Script, tokenizer: type[ByteTokenizer] = ByteTokenizer) -> ASGIApp:
    """Patient: on a busy machine a thread may be long in coming."""
    return create_app(ScriptedEngine(script, tokenizer=tokenizer()), settings=Settings(compile_timeout=60))


def ask(app: ASGIApp, **fields: Any) -> Any:
    """The answer, whole; folded from the stream it must be the same."""
    fields = {"response_format": as_schema(SCHEMA), "truncation": "close", **fields}
    response = chat(app, **fields)
    if response.status_code != 200:
        return response.json()["error"]
    body = response.json()
    streamed = chat(app, stream=True, stream_options={"include_usage": True}, **fields)
    assert streamed.status_code == 200, streamed.text
    *chunks, last, done = events(streamed)
    assert (done, last["usage"]) == ("[DONE]", body["usage"])
    for index, choice in enumerate(body["choices"]):
        mine = [one for chunk in chunks for one in chunk["choices"] if one["index"] == index]
        assert "".join(one["delta"].get("content", "") for one in mine) == choice["message"]["content"]
        assert all("truncation" not in one for one in mine[:-1])
        assert mine[-1].get("truncation") == choice.get("truncation")
        assert mine[-1]["finish_reason"] == choice["finish_reason"]
    return body


@cache
def expected(most: int) -> tuple[str, Any]:
    """By brute force: the longest beginning whose end has room, and what is filled in."""
    origin = ShortestCompletion(compile_schema(SCHEMA))
    for at in range(len(DOCUMENT), -1, -1):
        completion = origin.copy()
        completion.feed(DOCUMENT[:at])
        end = completion.shortest()
        assert end is not None
        if len(DOCUMENT[:at].encode()) <= most and len((DOCUMENT[:at] + end).encode()) <= most:
            told = added_values(completion.outline, end)
            return DOCUMENT[:at] + end, {"cut": told.cut, "filled": list(told.filled)}
    raise AssertionError


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_as_much_as_fits_and_the_shortest_end(size: int) -> None:
    app = serving(writes(DOCUMENT, size))
    for most in range(len(SHORTEST), len(DOCUMENT.encode()) + 1):
        body = ask(app, max_tokens=most)
        assert "choices" in body, body
        choice = body["choices"][0]
        assert choice["finish_reason"] == "length"
        assert (choice["message"]["content"], choice["truncation"]) == expected(most)
        ended = ask(app, max_tokens=most, truncation="complete")
        assert ended["choices"] == [{**choice, "finish_reason": "stop"}]
        assert body["usage"]["completion_tokens"] == len(choice["message"]["content"].encode()) <= most
        Draft202012Validator(SCHEMA).validate(json.loads(choice["message"]["content"]))


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_ends_by_itself_is_left_alone(size: int) -> None:
    body = ask(serving(writes(DOCUMENT, size)), max_tokens=len(DOCUMENT.encode()) + 1)
    choice = body["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (DOCUMENT, "stop")
    assert "truncation" not in choice
    assert body["usage"]["completion_tokens"] == len(DOCUMENT.encode()) + 1


@pytest.mark.parametrize("truncation", [None, "cut"])
def test_cut_is_the_default(truncation: str | None) -> None:
    choice = ask(serving(writes(DOCUMENT)), max_tokens=30, truncation=truncation)["choices"][0]
    assert choice["message"]["content"] == DOCUMENT[:30]
    assert "truncation" not in choice


def test_the_stream_goes_on_until_the_limit_is_near() -> None:
    app = create_app(ScriptedEngine(writes(DOCUMENT)))
    fields: dict[str, Any] = {"response_format": as_schema(SCHEMA), "truncation": "close", "max_tokens": 80}
    *chunks, _ = events(chat(app, stream=True, **fields))
    deltas = [chunk["choices"][0]["delta"].get("content") for chunk in chunks]
    assert deltas[1:20] == list(DOCUMENT[:19])


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_the_shortest_document_must_have_room(field: str) -> None:
    app = serving(writes(DOCUMENT))
    error = ask(app, **{field: len(SHORTEST) - 1})
    assert error["param"] == field
    assert f"{len(SHORTEST)} tokens" in error["message"]
    choice = ask(app, **{field: len(SHORTEST)})["choices"][0]
    assert choice["message"]["content"] == SHORTEST.replace("0", "7")


TOOLS = [{"type": "function", "function": {"name": "add", "parameters": SCHEMA}}]
REFUSED: list[dict[str, Any]] = [
    {"response_format": None},
    {"response_format": {"type": "text"}},
    {"response_format": None, "structured_outputs": {"regex": "a+"}},
    {"response_format": None, "structured_outputs": {"choice": ["a"]}},
    {"response_format": None, "tools": TOOLS, "tool_choice": "none"},
    {"truncation": "auto"},
    {"truncation": True},
]


@pytest.mark.parametrize("fields", REFUSED)
def test_what_can_not_be_closed_is_refused(fields: dict[str, Any]) -> None:
    assert ask(serving(writes("a")), **{"max_tokens": 60, **fields})["param"] == "truncation"


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": {"type": "json_object"}},
        {"response_format": None, "structured_outputs": {"json": SCHEMA}},
        {"tools": TOOLS, "tool_choice": "none"},
    ],
)
def test_every_kind_of_document(fields: dict[str, Any]) -> None:
    choice = ask(serving(writes(DOCUMENT)), max_tokens=70, **fields)["choices"][0]
    document = json.loads(choice["message"]["content"])
    assert document["items"][0]["name"] == "Bücher"[: len(document["items"][0]["name"])]


def test_every_choice_is_closed() -> None:
    body = ask(serving(writes(DOCUMENT)), max_tokens=52, n=3)
    assert [choice["truncation"] for choice in body["choices"]] == [expected(52)[1]] * 3
    assert body["usage"]["completion_tokens"] == 3 * len(expected(52)[0].encode())


def test_tokens_that_were_added_have_no_logprobs() -> None:
    choice = ask(serving(writes(DOCUMENT, 7)), max_tokens=52, logprobs=True)["choices"][0]
    told = bytes(one["bytes"][0] for one in choice["logprobs"]["content"])
    assert choice["message"]["content"].encode().startswith(told)
    assert DOCUMENT.encode().startswith(told)


def test_a_closed_document_that_breaks_a_checked_keyword_is_none() -> None:
    error = ask(serving(writes('["a", "a", "b"]')), max_tokens=13, response_format=as_schema(UNIQUE))
    assert error["code"] == "schema_violation"
    choice = ask(serving(writes('["a", "b", "c"]')), max_tokens=13, response_format=as_schema(UNIQUE))["choices"][0]
    assert json.loads(choice["message"]["content"]) == ["a", "b"]


def test_attempts_go_on_from_the_beginning() -> None:
    left = ['["a", "a", "c"]', '["a", "b", "c"]'] * 2

    def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        return writes(left.pop(0))(prompt, sampling)

    body = ask(serving(script), max_tokens=13, response_format=as_schema(UNIQUE))
    assert json.loads(body["choices"][0]["message"]["content"]) == ["a", "b"]


THOUGHT = "<think>\nLet me see </th 1</think>\n\n"


@pytest.mark.parametrize("size", [1, 5])
def test_thoughts_that_are_cut_are_ended(size: int) -> None:
    app = serving(writes(THOUGHT + DOCUMENT, size), Thinking)
    for most in range(len(SHORTEST), len((THOUGHT + DOCUMENT).encode()), 3):
        body = ask(app, max_tokens=most)
        message = body["choices"][0]["message"]
        Draft202012Validator(SCHEMA).validate(json.loads(message["content"]))
        assert body["choices"][0]["finish_reason"] == "length"
        assert body["usage"]["completion_tokens"] <= most
        assert "Let me see </th 1".startswith((message["reasoning"] or "").strip())
        if message["reasoning"] and len(message["reasoning"]) < 10:
            assert message["content"] == SHORTEST
            assert body["choices"][0]["truncation"] == {"cut": None, "filled": [""]}


def test_thoughts_that_the_prompt_began_are_ended_too() -> None:
    needed = len(CLOSING + SHORTEST)
    assert f"{needed} tokens" in ask(serving(writes("Let me"), Opening), max_tokens=needed - 1)["message"]
    message = ask(serving(writes("Let me see it" * 9), Opening), max_tokens=needed + 3)["choices"][0]["message"]
    assert (message["reasoning"], message["content"]) == ("Let", SHORTEST)


def test_where_thoughts_are_bounded() -> None:
    body = ask(serving(writes(THOUGHT + DOCUMENT), Thinking), max_tokens=60, max_reasoning_tokens=3)
    message = body["choices"][0]["message"]
    Draft202012Validator(SCHEMA).validate(json.loads(message["content"]))
    assert body["usage"]["completion_tokens"] <= 60


def test_thoughts_before_calls_have_their_limit_though_no_document_would_fit() -> None:
    long = {name * 10: {"type": "boolean"} for name in "abcdefgh"}
    document = {"type": "object", "properties": long, "required": list(long)}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    app = serving(writes("<think>\n" + "hm " * 100), Thinking)
    fields = {"response_format": as_schema(document), "tools": tools, "max_tokens": 150, "max_reasoning_tokens": 20}
    for truncation in ("cut", "close"):
        body = ask(app, **{**fields, "truncation": truncation})
        assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 20


def test_a_frame_around_the_answer_is_written() -> None:
    final = "<|channel|>final<|message|>"
    thought = "<|channel|>analysis<|message|>Let me see<|end|><|start|>assistant"
    app = serving(writes(thought + final + DOCUMENT), Harmony)
    for most in range(len(final + SHORTEST), len(thought + final + DOCUMENT), 5):
        body = ask(app, max_tokens=most)
        Draft202012Validator(SCHEMA).validate(json.loads(body["choices"][0]["message"]["content"]))
        assert body["usage"]["completion_tokens"] <= most


def test_an_engine_that_reports_texts_without_their_tokens() -> None:
    """Then a piece is passed on whole, or not at all."""
    choice = ask(serving(says(DOCUMENT[:30], DOCUMENT[30:], finish="length")), max_tokens=200)["choices"][0]
    assert (choice["message"]["content"], choice["truncation"]) == (DOCUMENT, {"cut": None, "filled": []})
