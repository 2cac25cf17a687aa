"""Too many requests, and too little time: each is refused at once, and no work goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

import httpx
import pytest
from starlette.types import Message

from latticework import Settings, create_app
from latticework.compiling.compiler import Compiler
from latticework.concurrency import ConcurrencyLimit
from latticework.engines.base import Piece, Sampling
from latticework.errors import BadRequest, Overloaded
from tests.http import USER, chat, events, send
from tests.scripted import ScriptedEngine, says

ASK = {"model": "scripted", "messages": [USER]}
PATH = "/v1/chat/completions"


def test_answers_are_counted_until_their_block_ends() -> None:
    limit = ConcurrencyLimit(3)
    with limit.acquire(2):
        with pytest.raises(Overloaded), limit.acquire(2):
            pass
        with limit.acquire(1):
            pass
    with pytest.raises(ZeroDivisionError), limit.acquire(3):
        raise ZeroDivisionError
    with limit.acquire(3):
        pass


def test_a_request_over_the_whole_limit_is_the_callers_mistake() -> None:
    with pytest.raises(BadRequest), ConcurrencyLimit(3).acquire(4):
        pass
    error = chat(create_app(ScriptedEngine(says("a"), max_running=1), settings=Settings(max_queue=1)), n=3).json()
    assert error["error"]["param"] == "n"


class Held(ScriptedEngine):
    """Generates one piece, and the rest once `free` is set."""

    def __init__(self, **options: Any) -> None:
        super().__init__(self.answer, **options)
        self.begun, self.free = asyncio.Event(), asyncio.Event()

    async def answer(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        yield Piece("hello", (0,))
        self.begun.set()
        await self.free.wait()
        yield Piece("", (0,), finish="stop")


def test_beyond_the_queue_requests_are_refused_before_they_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def compile_nothing(self: Compiler, request: Any) -> None:
        raise AssertionError("compiled")

    async def run() -> None:
        engine = Held(max_running=1)
        app = create_app(engine, settings=Settings(max_queue=2))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            first = asyncio.ensure_future(client.post(PATH, json={**ASK, "n": 3}))
            await engine.begun.wait()
            monkeypatch.setattr(Compiler, "compile", compile_nothing)
            refused = await client.post(PATH, json={**ASK, "response_format": {"type": "json_object"}})
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "overloaded"
            assert int(refused.headers["retry-after"]) > 0
            engine.free.set()
            assert (await first).status_code == 200
            assert (await client.post(PATH, json=ASK)).status_code == 200
            assert 'outcome="overloaded"} 1.0' in (await client.get("/metrics")).text

    asyncio.run(run())


@pytest.mark.parametrize("asked", ["0", "0.0", "-1", "nan", "inf", "1e3", "1_0", "soon", "", "10 s", "9999999999"])
def test_a_header_that_is_no_time_is_named(asked: str) -> None:
    engine = ScriptedEngine(says("hello"))
    response = chat(create_app(engine), headers={"x-request-timeout": asked})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "x-request-timeout"
    assert engine.asked == []


# The deadline of the client, that of the server, and the one in the error.
SHORTEST = [("0.05", 60.0, "0.05 s"), (None, 0.05, "0.05 s"), ("60", 0.05, "0.05 s")]


@pytest.mark.parametrize("fields", [{}, {"n": 3}, {"response_format": {"type": "json_object"}}])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("asked", "granted", "limit"), SHORTEST)
def test_a_request_ends_at_its_deadline(
    asked: str | None, granted: float, limit: str, stream: bool, fields: dict[str, Any]
) -> None:
    engine = Held()
    app = create_app(engine, settings=Settings(request_timeout=granted))
    response = chat(app, {"x-request-timeout": asked} if asked else None, stream=stream, **fields)
    if stream:
        *chunks, last = events(response)
        assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * len(chunks)
        assert chunks or response.status_code == 504
    else:
        last = response.json()
        assert response.status_code == 504
        assert response.headers["x-should-retry"] == "false"
    assert last["error"]["code"] == "timeout"
    assert limit in last["error"]["message"]
    assert engine.open == 0
    assert 'outcome="timeout"} 1.0' in send(app, "GET", "/metrics").text


def test_a_request_that_is_done_in_time_is_whole() -> None:
    assert chat(create_app(ScriptedEngine(says("hello"))), {"x-request-timeout": "30.5"}).status_code == 200


Sends = Callable[[Message], Awaitable[None]]


def asgi(app: Any, ask: dict[str, Any], sends: Sends) -> Awaitable[None]:
    """A request whose client stays, and takes what it is sent by `sends`."""
    messages = iter([{"type": "http.request", "body": json.dumps({**ASK, **ask}).encode()}])

    async def receive() -> Any:
        return next(messages, None) or await asyncio.Event().wait()

    scope = {"type": "http", "method": "POST", "path": PATH, "headers": [], "query_string": b""}
    call: Awaitable[None] = app(scope, receive, sends)
    return call


@pytest.mark.parametrize("log_content", [False, True])
def test_the_work_ends_at_the_deadline_although_the_client_takes_nothing(log_content: bool) -> None:
    async def run() -> None:
        engine = ScriptedEngine(says(*["more "] * 100))
        settings = Settings(request_timeout=0.5, log_content=log_content)
        open_then: list[int] = []
        sent_twice = asyncio.Event()

        async def never(message: Message) -> None:
            if message["type"] == "http.response.body":
                open_then.append(engine.open)
                if len(open_then) == 2:
                    sent_twice.set()
                await asyncio.Event().wait()

        request = asyncio.ensure_future(asgi(create_app(engine, settings=settings), {"stream": True}, never))
        await asyncio.wait_for(sent_twice.wait(), 30)
        assert open_then == [1, 0]
        request.cancel()

    asyncio.run(run())
