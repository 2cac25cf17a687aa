"""The lifetime of a request: the timeout of its body, its deadline, and the disconnect of its client."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latticework.errors import BadRequest, SlowRequest, TimedOut


class BodyTimeout:
    """Ends requests whose body has not arrived completely after this many seconds."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, _TimedBody(receive, self._seconds).receive, send)


class _TimedBody:
    """The body of one request. Its time starts after the head."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._seconds = seconds
        self._end = asyncio.get_running_loop().time() + seconds
        self._whole = False

    async def receive(self) -> Message:
        """Raises SlowRequest. After the whole body only a disconnect can follow, without a timeout."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._end):
                message = await self._receive()
        except TimeoutError:
            raise SlowRequest(f"The request body did not arrive within read_timeout ({self._seconds:g} s).") from None
        self._whole = not message.get("more_body", False)
        return message


# Not x-stainless-read-timeout, which openai's clients always send: that limits the time between two tokens.
HEADER = "x-request-timeout"
SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?")


class Deadline:
    """It starts now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at = asyncio.get_running_loop().time() + seconds

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Cancels the block at the deadline, and raises TimedOut."""
        limit = asyncio.timeout_at(self._at)
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TimedOut(f"The request was aborted: its deadline was {self._seconds:g} s.") from error


def request_deadline(header: str | None, most: float) -> Deadline:
    """`header`: seconds, which can only shorten the server's limit `most`. Raises BadRequest."""
    if header is None:
        return Deadline(most)
    if not SECONDS.fullmatch(header) or not float(header):
        raise BadRequest(f"The header '{HEADER}' must be a number of seconds above 0, such as 30 or 2.5.", param=HEADER)
    return Deadline(min(float(header), most))


async def unless_disconnected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Does the work, and cancels it when the client disconnects. Call it after the request's body has been read.

    Raises ClientDisconnect in that case, otherwise what the work raises.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        task.result()
    finally:
        gone.cancel()
        task.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
