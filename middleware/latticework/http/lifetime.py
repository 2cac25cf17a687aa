"""How long a request lives: its body has a time to arrive, its answer a deadline, and its client may go away."""

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
    """Ends the request of an app that still waits for a part of the body after so many seconds."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, _TimedBody(receive, self._seconds).receive, send)


class _TimedBody:
    """Of one request. Its time begins now: the head is there."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._seconds = seconds
        self._end = asyncio.get_running_loop().time() + seconds
        self._whole = False

    async def receive(self) -> Message:
        """Raises SlowRequest. Once the body is whole, what comes next is the client's going away: that has time."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._end):
                message = await self._receive()
        except TimeoutError:
            raise SlowRequest(f"The request body did not arrive within {self._seconds:g} s.") from None
        self._whole = not message.get("more_body", False)
        return message


# Not x-stainless-read-timeout, which openai's clients send with everything: that bounds the silence between two tokens.
HEADER = "x-request-timeout"
SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?")


class Deadline:
    """It runs from here on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at = asyncio.get_running_loop().time() + seconds

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Cancels what is done within when the time has come. Raises TimedOut then."""
        limit = asyncio.timeout_at(self._at)
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TimedOut(f"The request was not answered within {self._seconds:g} s, and has been ended.") from error


def request_deadline(asked: str | None, most: float) -> Deadline:
    """`asked` is the header; it can only shorten what the server grants, in seconds. Raises BadRequest."""
    if asked is None:
        return Deadline(most)
    if not SECONDS.fullmatch(asked) or not float(asked):
        raise BadRequest(f"The header '{HEADER}' must be a number of seconds above 0, such as 30 or 2.5.", param=HEADER)
    return Deadline(min(float(asked), most))


async def unless_disconnected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Does the work, and cancels it when the client goes away. Call it once the request's body is read.

    Raises ClientDisconnect in that case, and else what the work raises.
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
