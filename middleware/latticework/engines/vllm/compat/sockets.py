"""The socket on which the engine core's steps arrive, read at less cost than by pyzmq's asyncio sockets.

pyzmq makes three futures for each message, and looks up the running loop several times. There is a single reader here,
which reads one step after the other: one future is enough, and only while no message is there.
"""

from __future__ import annotations

import asyncio
from typing import Any

import zmq
import zmq.asyncio


class StepSocket(zmq.asyncio.Socket):
    """Replaces a socket that has not been read from yet. For one reader, in one event loop."""

    # zmq takes attributes that the class does not have for options of the socket.
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
        """Done once there may be a message. Only after a read that found none: the descriptor is edge-triggered."""
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


def patch_step_socket(llm: Any) -> None:
    """Not where vLLM reads from it already."""
    resources = llm.engine_core.resources
    if resources.output_queue_task is None and isinstance(resources.output_socket, zmq.asyncio.Socket):
        resources.output_socket = StepSocket.of(resources.output_socket)
