"""An app that is about to end: it takes no new requests, and what is cut off is told so."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latticework.doors.openai import envelope
from latticework.errors import Unavailable
from latticework.http import sse
from latticework.serving.starting import lifespan

REFUSED = "The server is stopping."
CUT = "The server was stopped before the answer was complete."


class Draining:
    """Wraps the whole app of a server that cancels its requests where they take too long to end.

    Attributes:
        stopping: whether requests that come now are refused.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(self._app, scope, receive, send)
        elif self.stopping:
            await _refuse(send, REFUSED)
        else:
            await self._answer(scope, receive, _Answer(send))

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:
            # The server's task has nothing else to do: it may as well end in good order, unless there is no such order.
            if not await answer.cut():
                raise


class _Answer:
    """One response, and how far it has got."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False
        self._streams = False
        self._complete = False

    async def send(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start":
            self._started = True
            self._streams = (
                Headers(raw=message.get("headers", [])).get("content-type", "").startswith("text/event-stream")
            )
        else:
            self._complete = not message.get("more_body", False)

    async def cut(self) -> bool:
        """Says that there will be no more. False where the response is of a kind that can't say so."""
        if not self._started:
            await _refuse(self._send, CUT)
        elif self._streams and not self._complete:
            event = sse.event(envelope(Unavailable(CUT)))
            await self._send({"type": "http.response.body", "body": event})
        return self._complete or self._streams or not self._started


async def _refuse(send: Send, why: str) -> None:
    error = Unavailable(why)
    await sse.start(send, error.status, {"content-type": "application/json", "connection": "close", **error.headers})
    await send({"type": "http.response.body", "body": envelope(error)})
