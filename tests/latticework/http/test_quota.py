"""Limits per caller: the bucket by itself, and over HTTP."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from latticework import Settings, create_app
from latticework.engines.base import Piece, Sampling
from latticework.errors import RateLimited
from latticework.http.quota import Bucket, Quotas
from tests.http import chat, send
from tests.scripted import Script, ScriptedEngine, says

STEPS = st.lists(st.floats(0, 100), max_size=30)


@given(per_minute=st.integers(1, 10_000), start=st.floats(0, 1e7), steps=STEPS)
def test_a_bucket(per_minute: int, start: float, steps: list[float]) -> None:
    bucket, now, taken = Bucket(per_minute, per_minute, start), start, 0
    for step in steps:
        now += step
        bucket = bucket.refilled(now)
        assert bucket.tokens <= per_minute
        if bucket.wait:
            # Whole seconds later it has one, and not a second before that.
            assert not bucket.refilled(now + math.ceil(bucket.wait)).wait
            assert bucket.refilled(now + math.ceil(bucket.wait) - 1.001).wait
        else:
            bucket, taken = bucket.without_token(), taken + 1
    # Never more than its content and what has run in since.
    assert taken <= per_minute + (now - start) * per_minute / 60 + 0.001


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    assert Bucket(60, 5, 100).refilled(90).tokens == 5


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refusal(quotas: Quotas, caller: bytes) -> str | None:
    """The Retry-After of a request that is refused."""
    try:
        with quotas.acquire(caller):
            return None
    except RateLimited as error:
        return error.headers["retry-after"]


def test_requests_a_minute_are_counted_for_each_caller() -> None:
    clock = Clock()
    quotas = Quotas(3, None, clock)
    assert [refusal(quotas, b"a") for _ in range(5)] == [None, None, None, "20", "20"]
    assert refusal(quotas, b"b") is None
    clock.now += 19.5
    assert refusal(quotas, b"a") == "1"
    clock.now += 0.5
    assert [refusal(quotas, b"a") for _ in range(2)] == [None, "20"]
    clock.now += 3600
    assert [refusal(quotas, b"a") for _ in range(4)] == [None, None, None, "20"]


def test_concurrent_requests_are_counted_for_each_caller_and_cost_no_token_when_refused() -> None:
    quotas = Quotas(3, 1, Clock())
    with quotas.acquire(b"a"):
        assert [refusal(quotas, b"a") for _ in range(5)] == ["1"] * 5
        assert refusal(quotas, b"b") is None
    assert [refusal(quotas, b"a") for _ in range(3)] == [None, None, "20"]


def test_a_request_is_no_longer_counted_however_it_ends() -> None:
    quotas = Quotas(None, 1, Clock())
    for error in (ValueError, asyncio.CancelledError):
        with pytest.raises(error), quotas.acquire(b"a"):
            raise error
    assert refusal(quotas, b"a") is None


def test_callers_that_have_used_nothing_are_forgotten() -> None:
    clock = Clock()
    quotas = Quotas(60, 1, clock)
    with quotas.acquire(b"long"):
        for caller in range(100):
            refusal(quotas, bytes([caller]))
        clock.now += 60
        refusal(quotas, b"new")
        assert set(quotas._usage) == {b"long", b"new"}


def app(script: Script | None = None, **settings: Any) -> Starlette:
    return create_app(ScriptedEngine(script or says("hello")), settings=Settings(**settings))


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_a_request_over_the_limit_is_refused_as_openai_does() -> None:
    served = app(api_keys=("one", "two"), requests_per_minute=1)
    assert chat(served, bearer("one")).status_code == 200
    refused = chat(served, bearer("one"))
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"] == {
        "message": "Rate limit reached on requests per min (RPM): Limit 1. Please try again in "
        f"{refused.headers['retry-after']}s.",
        "type": "requests",
        "param": None,
        "code": "rate_limit_exceeded",
    }
    assert chat(served, bearer("two")).status_code == 200
    assert chat(served, bearer("three")).status_code == 401


def test_only_work_counts_and_all_work_counts_together() -> None:
    served = app(requests_per_minute=2)
    body = {"model": "scripted"}
    for path in ("/v1/models", "/v1/models/scripted", "/health", "/metrics", "/v1/chat/completions"):
        assert [send(served, "GET", path).status_code for _ in range(3)] != [429] * 3
    assert send(served, "POST", "/v1/grammars", json=body).status_code == 200
    assert chat(served).status_code == 200
    assert chat(served).status_code == 429
    assert send(served, "POST", "/v1/grammars", json=body).status_code == 429


def test_the_openai_client_knows_it() -> None:
    transport = httpx.ASGITransport(app(requests_per_minute=1))

    async def twice() -> None:
        async with httpx.AsyncClient(transport=transport) as http:
            client = openai.AsyncOpenAI(base_url="http://test/v1", api_key="none", http_client=http, max_retries=0)  # type: ignore[arg-type, unused-ignore]
            for _ in range(2):
                await client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "hi"}])

    with pytest.raises(openai.RateLimitError, match="requests per min"):
        asyncio.run(twice())


@pytest.mark.parametrize("stream", [False, True])
def test_a_place_is_held_until_the_client_has_gone(stream: bool) -> None:
    started, leaves = asyncio.Event(), asyncio.Event()

    async def endless(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        yield Piece("more ", (0,))
        started.set()
        await asyncio.Event().wait()

    served = app(endless, concurrent_requests=1)
    body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": "x"}], "stream": stream}).encode()

    async def ask() -> int:
        """The status, 0 where there was none."""
        messages = iter([{"type": "http.request", "body": body}])
        statuses = []

        async def receive() -> Any:
            for message in messages:
                return message
            await leaves.wait()
            return {"type": "http.disconnect"}

        async def keep(message: Any) -> None:
            statuses.append(message.get("status"))

        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": [], "query_string": b""}
        await asyncio.wait_for(served(scope, receive, keep), 30)
        return statuses[0] if statuses else 0

    async def scene() -> list[int]:
        first = asyncio.create_task(ask())
        await started.wait()
        second = await ask()
        leaves.set()
        await first
        started.clear()
        third = asyncio.create_task(ask())  # its client leaves at once, but it has a place
        return [second, await third]

    second, third = asyncio.run(scene())
    assert second == 429
    assert third in (0, 200)
