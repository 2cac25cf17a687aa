"""The server of a front end: its connections come from the owner, and so does the word to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from latticework import lifeline
from latticework.fronts.handover import ConnectionDropped, taken
from latticework.fronts.link import Link
from latticework.serving.server import Server

logger = logging.getLogger(__name__)

# What it tells the owner: its state, and what it has counted.
READY, CLOSED, STOPPING, COUNTED = "ready", "closed", "stopping", "counted"


class FrontServer(Server):
    """Set `link`, `end` and `channel` before it runs.

    Attributes:
        end: of the link.
        channel: from which connections are taken.
    """

    link: Link
    end: socket.socket
    channel: socket.socket

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.link.connect(self.end)
        await super().startup(sockets=[])
        if not self.should_exit:
            self.link.loop.add_reader(self.channel, self._take)
            self.link.note(READY)

    def drain(self) -> None:
        super().drain()
        self.link.loop.call_soon_threadsafe(self.link.note, STOPPING)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self.link.loop.remove_reader(self.channel)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The owner takes the server's signals. One that is for this process alone has it drained and replaced."""
        lifeline.leave_signals_to_parent()
        signal.signal(signal.SIGTERM, lambda number, frame: self.drain())
        yield

    def _take(self) -> None:
        """All that were handed over; while it drains too, for those requests get an error that says so."""
        try:
            while self._take_one():
                pass
        except (EOFError, OSError):
            self.link.loop.remove_reader(self.channel)

    def _take_one(self) -> bool:
        """Whether there was one. Raises EOFError and OSError."""
        try:
            connection = taken(self.channel)
        except ConnectionDropped:
            logger.error("A connection was dropped: this front end has reached its limit of open files (ulimit -n)")
            self.link.note(CLOSED)
            return True
        if connection is not None:
            self.link.loop.create_task(self._serve_client(connection))
        return connection is not None

    async def _serve_client(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        kind: Any = self.config.http_protocol_class  # as uvicorn calls it
        protocol = partial(
            kind,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=loop,
            closed=lambda: self.link.note(CLOSED),
        )
        try:
            await loop.connect_accepted_socket(protocol, connection)
        except OSError:  # the client has left
            self.link.note(CLOSED)
