"""Clients that leave: their work ends, whatever else they had sent. A real server in this loop, a scripted engine."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from itertools import product
from typing import Any

import pytest
import uvloop

from latticework import Settings, create_app
from latticework.engines.base import Piece, Sampling
from latticework.serving import server
from latticework.serving.connection import AHEAD_BYTES
from tests.http import USER
from tests.latticework.compiling.faults import schema
from tests.latticework.test_hostile import FaultyTokenizer
from tests.scripted import ScriptedEngine, says
from tests.serving import PATIENCE

GET = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
# A body has the number of its request, and always the same length.
BODY = json.dumps({"model": "scripted", "messages": [USER], "seed": 1000}).encode()
STREAMED = json.dumps({"model": "scripted", "messages": [USER], "seed": 1000, "stream": True}).encode()


def post(*headers: bytes, body: bytes = BODY) -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"POST /v1/chat/completions HTTP/1.1", b"Host: a", length, *headers, b"", body])


CHUNKED = [
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"%x\r\n%s\r\n" % (len(BODY), BODY),
    b"0\r\nTrailer: value\r\n\r\n",
]
REQUESTS = {
    "whole": post(),
    "streamed": post(body=STREAMED),
    "chunked": b"".join(CHUNKED),
    "closing": post(b"Connection: close"),
    "continued": post(b"Expect: 100-continue"),
    "h2c": post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
    "http 1.0": post().replace(b"HTTP/1.1", b"HTTP/1.0"),
}
AFTER = {
    "nothing": b"",
    "a GET": GET,
    "many GETs": GET * 1000,
    "half a GET": GET[:10],
    "a POST": post(),
    "a line": b"\r\n",
    "no HTTP": b"\0" * 1000,
    "more than is held": b"x" * (AHEAD_BYTES + 1),
    "more than is read at once": b"x" * 2**20,
}
DEFAULTS = Settings()
CASES = list(product(REQUESTS, AFTER))
# A client that sends more ahead is refused soon, perhaps before its answer begins.
STAYING = [number for number, (_, after) in enumerate(CASES) if len(AFTER[after]) <= AHEAD_BYTES]


class Held(ScriptedEngine):
    """Its answers begin, and never end. `running` has the numbers of the requests."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.began = asyncio.Semaphore(0)
        self.numbers: set[int] = set()

    async def _answer(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        assert sampling.seed is not None
        self.numbers.add(sampling.seed - 1000)
        try:
            yield Piece("a", (0,))
            self.began.release()
            await asyncio.Event().wait()
        finally:
            self.numbers.remove(sampling.seed - 1000)

    async def ended(self) -> None:
        """Names what does not end."""
        try:
            await asyncio.wait_for(until(lambda: not self.open), PATIENCE)
        except TimeoutError:
            raise AssertionError([CASES[number] for number in self.numbers]) from None


@asynccontextmanager
async def served(engine: ScriptedEngine, settings: Settings = DEFAULTS) -> AsyncIterator[server.Server]:
    """A server in this loop, whose tasks all end by themselves."""
    with server.bind("127.0.0.1", 0) as listener:
        ready = asyncio.Event()
        serving = server.create_server(create_app(engine, settings=settings), settings, ready.set)
        ended = asyncio.ensure_future(serving.serve(sockets=[listener]))
        await ready.wait()
        try:
            yield serving
            await asyncio.wait_for(until(lambda: not serving.server_state.tasks), PATIENCE)
        finally:
            serving.should_exit = True
            await ended


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - what is looked at counts, and tells nobody
        await asyncio.sleep(0)


@pytest.mark.parametrize("after", ["more than is held", "more than is read at once"])
def test_who_sends_too_far_ahead_is_refused(after: str) -> None:
    async def main() -> None:
        engine = Held()
        async with served(engine) as serving:
            reader, writer = await asyncio.open_connection(sock=await connect(serving))
            writer.write(REQUESTS["whole"] + AFTER[after])
            received = await asyncio.wait_for(reader.read(-1), PATIENCE)
            assert received.startswith(b"HTTP/1.1 400 ")
            assert b"bytes follow the request" in received
            await engine.ended()
            writer.close()

    run(uvloop.new_event_loop, main())


def test_who_leaves_ends_the_work_of_every_path() -> None:
    """While its schema compiles, without an end."""

    async def main() -> None:
        engine = ScriptedEngine(says("a"), tokenizer=FaultyTokenizer())
        async with served(engine, Settings(compile_timeout=PATIENCE * 100)) as serving:
            for path in ("/v1/chat/completions", "/v1/grammars", "/tokenize"):
                tool = {"type": "function", "function": {"name": path[1:4], "parameters": schema("hang")}}
                asked = json.dumps({"model": "scripted", "messages": [USER], "tools": [tool]}).encode()
                client = await connect(serving)
                client.send(post(body=asked).replace(b"/v1/chat/completions", path.encode(), 1) + GET)
                await asyncio.wait_for(until(lambda: bool(serving.server_state.tasks)), PATIENCE)
                close(client)
                await asyncio.wait_for(until(lambda: not serving.server_state.tasks), PATIENCE)

    run(uvloop.new_event_loop, main())


def test_who_leaves_within_a_body_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with served(Held()) as serving:
            for path in (b"/v1/chat/completions", b"/v1/grammars", b"/tokenize"):
                client = await connect(serving)
                client.send(post().replace(b"/v1/chat/completions", path, 1)[:-5])
                await asyncio.wait_for(until(lambda: bool(serving.server_state.tasks)), PATIENCE)
                close(client)
                await asyncio.wait_for(until(lambda: not serving.server_state.tasks), PATIENCE)

    run(uvloop.new_event_loop, main())
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def connect(serving: server.Server) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, serving.servers[0].sockets[0].getsockname())
    return client


def close(client: socket.socket) -> None:
    client.close()


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def half_close(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)


LEAVES = [close, reset, half_close]
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


def run(loop: Callable[[], asyncio.AbstractEventLoop], main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main)


def message(number: int) -> bytes:
    request, after = CASES[number]
    return REQUESTS[request].replace(b"1000", b"%d" % (1000 + number)) + AFTER[after]


@pytest.mark.parametrize("leave", LEAVES)
@pytest.mark.parametrize("loop", LOOPS)
def test_who_leaves_ends_the_work(
    loop: Callable[[], asyncio.AbstractEventLoop], leave: Callable[[socket.socket], None]
) -> None:
    async def main() -> None:
        engine = Held()
        async with served(engine) as serving:
            clients = [await connect(serving) for _ in STAYING]
            for number, client in zip(STAYING, clients, strict=True):
                client.send(message(number))
            for _ in clients:
                await asyncio.wait_for(engine.began.acquire(), PATIENCE)
            for client in clients:
                leave(client)
            await engine.ended()
            for client in clients:
                client.close()

    run(loop, main())


@pytest.mark.parametrize("leave", LEAVES)
@pytest.mark.parametrize("loop", LOOPS)
def test_who_leaves_at_once_ends_the_work_too(
    loop: Callable[[], asyncio.AbstractEventLoop], leave: Callable[[socket.socket], None]
) -> None:
    async def main() -> None:
        engine = Held()
        async with served(engine) as serving:
            clients = [await connect(serving) for _ in CASES]
            for number, client in enumerate(clients):
                client.send(message(number))  # as much as fits
                leave(client)
            await asyncio.wait_for(until(lambda: not serving.server_state.connections), PATIENCE)
            await engine.ended()
            for client in clients:
                client.close()

    run(loop, main())
