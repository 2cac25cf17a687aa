"""Requests to an app in the same process, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Scope

HOST = "in-process"


@dataclass(frozen=True)
class Response:
    """`body` is streamed, and can be read once."""

    status: int
    headers: Mapping[str, str]
    body: AsyncGenerator[bytes, None]

    async def read(self) -> bytes:
        """The whole body."""
        return b"".join([part async for part in self.body])


@asynccontextmanager
async def asked(
    app: ASGIApp,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> AsyncIterator[Response]:
    """The response, once it has started. Leaving the block disconnects the client.

    `extensions`: further keys of the request's scope.

    Raises what the app raises before its response starts.
    """
    sent: asyncio.Queue[Message | None] = asyncio.Queue()
    left = asyncio.Event()
    requests: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if requests:
            return requests.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def work() -> None:
        try:
            await app({**_scope(method, path, headers or {}), **(extensions or {})}, receive, sent.put)
        finally:
            sent.put_nowait(None)

    task = asyncio.ensure_future(work())
    try:
        start = await sent.get()
        if start is None:
            await task
            raise RuntimeError(f"{method} {path}: the app sent no response.")
        async with aclosing(_sent_body(sent)) as answer:
            yield Response(start["status"], Headers(raw=start["headers"]), answer)
    finally:
        left.set()
        await asyncio.gather(task, return_exceptions=True)


async def _sent_body(sent: asyncio.Queue[Message | None]) -> AsyncGenerator[bytes, None]:
    while (message := await sent.get()) is not None:
        yield message.get("body", b"")


def _scope(method: str, path: str, headers: Mapping[str, str]) -> Scope:
    raw = {"host": HOST, "content-type": "application/json", **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in raw.items()],
        "client": None,
        "server": (HOST, None),
    }
