"""The memory of request bodies: a limit for each, and one for all that a server has."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latticework.errors import Overloaded
from latticework.http.body import too_large


class BodyMemory:
    """The bytes of all bodies in flight, of which there are never more than `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0

    def take(self, size: int) -> None:
        """Raises Overloaded."""
        if self.used + size > self.most:
            raise Overloaded(
                f"Request bodies: those in flight have reached max_bodies_bytes ({self.most} bytes). Try again later."
            )
        self.used += size


class BodyLimits:
    """Wraps an app: a request's body counts, as far as it was read, until the request has ended."""

    def __init__(self, app: ASGIApp, memory: BodyMemory, most: int) -> None:
        """`most`: bytes of one body."""
        self._app = app
        self._memory = memory
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises TooLarge for a body that is announced as such, before any of it is read."""
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._most:
            raise too_large(self._most)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            size = len(message.get("body", b""))
            self._memory.take(size)
            taken += size
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._memory.used -= taken
