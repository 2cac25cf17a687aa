"""The socket that the engine core's steps arrive at, read without what pyzmq's asyncio sockets pay for each message.

pyzmq makes three futures of a message, and asks several times which event loop runs. Here one step after the other is
read, by one reader: a future for the times when nothing is there is enough.
"""

from __future__ import annotations

import asyncio
from typing import Any

import zmq
import zmq.asyncio
from vllm.v1.engine.async_llm import AsyncLLM


class StepSocket(zmq.asyncio.Socket):
    """Takes the place of a socket that nobody has waited for yet. For one reader, in one event loop."""

    # zmq takes every other attribute for an option of the socket.
    _loop: asyncio.AbstractEventLoop | None = None
    _waiting: asyncio.Future[None] | None = None
    _plain: zmq.Socket[bytes] | None = None
    _number: int = -1

    @classmethod
    def of(cls, socket: zmq.asyncio.Socket) -> StepSocket:
        made = cls.from_socket(socket)
        made._plain = zmq.Socket.shadow(socket.underlying)
        made._number = int(made._plain.getsockopt(zmq.FD))
        return made

    async def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:  # type: ignore[override]
        assert self._plain is not None
        while True:
            try:
                return self._plain.recv_multipart(flags | zmq.NOBLOCK, copy, track)
            except zmq.Again:
                await self._readable()

    def _readable(self) -> asyncio.Future[None]:
        """Done once there may be a message: what was there before has been read to its end, or it would never be."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._number, self._wake)
        self._waiting = self._loop.create_future()
        return self._waiting

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def close(self, linger: int | None = None) -> None:
        if self._loop is not None and not self._loop.is_closed() and not self.closed:
            self._loop.remove_reader(self._number)
        super().close(linger)


def read_quickly(llm: AsyncLLM) -> None:
    """Has the engine's steps read so, where nobody has waited for one yet."""
    resources = llm.engine_core.resources
    if resources.output_queue_task is None and isinstance(resources.output_socket, zmq.asyncio.Socket):
        resources.output_socket = StepSocket.of(resources.output_socket)
