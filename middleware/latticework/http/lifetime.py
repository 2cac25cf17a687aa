"""The lifetime of a request: the timeout of its body, its deadline, and the disconnect of its client."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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


class UntilGone:
    """Wraps an app that reads the whole body first: after that, its work ends when the client disconnects."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises ClientDisconnect in that case, otherwise what the app raises."""
        read = asyncio.Event()

        async def reading() -> Message:
            if read.is_set():  # nothing can follow but the disconnect, which is waited for below
                await asyncio.Event().wait()
            message = await receive()
            if not message.get("more_body", False):
                read.set()
            return message

        task = asyncio.create_task(_call(self._app, scope, reading, send))
        gone = asyncio.create_task(_gone(receive, read))
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise ClientDisconnect
            task.result()
        finally:
            gone.cancel()
            task.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)


async def _call(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


async def _gone(receive: Receive, read: asyncio.Event) -> None:
    await read.wait()
    while (await receive())["type"] != "http.disconnect":
        pass
