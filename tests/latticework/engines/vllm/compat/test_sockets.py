"""The socket that steps arrive at: the same messages as pyzmq's own, however they come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import zmq
import zmq.asyncio

from latticework.engines.vllm.compat.sockets import StepSocket, patch_step_socket


class Wire:
    """Both ends: an engine core that sends, and the socket that vLLM made for what it sends."""

    def __init__(self) -> None:
        self.contexts = zmq.Context(), zmq.asyncio.Context()
        self.made = self.contexts[1].socket(zmq.PULL)
        self.sender = self.contexts[0].socket(zmq.PUSH)
        self.sender.connect(f"tcp://127.0.0.1:{self.made.bind_to_random_port('tcp://127.0.0.1')}")


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.sender.close(0)
    wire.made.close(0)
    for context in wire.contexts:
        context.term()


async def read(socket: StepSocket, count: int) -> list[Any]:
    return [await socket.recv_multipart() for _ in range(count)]


def test_messages_come_in_order_those_that_wait_and_those_that_are_waited_for(wire: Wire) -> None:
    async def reads() -> list[Any]:
        socket = StepSocket.of(wire.made)
        reader = asyncio.ensure_future(read(socket, 300))
        for number in range(100):
            wire.sender.send_multipart([b"%d" % number, b"waits"])
        await asyncio.sleep(0)
        for number in range(100, 300):
            wire.sender.send(b"%d" % number)
            if number % 7 == 0:
                await asyncio.sleep(0)
        found = await asyncio.wait_for(reader, 30)
        socket.close(0)
        return found

    found = asyncio.run(reads())
    assert [message[0] for message in found] == [b"%d" % number for number in range(300)]
    assert found[0] == [b"0", b"waits"]


def test_a_message_without_a_copy_is_frames(wire: Wire) -> None:
    async def reads() -> Any:
        wire.sender.send(b"step")
        return await asyncio.wait_for(StepSocket.of(wire.made).recv_multipart(copy=False), 30)

    (frame,) = asyncio.run(reads())
    assert frame.bytes == b"step"


def test_what_closes_it_closes_the_socket_that_it_stands_for(wire: Wire) -> None:
    async def closes() -> None:
        socket = StepSocket.of(wire.made)
        reader = asyncio.ensure_future(read(socket, 1))
        await asyncio.sleep(0)
        socket.close(0)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)

    asyncio.run(closes())
    assert wire.made.closed


def test_a_socket_that_somebody_reads_already_stays(wire: Wire) -> None:
    def engine(task: object) -> Any:
        return SimpleNamespace(
            engine_core=SimpleNamespace(resources=SimpleNamespace(output_queue_task=task, output_socket=wire.made))
        )

    patch_step_socket(busy := engine(object()))
    assert busy.engine_core.resources.output_socket is wire.made
    patch_step_socket(new := engine(None))
    assert isinstance(new.engine_core.resources.output_socket, StepSocket)
