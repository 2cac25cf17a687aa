"""A front end: `python -m latticework.fronts.process PARENT LINK CHANNEL`, the last two inherited descriptors.

It ends with the process PARENT, which started it and owns the engines.
"""

from __future__ import annotations

import asyncio
import logging.config
import os
import socket
import sys
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from latticework import lifeline
from latticework.app import app_of
from latticework.doors.responses.store import ResponseStore
from latticework.fronts.engine import Answers, FrontEngine
from latticework.fronts.front_server import COUNTED, FrontServer
from latticework.fronts.greeting import Greeting, ModelFacts
from latticework.fronts.link import ENDED, PIECE, Link, first_note
from latticework.fronts.shared import FrontPeers, SharedStore
from latticework.logs import log_config
from latticework.models import Models
from latticework.served import Served
from latticework.serving.server import server_of
from latticework.telemetry import tracing

# Seconds from a request's end until its counts are sent: those of a front end that is killed are not lost.
COUNTS_DELAY = 0.25


class FrontEnd:
    """What runs in this process."""

    def __init__(self, greeting: Greeting, end: socket.socket, channel: socket.socket) -> None:
        settings = greeting.settings
        answers = Answers()
        self.link = Link(
            {
                PIECE: answers.part,
                ENDED: answers.part,
                "metrics": lambda: self.models.metrics.text(),
                "drain": lambda: self.server.drain(),
                "cut": lambda: self.server.cut(),
            },
            _owner_gone,
            answers.pieces,
        )
        served = [
            _served(FrontEngine(self.link, answers, place, facts), facts) for place, facts in enumerate(greeting.models)
        ]
        self.models = Models(served, settings, FrontPeers(self.link))
        for model, facts in zip(self.models.all, greeting.models, strict=True):
            model.created = facts.created
        if settings.store is None:
            self.models.share(ResponseStore, SharedStore(self.link))
        counting = Counting(app_of(self.models, settings), self._send_counts)
        self.server = server_of(FrontServer, counting, settings, lambda: None)
        self.server.link, self.server.end, self.server.channel = self.link, end, channel

    def _send_counts(self) -> None:
        self.link.note(COUNTED, self.models.metrics.text())


class Counting:
    """Wraps an app: its counts are sent soon after a request has ended, and when it stops."""

    def __init__(self, app: ASGIApp, send_counts: Callable[[], None]) -> None:
        self._app = app
        self._send_counts = send_counts
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            if scope["type"] == "lifespan":
                self._send()
            elif self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(COUNTS_DELAY, self._send)

    def _send(self) -> None:
        self._timer = None
        self._send_counts()


def _served(engine: FrontEngine, facts: ModelFacts) -> Served:
    served = Served(engine, **facts.own)
    served.engine_settings = facts.engine_settings
    return served


def _owner_gone() -> None:
    """The owner has ended, and with it all answers."""
    os._exit(1)


def serve_front() -> None:
    parent, link, channel = (int(word) for word in sys.argv[1:4])
    lifeline.end_with(parent)
    lifeline.leave_signals_to_parent()
    connections = socket.socket(fileno=channel)
    connections.setblocking(False)
    end = socket.socket(fileno=link)
    greeting: Greeting
    (greeting,) = first_note(end)
    end.setblocking(False)
    logging.config.dictConfig(dict(log_config(greeting.settings.log_format, greeting.settings.log_content)))
    tracing.configure_tracing(os.environ)
    FrontEnd(greeting, end, connections).server.run()


if __name__ == "__main__":
    serve_front()
