"""`complete` and `stream` without an event loop: `with blocking(app) as llm: llm.complete(messages, output=T)`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, overload

from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.applications import Starlette

from latticework.inprocess.values import Messages, Part, answer, complete, stream

T = TypeVar("T")


class Blocking:
    """An app that runs in a separate thread. Any thread may use it."""

    def __init__(self, app: Starlette, portal: BlockingPortal) -> None:
        self._app = app
        self._portal = portal

    @overload
    def complete(
        self, messages: Messages, *, output: type[T], validate: Callable[[T], object] | None = None, **fields: Any
    ) -> T: ...
    @overload
    def complete(
        self,
        messages: Messages,
        *,
        output: None = None,
        validate: Callable[[str], object] | None = None,
        **fields: Any,
    ) -> str: ...
    @overload
    def complete(
        self, messages: Messages, *, output: Any, validate: Callable[[Any], object] | None = None, **fields: Any
    ) -> Any: ...
    def complete(self, messages: Messages, *, output: Any = None, **fields: Any) -> Any:
        """As `latticework.complete`."""
        return self._result(partial(complete, self._app, messages, output=output, **fields))

    def answer(self, messages: Messages, *, output: type[T], **fields: Any) -> Part[T]:
        """As `latticework.answer`."""
        return self._result(partial(answer, self._app, messages, output=output, **fields))

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
            while (part := self._result(_next_part, parts)) is not None:
                yield part
        finally:
            self._result(parts.aclose)

    def _result(self, work: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Ctrl-C cancels the work too."""
        future = self._portal.start_task_soon(work, *args)
        try:
            return future.result()
        finally:
            future.cancel()


async def _next_part(parts: AsyncGenerator[T, None]) -> T | None:
    return await anext(parts, None)


@contextmanager
def blocking(app: Starlette) -> Iterator[Blocking]:
    """Starts the app's engines, and stops them at the end. Not for an app that is also served or mounted."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
    ):
        yield Blocking(app, portal)
