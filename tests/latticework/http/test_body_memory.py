"""The memory of bodies: counted while they are read, freed when their requests have ended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from latticework import Settings, create_app
from latticework.errors import Overloaded, TooLarge
from latticework.http.body import read_body
from latticework.http.body_memory import BodyLimits, BodyMemory
from tests.http import chat, send
from tests.scripted import ScriptedEngine, says

POSTS = ("/v1/chat/completions", "/v1/completions", "/v1/grammars", "/tokenize", "/detokenize")


class Request:
    """One request of which the test sends each piece."""

    def __init__(self, memory: BodyMemory, *headers: tuple[bytes, bytes], most: int = 100) -> None:
        self._scope: dict[str, Any] = {"type": "http", "headers": headers}
        self._limits = BodyLimits(self._app, memory, most)
        self.pieces: asyncio.Queue[Message] = asyncio.Queue()
        self.end = asyncio.Event()

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive, 100)
        await self.end.wait()

    def start(self) -> asyncio.Task[None]:
        async def nothing(message: Message) -> None:
            raise AssertionError(message)

        return asyncio.create_task(self._call(nothing))

    async def _call(self, nothing: Send) -> None:
        await self._limits(self._scope, self._receive, nothing)

    async def _receive(self) -> Message:
        piece = await self.pieces.get()
        self.pieces.task_done()
        return piece

    async def sends(self, body: bytes, more: bool = True) -> None:
        """Returns when the piece was read."""
        self.pieces.put_nowait({"type": "http.request", "body": body, "more_body": more})
        await self.pieces.join()


def test_what_was_read_counts_until_the_request_has_ended() -> None:
    async def run() -> None:
        memory = BodyMemory(10)
        first, second, third = Request(memory), Request(memory), Request(memory)
        whole, refused = first.start(), second.start()
        await first.sends(b"1234")
        assert memory.used == 4
        await second.sends(b"12345")
        assert memory.used == 9
        await second.sends(b"67")
        with pytest.raises(Overloaded, match=r"max_bodies_bytes \(10 bytes\)") as raised:
            await refused
        assert raised.value.headers["retry-after"]
        assert memory.used == 4
        await first.sends(b"567890", more=False)
        assert memory.used == 10
        first.end.set()
        await whole
        assert memory.used == 0
        gone = third.start()
        await third.sends(b"1234567890")
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert memory.used == 0

    asyncio.run(run())


@pytest.mark.parametrize("length", [b"101", b"9" * 40])
def test_a_body_that_is_announced_as_too_large_is_not_read(length: bytes) -> None:
    async def run() -> None:
        with pytest.raises(TooLarge):
            await Request(BodyMemory(10), (b"content-length", length)).start()

    asyncio.run(run())


@pytest.mark.parametrize("length", [b"100", b"", b"many", b"-1"])
def test_other_lengths_are_not_trusted(length: bytes) -> None:
    async def run() -> None:
        request = Request(BodyMemory(1000), (b"content-length", length))
        task = request.start()
        await request.sends(b"x" * 101)
        with pytest.raises(TooLarge):
            await task

    asyncio.run(run())


@pytest.mark.parametrize("path", POSTS)
def test_every_path_that_reads_bodies_has_the_limit(path: str) -> None:
    served = create_app(ScriptedEngine(says("hello")), settings=Settings(max_bodies_bytes=10))
    response = send(served, "POST", path, content=b"{" + b" " * 10)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "overloaded"
    assert int(response.headers["retry-after"]) > 0


def test_requests_one_after_the_other_are_served() -> None:
    served = create_app(ScriptedEngine(says("hello")), settings=Settings(max_bodies_bytes=200))
    assert [chat(served).status_code for _ in range(10)] == [200] * 10


def test_a_body_is_not_read_before_the_key_is_known() -> None:
    async def run(path: str) -> int:
        app = create_app(ScriptedEngine(says("hello")), settings=Settings(api_keys=("sk-one",)))
        sent: list[Message] = []

        async def receive() -> Message:
            raise AssertionError("read")

        async def keep(message: Message) -> None:
            sent.append(message)

        headers = [(b"authorization", b"Bearer sk-two"), (b"content-length", b"1000")]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
        await app(scope, receive, keep)
        return int(sent[0]["status"])

    assert [asyncio.run(run(path)) for path in POSTS] == [401] * len(POSTS)
