"""An app's start, as whoever started it should read of it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latticework.engines.base import EngineDead

FAILED = "lifespan.startup.failed"


async def lifespan(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """The app's own, but that an engine which can't be started is told in its own words: a traceback tells nobody more.

    Whatever else goes wrong may be a bug, and keeps its traceback.
    """
    failed: list[Message] = []

    async def tell(message: Message) -> None:
        if message["type"] == FAILED:
            failed.append(message)
        else:
            await send(message)

    try:
        await app(scope, receive, tell)
    except EngineDead as error:
        if not failed:
            raise
        failed = [{"type": FAILED, "message": str(error)}]
    finally:
        for message in failed:
            await send(message)
