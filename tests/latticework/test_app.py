"""The HTTP surface over a scripted engine: envelopes, streams, mounting, faults."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from starlette.applications import Starlette

from latticework import Settings, __version__, create_app
from latticework.engines.base import EngineDead, EngineFailed, Piece, PromptRefused, Sampling
from tests.http import chat, events, send
from tests.scripted import Script, ScriptedEngine, says

ENVELOPE = {"message", "type", "param", "code"}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
AS_SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
TOOL = {"type": "function", "function": {"name": "add", "parameters": SCHEMA}}


def app(script: Script | None = None, **settings: Any) -> Starlette:
    return create_app(ScriptedEngine(script or says("hello")), settings=Settings(**settings))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "unknown_url"),
        ("GET", "/v1/nowhere", 404, "unknown_url"),
        ("GET", "/v1/chat/completions", 405, "method_not_supported"),
        ("DELETE", "/v1/models", 405, "method_not_supported"),
        ("GET", "/v1/models/other/model", 404, "model_not_found"),
    ],
)
def test_what_is_not_there_is_told_in_the_envelope(method: str, path: str, status: int, code: str) -> None:
    response = send(app(), method, path)
    assert response.status_code == status
    assert response.json()["error"].keys() == ENVELOPE
    assert response.json()["error"]["code"] == code


def test_models_are_listed_and_found() -> None:
    served = app()
    listed = send(served, "GET", "/v1/models").json()
    assert [card["id"] for card in listed["data"]] == ["scripted"]
    assert send(served, "GET", "/v1/models/scripted").json() == listed["data"][0]
    assert send(served, "GET", "/v1/models/").json() == listed


def test_a_name_may_have_slashes() -> None:
    served = create_app(ScriptedEngine(says("hello"), model_ids=("org/family/model",)))
    for path in ("/v1/models/org/family/model", "/v1/models/org%2Ffamily%2Fmodel"):
        assert send(served, "GET", path).json()["id"] == "org/family/model"


def test_a_whole_answer() -> None:
    response = chat(app(says("hel", "lo")))
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"].startswith("req_")
    assert body["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "hello",
                "refusal": None,
                "reasoning_content": None,
                "reasoning": None,
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert body["usage"]["completion_tokens"] == 3


def test_a_stream_opens_with_the_role_and_ends_with_the_reason() -> None:
    response = chat(app(says("hel", "lo")), stream=True)
    *chunks, done = events(response)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "hel"},
        {"content": "lo"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "stop"]
    assert all("usage" not in chunk for chunk in chunks)
    assert done == "[DONE]"


def test_usage_is_streamed_when_asked_for() -> None:
    *chunks, _ = events(chat(app(), stream=True, stream_options={"include_usage": True}))
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 2


def test_a_call_is_streamed_with_its_name_once() -> None:
    wire = '<tool_call>\n{"name": "add", "arguments": {"n": 1}}\n</tool_call>'
    *chunks, _ = events(chat(app(says(*wire)), stream=True, tools=[TOOL]))
    calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert calls[0]["type"] == "function"
    assert calls[0]["function"]["name"] == "add"
    assert all(call.keys() == {"index", "function"} and call["function"].keys() == {"arguments"} for call in calls[1:])
    assert "".join(call["function"]["arguments"] for call in calls) == '{"n": 1}'
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_choices_are_numbered_and_seeded_apart() -> None:
    engine = ScriptedEngine(says("a"))
    body = chat(create_app(engine), n=3, seed=5).json()
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert sorted(sampling.seed or 0 for sampling in engine.asked) == [5, 6, 7]
    assert body["usage"]["completion_tokens"] == 6


def test_choices_stream_side_by_side() -> None:
    *chunks, _ = events(chat(app(says("hel", "lo")), n=3, stream=True))
    assert all(len(chunk["choices"]) == 1 for chunk in chunks)
    for index in range(3):
        told = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == index]
        assert [choice["delta"].get("content") for choice in told] == ["", "hel", "lo", None]
        assert told[-1]["finish_reason"] == "stop"


def test_a_stop_string_ends_the_answer_and_the_work() -> None:
    async def endless(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        while True:
            yield Piece("one END ", (0,))

    engine = ScriptedEngine(endless)
    body = chat(create_app(engine), stop="END").json()
    assert body["choices"][0]["message"]["content"] == "one "
    assert body["choices"][0]["finish_reason"] == "stop"
    assert engine.open == 0


def test_a_stop_string_never_cuts_a_document_and_the_header_says_so() -> None:
    response = chat(app(says('{"n": 1}')), stop="1", response_format=AS_SCHEMA)
    assert response.json()["choices"][0]["message"]["content"] == '{"n": 1}'
    assert response.headers["x-latticework-ignored"] == "stop"


def test_a_call_that_is_required_needs_tools() -> None:
    """Clients send the other choices without tools: they change nothing."""
    for choice in ("auto", "none"):
        response = chat(app(), tool_choice=choice, parallel_tool_calls=False)
        assert response.status_code == 200
        assert "x-latticework-ignored" not in response.headers
    without: list[dict[str, Any]] = [{}, {"tools": []}, {"tools": None}]
    for fields in without:
        response = chat(app(), tool_choice="required", **fields)
        assert (response.status_code, response.json()["error"]["param"]) == (400, "tool_choice")
        assert "'tools'" in response.json()["error"]["message"]


def test_ignored_fields_are_named_safely() -> None:
    unknown: dict[str, Any] = {"wizardry": 1, "a\r\nb: c": 2, **{f"x{n}": n for n in range(30)}}
    response = chat(app(), **unknown)
    named = response.headers["x-latticework-ignored"].split(", ")
    assert named[:3] == ["wizardry", "a%0D%0Ab%3A%20c", "x0"]
    assert named[-1] == "and-12-more"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "other"}, 404, "model"),
        ({"temperature": 3}, 400, "temperature"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, 400, "tool_choice"),
        ({"tools": [TOOL, TOOL]}, 400, "tools[1].function.name"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "obj"}}}},
         400, "response_format.json_schema.schema.type"),
        ({"messages": [{"role": "user", "content": "word " * 50_000}]}, 400, "messages"),
        ({"max_tokens": 200_000}, 400, "max_tokens"),
        ({"logit_bias": {"256": 1}}, 400, "logit_bias"),
        ({"logit_bias": {"x": 1}}, 400, "logit_bias"),
        ({"logit_bias": {"9" * 5000: 1}}, 400, "logit_bias"),
        ({"stop_token_ids": [0, 256]}, 400, "stop_token_ids[1]"),
        ({"stop_token_ids": [-1]}, 400, "stop_token_ids[0]"),
        ({"min_tokens": 5, "response_format": AS_SCHEMA}, 400, "min_tokens"),
    ],
)  # fmt: skip
def test_errors_come_before_anything_is_generated(
    fields: dict[str, Any], status: int, param: str, stream: bool
) -> None:
    engine = ScriptedEngine(says("hello"))
    served = create_app(engine)
    response = chat(served, stream=stream, **fields)
    assert response.status_code == status
    assert response.json()["error"].keys() == ENVELOPE
    assert response.json()["error"]["param"] == param
    assert engine.asked == []
    assert chat(served).status_code == 200


# What clients look for in the message: LangChain's Python and JavaScript, LiteLLM and CrewAI.
OVERFLOW = (
    "input tokens exceed the configured limit",
    "this model's maximum context length is",
    "maximum context length",
)


def test_a_prompt_that_is_too_long_is_called_so() -> None:
    error = chat(app(), messages=[{"role": "user", "content": "x" * 100_000}]).json()["error"]
    assert error["code"] == "context_length_exceeded"
    for phrase in OVERFLOW:
        assert phrase in error["message"].lower()


def test_more_tokens_than_the_prompt_leaves_are_named() -> None:
    error = chat(app(), max_tokens=200_000).json()["error"]
    assert (error["code"], error["param"]) == ("context_length_exceeded", "max_tokens")
    assert re.search(r"Lower 'max_tokens' to 99\d\d\d, or shorten the prompt\.$", error["message"])


def test_stop_strings_that_calls_cannot_have_are_named() -> None:
    wire = '<tool_call>\n{"name": "add", "arguments": {"n": 1}}\n</tool_call>'
    for choice, ignored in (
        ("required", "stop"),
        ("auto", None),
        ({"type": "function", "function": {"name": "add"}}, "stop"),
    ):
        response = chat(app(says(wire)), tools=[TOOL], tool_choice=choice, stop=["n"])
        assert response.headers.get("x-latticework-ignored") == ignored
        assert response.json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"n": 1}'


def test_ten_thousand_messages_are_too_many_for_the_context() -> None:
    error = chat(app(), messages=[{"role": "user", "content": "hi"}] * 10_000).json()["error"]
    assert error["code"] == "context_length_exceeded"


def half_an_emoji(**fields: Any) -> dict[str, Any]:
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"n": "\ud83d"}'}}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "5 \ud83d"},
    ]
    return {"model": "scripted", "messages": messages, "tools": [TOOL], **fields}


@pytest.mark.parametrize("stream", [False, True])
def test_half_an_emoji_in_a_message_is_replaced_and_named(stream: bool) -> None:
    engine = ScriptedEngine(says("hello"))
    body = json.dumps(half_an_emoji(stream=stream))
    response = send(create_app(engine), "POST", "/v1/chat/completions", content=body)
    assert response.status_code == 200, response.text
    assert "5 \ufffd" in engine.prompts[0]
    (warning,) = (events(response)[0] if stream else response.json())["warnings"]
    assert (warning["code"], warning["tool"]) == ("replaced_text", None)
    assert warning["param"] == "messages[1].tool_calls[0].function.arguments"
    assert "and 1 more" in warning["message"]
    counted = send(create_app(engine), "POST", "/tokenize", content=json.dumps({**half_an_emoji(), "stream": None}))
    assert counted.status_code == 200, counted.text


def test_half_an_emoji_in_a_tool_is_refused() -> None:
    tool = {"type": "function", "function": {"name": "add\ud83d"}}
    body = json.dumps(half_an_emoji(tools=[tool]))
    error = send(app(), "POST", "/v1/chat/completions", content=body).json()["error"]
    assert error["param"] == "tools[0].function.name"


def test_a_huge_body_is_refused() -> None:
    response = send(app(), "POST", "/v1/chat/completions", content=b'{"x": "' + b"y" * 30_000_000 + b'"}')
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("Bearer ", 401),
        ("Bearer wrong", 401),
        ("Basic one", 401),
        ("one", 401),
        ("Bearer one", 200),
        ("bearer two", 200),
    ],
)
def test_keys(authorization: str | None, status: int) -> None:
    headers = {"authorization": authorization} if authorization is not None else {}
    response = chat(app(api_keys=("one", "two")), headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.json()["error"]["code"] == "invalid_api_key"
        assert response.headers["www-authenticate"] == "Bearer"


def test_health_needs_no_key() -> None:
    engine = ScriptedEngine(says("hello"))
    served = create_app(engine, settings=Settings(api_keys=("one",)))
    body = send(served, "GET", "/health").json()
    assert body["status"] == "ok"
    assert body["running"] == {"scripted": 0}
    assert body["version"] == __version__
    engine.dead = True
    assert send(served, "GET", "/health").status_code == 503


def failing(error: Exception, *texts: str) -> Script:
    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        for text in texts:
            yield Piece(text, (0,))
        raise error

    return script


FAULTS = [
    (PromptRefused("no"), 400, "invalid_request_error"),
    (EngineFailed("broke"), 500, "server_error"),
    (EngineDead("died"), 503, "server_error"),
    (RuntimeError("a bug"), 500, "server_error"),
]


@pytest.mark.parametrize(("error", "status", "kind"), FAULTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_fault_before_the_first_token_has_its_status(error: Exception, status: int, kind: str, stream: bool) -> None:
    response = chat(app(failing(error)), stream=stream)
    assert response.status_code == status
    assert response.json()["error"]["type"] == kind


@pytest.mark.parametrize(("error", "status", "kind"), FAULTS)
def test_a_fault_in_mid_stream_is_an_event_and_no_clean_end(error: Exception, status: int, kind: str) -> None:
    *_, last = events(chat(app(failing(error, "hello")), stream=True))
    assert last["error"]["type"] == kind
    assert "a bug" not in last["error"]["message"]


@pytest.mark.parametrize("content", ["not JSON", '{"n": "one"}', "[1]", '{"n": 1} and more'])
def test_an_answer_that_breaks_its_schema_never_looks_finished(content: str) -> None:
    served = app(says(content))
    whole = chat(served, response_format=AS_SCHEMA)
    assert whole.status_code == 500
    assert whole.json()["error"]["code"] == "invalid_output"
    streamed = events(chat(served, response_format=AS_SCHEMA, stream=True))
    assert streamed[-1]["error"]["code"] == "invalid_output"
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in streamed[:-1])
    assert send(served, "GET", "/health").json()["counters"]["broken_guarantees"] == 2


UNIQUE = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
AS_UNIQUE = {"type": "json_schema", "json_schema": {"name": "n", "schema": UNIQUE}}


def test_a_request_is_explained_without_being_answered() -> None:
    engine = ScriptedEngine(says("hello"))
    asked = {"model": "scripted", "tools": [TOOL], "response_format": AS_UNIQUE}
    body = send(create_app(engine), "POST", "/v1/grammars", json=asked).json()
    found = {(finding["pointer"], finding["keyword"]): finding["status"] for finding in body["report"]}
    assert found["/response_format/json_schema/schema", "uniqueItems"] == "checked"
    assert found["/tools/0/function/parameters/properties/n", "type"] == "enforced"
    assert body["exact"] is False
    assert body["grammar"].startswith("%llguidance")
    assert body["grammar_bytes"] == len(body["grammar"].encode())
    assert engine.asked == []


def offered(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def allowed(mode: str, *names: str) -> dict[str, Any]:
    tools = [offered(name) for name in names]
    return {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}}


def test_allowed_tools_change_the_grammar_and_not_the_prompt() -> None:
    engine = ScriptedEngine(says('<tool_call>\n{"name": "a", "arguments": {}}\n</tool_call>'))
    served = create_app(engine)
    tools = [offered("a"), offered("b")]
    for choice in ({}, allowed("auto", "a"), allowed("required", "a")):
        answer = chat(served, tools=tools, **choice).json()
        assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "a"
    assert len(set(engine.prompts)) == 1
    free, auto, required = (sampling.grammar or "" for sampling in engine.asked)
    assert len({free, auto, required}) == 3
    assert '"b' in free.replace("\\", "")
    assert chat(served, tools=tools, **allowed("auto", "b")).status_code == 500  # the script calls what is not allowed
    assert chat(served, tools=tools, **allowed("auto", "c")).json()["error"]["param"] == "tool_choice"


def test_the_number_of_calls_is_bounded() -> None:
    calls = [f'<tool_call>\n{{"name": "add", "arguments": {{"n": {n}}}}}\n</tool_call>\n' for n in range(3)]
    served = create_app(ScriptedEngine(says(*calls)), settings=Settings(max_tool_calls=2))
    assert chat(served, tools=[TOOL]).json()["error"]["code"] == "invalid_output"


def test_what_is_refused_is_refused_there_too() -> None:
    asked = {"model": "scripted", "tools": [TOOL, TOOL]}
    response = send(app(), "POST", "/v1/grammars", json=asked)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "tools[1].function.name"


def in_turn(*answers: str) -> Script:
    """A different answer each time, in two pieces."""
    left = list(answers)

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        answer = left.pop(0)
        yield Piece(answer[:4], (0,))
        yield Piece(answer[4:], (0,), finish="stop")

    return script


@pytest.mark.parametrize("stream", [False, True])
def test_what_can_only_be_checked_is_generated_again_and_held_back_until_then(stream: bool) -> None:
    engine = ScriptedEngine(in_turn('["a", "a"]', '["b", "b"]', '["a", "b"]'))
    response = chat(create_app(engine), response_format=AS_UNIQUE, stream=stream, seed=5, temperature=0)
    assert response.headers["x-latticework-checked"] == "/response_format/json_schema/schema/uniqueItems"
    if stream:
        *chunks, _ = events(response)
        content = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    else:
        content = response.json()["choices"][0]["message"]["content"]
        assert response.json()["usage"]["completion_tokens"] == 6
    assert content == '["a", "b"]'
    assert [sampling.seed for sampling in engine.asked] == [5, 6, 7]
    assert [sampling.temperature for sampling in engine.asked] == [0, 0, 0]  # The prompt differs.


@pytest.mark.parametrize("stream", [False, True])
def test_after_the_last_attempt_the_error_names_pointer_and_keyword(stream: bool) -> None:
    engine = ScriptedEngine(in_turn(*['["a", "a"]'] * 2))
    served = create_app(engine, settings=Settings(attempts=2))
    response = chat(served, response_format=AS_UNIQUE, stream=stream)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["error"]["code"] == "schema_violation"
    assert "uniqueItems at content" in response.json()["error"]["message"]


def test_a_document_that_was_cut_says_length() -> None:
    body = chat(app(says('{"n', finish="length")), response_format=AS_SCHEMA).json()
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["choices"][0]["message"]["content"] == '{"n'


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("heard", [0, 3], ids=["before the first token", "in the middle"])
def test_a_client_that_goes_away_ends_the_work(stream: bool, heard: int) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def endless(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        try:
            for _ in range(heard):
                yield Piece("more ", (0,))
            started.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": "x"}], "stream": stream}).encode()
    messages = iter([{"type": "http.request", "body": body}])

    async def receive() -> Any:
        for message in messages:
            return message
        await started.wait()
        return {"type": "http.disconnect"}

    async def ignore(message: Any) -> None:
        pass

    async def once() -> None:
        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": [], "query_string": b""}
        await asyncio.wait_for(app(endless)(scope, receive, ignore), 5)
        assert ended.is_set()

    asyncio.run(once())


def test_two_engines_in_one_app() -> None:
    served = create_app(ScriptedEngine(says("one"), ("m1",)), ScriptedEngine(says("two"), ("m2", "alias")))
    answers = [chat(served, model=name).json()["choices"][0]["message"]["content"] for name in ("m1", "m2", "alias")]
    assert answers == ["one", "two", "two"]
