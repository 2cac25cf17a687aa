"""What a client is told when its server ends under it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from latticework.http.sse import STOPPED
from latticework.serving.draining import REFUSED, Draining

SSE = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
JSON = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}


def body(data: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def cut_after(*messages: Message) -> tuple[list[Message], bool]:
    """What an app that sends these and then hangs has sent once it was cancelled; whether it ended in good order."""

    async def once() -> tuple[list[Message], bool]:
        hangs = asyncio.Event()
        sent: list[Message] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            for message in messages:
                await send(message)
            hangs.set()
            await asyncio.Event().wait()

        async def keep(message: Message) -> None:
            sent.append(message)

        task = asyncio.ensure_future(ask(Draining(app), keep))
        await hangs.wait()
        task.cancel()
        await asyncio.wait([task])
        return sent[len(messages) :], not task.cancelled()

    return asyncio.run(once())


async def ask(app: Draining, send: Send, path: str = "/v1/chat/completions") -> None:
    async def receive() -> Any:
        return await asyncio.Event().wait()

    await app({"type": "http", "path": path, "headers": []}, receive, send)


def message_of(data: bytes) -> str:
    error = json.loads(data)["error"]
    assert error["code"] == "engine_unavailable"
    return str(error["message"])


def test_an_answer_that_has_not_begun_is_a_503() -> None:
    sent, orderly = cut_after()
    assert orderly
    assert sent[0]["status"] == 503
    assert (b"connection", b"close") in sent[0]["headers"]
    assert message_of(sent[1]["body"]) == STOPPED


def test_a_complete_answer_stays_as_it_is() -> None:
    assert cut_after(JSON, body(b"{}", more=False)) == ([], True)
    assert cut_after(SSE, body(b"data: [DONE]\n\n", more=False)) == ([], True)


def test_half_a_document_can_only_be_broken_off() -> None:
    assert cut_after(JSON, body(b"{", more=True)) == ([], False)
    assert cut_after(SSE, body(b"data: {}\n\n", more=True)) == ([], False)


def test_nothing_new_is_begun() -> None:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        pytest.fail("a request was let through")

    async def keep(message: Message) -> None:
        sent.append(message)

    sent: list[Message] = []
    app = Draining(never)
    app.stopping = True
    asyncio.run(ask(app, keep))
    assert sent[0]["status"] == 503
    assert message_of(sent[1]["body"]) == REFUSED
