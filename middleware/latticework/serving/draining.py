"""The outermost ASGI app of a server: reports failed starts, refuses requests while it stops, ends cut streams."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latticework.doors.envelopes import envelope_for
from latticework.engines.base import EngineDead
from latticework.errors import Unavailable
from latticework.http import sse
from latticework.http.record import request_id
from latticework.options import InvalidSetting

REFUSED = "The server is stopping."
STARTUP_FAILED = "lifespan.startup.failed"


class Draining:
    """Wraps the app of a server that cancels the requests which are still running when its drain timeout is over.

    Attributes:
        stopping: whether new requests are refused.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _run_lifespan(self._app, scope, receive, send)
        elif self.stopping:
            await _respond_unavailable(scope, send, REFUSED)
        else:
            await self._respond(scope, receive, _Response(scope, send))

    async def _respond(self, scope: Scope, receive: Receive, response: _Response) -> None:
        try:
            await self._app(scope, receive, response.send)
        except asyncio.CancelledError:
            # Nothing runs after this in the server's task: a response that was completed can end it normally.
            if not await response.cut():
                raise


class _Response:
    """One response, and its progress."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._started = False
        self._complete = False

    async def send(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start":
            self._started = True
        else:
            self._complete = not message.get("more_body", False)

    async def cut(self) -> bool:
        """Whether it is complete: a stream ends itself, and a response that has not begun is an error."""
        if not self._started:
            await _respond_unavailable(self._scope, self._send, sse.STOPPED)
        return self._complete or not self._started


async def _respond_unavailable(scope: Scope, send: Send, message: str) -> None:
    error = Unavailable(message)
    await sse.start(send, error.status, {"content-type": "application/json", "connection": "close", **error.headers})
    await send({"type": "http.response.body", "body": envelope_for(scope).encode(error, request_id(scope))})


async def _run_lifespan(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Reports an engine that can't be started, and settings that don't fit it, by the message alone.

    Any other exception may be a bug, and keeps its traceback.
    """
    failures: list[Message] = []

    async def send_later(message: Message) -> None:
        if message["type"] == STARTUP_FAILED:
            failures.append(message)
        else:
            await send(message)

    try:
        await app(scope, receive, send_later)
    except (EngineDead, InvalidSetting) as error:
        if not failures:
            raise
        failures = [{"type": STARTUP_FAILED, "message": str(error)}]
    finally:
        for message in failures:
            await send(message)
