"""The same for programs without an event loop: `with blocking(app) as llm: llm.complete(messages, output=Invoice)`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from starlette.applications import Starlette

from latticework.inprocess.values import Messages, Part, complete, stream

T = TypeVar("T")


class Blocking:
    """An app that runs in a thread of its own. Any thread may ask it."""

    def __init__(self, app: Starlette, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop

    @overload
    def complete(self, messages: Messages, *, output: type[T], **fields: Any) -> T: ...
    @overload
    def complete(self, messages: Messages, *, output: None = None, **fields: Any) -> str: ...
    @overload
    def complete(self, messages: Messages, *, output: Any, **fields: Any) -> Any: ...
    def complete(self, messages: Messages, *, output: Any = None, **fields: Any) -> Any:
        """As `latticework.complete`."""
        return self._waited(complete(self._app, messages, output=output, **fields))

    @overload
    def stream(self, messages: Messages, *, output: type[T], **fields: Any) -> Iterator[Part[T]]: ...
    @overload
    def stream(self, messages: Messages, *, output: None = None, **fields: Any) -> Iterator[Part[str]]: ...
    @overload
    def stream(self, messages: Messages, *, output: Any, **fields: Any) -> Iterator[Part[Any]]: ...
    def stream(self, messages: Messages, *, output: Any = None, **fields: Any) -> Iterator[Part[Any]]:
        """As `latticework.stream`."""
        parts: AsyncGenerator[Part[Any], None] = stream(self._app, messages, output=output, **fields)
        try:
            while (part := self._waited(_next(parts))) is not None:
                yield part
        finally:
            self._waited(_closed(parts))

    def _waited(self, work: Coroutine[Any, Any, T]) -> T:
        """Ctrl-C ends the work too."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()


async def _next(parts: AsyncGenerator[T, None]) -> T | None:
    return await anext(parts, None)


async def _closed(parts: AsyncGenerator[T, None]) -> None:
    await parts.aclose()


@contextmanager
def blocking(app: Starlette) -> Iterator[Blocking]:
    """Starts the app's engines, and stops them at the end. Not for an app that is served or mounted elsewhere."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="latticework", daemon=True)
    thread.start()
    llm, running = Blocking(app, loop), app.router.lifespan_context(app)
    try:
        llm._waited(running.__aenter__())
        try:
            yield llm
        finally:
            llm._waited(running.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
