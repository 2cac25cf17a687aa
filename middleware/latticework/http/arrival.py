"""A request's body has its time to arrive."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latticework.errors import SlowRequest


class Timely:
    """Ends the request of an app that still waits for a part of the body after so many seconds."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, _Body(receive, self._seconds).receive, send)


class _Body:
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
