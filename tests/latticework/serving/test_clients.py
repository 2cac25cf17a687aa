"""Clients on real sockets that leave or don't read: what they asked for ends or waits, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from latticework import Settings, create_app
from latticework.engines.base import Piece, Sampling
from latticework.serving import server
from tests.http import USER
from tests.scripted import ScriptedEngine

# What the kernel keeps of a connection is bounded too, and set here: it would be megabytes.
KERNEL_BYTES = 4096
PIECE = "x" * 1000
# A reader of nothing is sent this at most: uvicorn's own buffer, the kernel's of both ends, and a piece on its way.
MOST_PIECES = 200
ENDLESS = 20_000


@asynccontextmanager
async def served(engine: ScriptedEngine) -> AsyncIterator[tuple[str, int]]:
    """The address of a server around the engine, in this loop; no task of it is left behind."""
    before = asyncio.all_tasks()
    with server.bind("127.0.0.1", 0) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        ready = asyncio.Event()
        serving = server.create_server(create_app(engine), Settings(), ready.set)
        ended = asyncio.ensure_future(serving.serve(sockets=[listener]))
        await ready.wait()
        try:
            yield listener.getsockname()
        finally:
            serving.should_exit = True
            await ended
    assert asyncio.all_tasks() == before


async def ask(address: tuple[str, int], **fields: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Sends a request, and reads nothing that its transport does not read by itself."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, address)
    reader, writer = await asyncio.open_connection(sock=client, limit=KERNEL_BYTES)
    body = json.dumps({"model": "scripted", "messages": [USER], **fields}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    return reader, writer


def leave(writer: asyncio.StreamWriter) -> None:
    """As a process that is killed leaves."""
    writer.transport.abort()


@pytest.mark.parametrize("n", [1, 3])
def test_a_reader_of_nothing_keeps_nobody_waiting_and_nothing_in_memory(n: int) -> None:
    pulled = [0]

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        if sampling.seed is None:  # the other client: its stream begins once the first one's has come to rest
            await rest()
            for _ in range(2000):
                yield Piece("y", (0,))
        else:
            for _ in range(ENDLESS):
                pulled[0] += 1
                yield Piece(PIECE, (0,))
        yield Piece("", (0,), finish="stop")

    async def rest() -> None:
        """Until nothing was pulled while the loop went round so often, or all was."""
        seen, still = -1, 0
        while still < 500:
            still = still + 1 if pulled[0] == seen else 0
            seen = pulled[0]
            await asyncio.sleep(0)

    async def run() -> None:
        engine = ScriptedEngine(script)
        async with served(engine) as address:
            _, stuck = await ask(address, stream=True, n=n, seed=1)
            await until(lambda: pulled[0] > 0)
            reader, writer = await ask(address, stream=True)
            whole = await asyncio.wait_for(reader.read(-1), 60)
            writer.close()
            assert whole.count(b'"content":"y"') == 2000
            assert b"data: [DONE]" in whole
            assert n <= pulled[0] <= MOST_PIECES
            assert engine.open == n
            leave(stuck)
            # While its buffers are full, the system looks only now and then whether a client is still there.
            await asyncio.wait_for(until(lambda: engine.open == 0), 30)

    asyncio.run(run())


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - what is looked at counts, and tells nobody
        await asyncio.sleep(0)


@pytest.mark.parametrize("fields", [{}, {"stream": True}, {"stream": True, "n": 2}], ids=["whole", "stream", "two"])
@pytest.mark.parametrize("events_read", [0, 3], ids=["before the first token", "in the middle"])
def test_two_hundred_clients_that_leave_at_once_leave_nothing_behind(fields: dict[str, Any], events_read: int) -> None:
    waiting: set[object] = set()

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        for _ in range(events_read):
            yield Piece("more ", (0,))
        waiting.add(object())
        await asyncio.Event().wait()

    async def run() -> None:
        engine = ScriptedEngine(script)
        async with served(engine) as address:
            clients = [await ask(address, **fields) for _ in range(200)]
            await until(lambda: len(waiting) == 200 * fields.get("n", 1))
            for _, writer in clients:
                leave(writer)
            await asyncio.wait_for(until(lambda: engine.open == 0), 1)

    asyncio.run(run())
