"""A request's id, its line in the log and its metrics."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import pytest
from starlette.applications import Starlette

from latticework import Settings, create_app
from latticework.engines.base import EngineDead, EngineFailed, Piece, Sampling, Saved
from latticework.logs import JsonFormatter
from tests.http import USER, chat, send
from tests.scripted import Script, ScriptedEngine, says

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
AS_SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
AS_UNIQUE = {
    "type": "json_schema",
    "json_schema": {"name": "n", "schema": {"type": "array", "items": {"type": "string"}, "uniqueItems": True}},
}
SECRET = "wombat"


def app(script: Script | None = None, **settings: Any) -> Starlette:
    return create_app(ScriptedEngine(script or says("hello")), settings=Settings(**settings))


async def fails(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    yield Piece("he", (0,))
    raise EngineFailed("It broke.")


async def saves(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    yield Piece('{"n": 1}', (0, 0, 0))
    yield Piece("", (0,), finish="stop", saved=Saved(forced=2, copied=1))


def samples(served: Starlette) -> dict[str, float]:
    """Every sample of /metrics by its name and labels."""
    lines = [line.rpartition(" ") for line in send(served, "GET", "/metrics").text.splitlines() if line[0] != "#"]
    return {name: float(value) for name, _, value in lines}


@pytest.mark.parametrize(
    ("script", "fields", "outcome"),
    [
        (says("hello"), {}, "stop"),
        (says("hello"), {"stream": True}, "stop"),
        (says("hello", finish="length"), {}, "length"),
        (says("hello"), {"temperature": 9}, "invalid_request_error"),
        (says("not JSON"), {"response_format": AS_SCHEMA}, "invalid_output"),
        (says("not JSON"), {"response_format": AS_SCHEMA, "stream": True}, "invalid_output"),
        (fails, {}, "internal_error"),
        (fails, {"stream": True}, "internal_error"),
    ],
)
def test_each_request_is_counted_by_how_it_ended(script: Script, fields: dict[str, Any], outcome: str) -> None:
    served = app(script)
    chat(served, **fields)
    model = "" if "temperature" in fields else "scripted"
    counted = samples(served)
    assert counted[f'latticework_requests_total{{model="{model}",outcome="{outcome}"}}'] == 1
    assert counted[f'latticework_request_duration_seconds_count{{model="{model}"}}'] == 1
    assert counted["latticework_requests_in_progress"] == 0


def test_a_model_that_is_none_names_no_label() -> None:
    served = app()
    chat(served, model=SECRET)
    assert samples(served)['latticework_requests_total{model="",outcome="model_not_found"}'] == 1
    assert SECRET not in send(served, "GET", "/metrics").text


def test_tokens_compiles_and_what_drafts_saved_are_counted() -> None:
    served = app(saves)
    for _ in range(2):
        chat(served, response_format=AS_SCHEMA)
    counted = samples(served)
    assert counted['latticework_completion_tokens_total{model="scripted"}'] == 8
    assert counted['latticework_forced_tokens_total{model="scripted"}'] == 4
    assert counted['latticework_copied_tokens_total{model="scripted"}'] == 2
    assert counted["latticework_compile_cache_misses_total"] == 1
    assert counted["latticework_compile_cache_hits_total"] == 1
    assert counted["latticework_compile_seconds_count"] == 1
    assert counted['latticework_time_to_first_token_seconds_count{model="scripted"}'] == 2


def test_violations_and_attempts_are_counted() -> None:
    served = app(says('["a", "a"]'), attempts=3)
    chat(served, response_format=AS_UNIQUE)
    counted = samples(served)
    assert counted['latticework_violations_total{model="scripted"}'] == 3
    assert counted['latticework_regenerations_total{model="scripted"}'] == 2
    assert counted['latticework_checked_keywords_total{model="scripted"}'] == 1


def test_a_request_over_its_callers_limit_is_counted_too() -> None:
    served = app(requests_per_minute=1)
    chat(served)
    chat(served)
    assert samples(served)['latticework_requests_total{model="",outcome="rate_limit_exceeded"}'] == 1


def test_the_engines_own_counts_come_with_them() -> None:
    assert "scripted nothing is counted" in send(app(), "GET", "/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/chat/completions", {"model": "scripted", "messages": [USER]}),
        ("POST", "/v1/chat/completions", {"model": "scripted", "messages": [USER], "stream": True}),
        ("POST", "/v1/chat/completions", {"model": "scripted"}),
        ("POST", "/v1/grammars", {"model": "scripted", "response_format": AS_SCHEMA}),
        ("GET", "/v1/models", None),
        ("GET", "/v1/nowhere", None),
        ("GET", "/health", None),
    ],
)
def test_every_response_has_a_request_id_the_clients_if_it_gave_one(method: str, path: str, body: Any) -> None:
    served = app()
    first, second = (send(served, method, path, json=body).headers["x-request-id"] for _ in range(2))
    assert re.fullmatch("req_[0-9a-f]{32}", first)
    assert first != second
    given = send(served, method, path, json=body, headers={"x-request-id": "trace-7:a.b"})
    assert given.headers["x-request-id"] == "trace-7:a.b"


def test_an_error_that_nobody_foresaw_has_it_too() -> None:
    async def breaks(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        raise RuntimeError("a bug")
        yield

    response = chat(app(breaks))
    assert response.status_code == 500
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("given", ["a b", "x" * 200, "a\tb", ""])
def test_an_id_that_would_be_unsafe_in_a_log_is_not_taken(given: str) -> None:
    response = chat(app(), {"x-request-id": given})
    assert response.headers["x-request-id"].startswith("req_")


def logged(caplog: pytest.LogCaptureFixture) -> Mapping[str, Any]:
    (record,) = [record for record in caplog.records if record.name == "latticework.http.record"]
    line: dict[str, Any] = json.loads(JsonFormatter().format(record))
    assert f"request_id={line['request_id']}" in record.getMessage()
    return line


def test_the_log_has_the_outcome_of_a_request_and_none_of_its_content(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "latticework")
    served = app(says(f'["{SECRET}", "{SECRET}"]'), attempts=2)
    response = chat(served, messages=[{"role": "user", "content": SECRET}], response_format=AS_UNIQUE)
    line = logged(caplog)
    assert line["request_id"] == response.headers["x-request-id"]
    assert line["model"] == "scripted"
    assert line["outcome"] == "schema_violation"
    assert line["prompt_tokens"] > 0
    assert line["completion_tokens"] == 4
    assert line["seconds"] >= line["first_token_seconds"] > 0
    assert not any(SECRET in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("stream", [False, True])
def test_the_content_is_logged_where_the_setting_says_so(caplog: pytest.LogCaptureFixture, stream: bool) -> None:
    caplog.set_level(logging.INFO, "latticework")
    chat(app(says("he", "llo"), log_content=True), messages=[{"role": "user", "content": SECRET}], stream=stream)
    line = logged(caplog)
    assert line["request"]["messages"] == [{"role": "user", "content": SECRET}]
    deltas = [choice["delta"].get("content", "") for chunk in line["chunks"] for choice in chunk["choices"]]
    assert "".join(deltas) == "hello"


def test_a_client_that_disconnects_is_logged_as_aborted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "latticework")
    begun = asyncio.Event()

    async def endless(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        while True:
            yield Piece("a", (0,))
            begun.set()
            await asyncio.sleep(0)

    async def leaves() -> None:
        body = json.dumps({"model": "scripted", "messages": [USER]}).encode()
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            if (message := next(messages, None)) is not None:
                return message
            await begun.wait()
            return {"type": "http.disconnect"}

        async def ignore(message: Any) -> None:
            pass

        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": [], "query_string": b""}
        await app(endless)(scope, receive, ignore)

    asyncio.run(leaves())
    assert logged(caplog)["outcome"] == "aborted"


def test_the_engines_death_is_an_outcome(caplog: pytest.LogCaptureFixture) -> None:
    async def dies(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        raise EngineDead("It has died.")
        yield

    caplog.set_level(logging.INFO, "latticework")
    assert chat(app(dies)).status_code == 503
    assert logged(caplog)["outcome"] == "engine_unavailable"
