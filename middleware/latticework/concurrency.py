"""Keeps the event loop free and the engine's queue short: work in threads, and a limit on concurrent answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from latticework.errors import BadRequest, Overloaded

P = ParamSpec("P")
T = TypeVar("T")


class ConcurrencyLimit:
    """Bounds the answers that are generated or wait to be. Requests beyond it fail at once, rather than late."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._acquired = 0

    @contextmanager
    def acquire(self, answers: int) -> Iterator[None]:
        """Counts `answers` for the block. Raises Overloaded for too many now, BadRequest for too many ever."""
        if answers > self._most:
            raise BadRequest(
                f"The request needs {answers} answers, more than this server's limit for concurrent answers "
                f"({self._most}): send a smaller 'n', fewer prompts, or fewer questions.",
                param="n",
            )
        if self._acquired + answers > self._most:
            raise Overloaded(
                f"This server is generating {self._acquired} answers; its limit is {self._most}. Try again later."
            )
        self._acquired += answers
        try:
            yield
        finally:
            self._acquired -= answers


async def off_loop(limit: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs `work` (rendering, tokenizing), which would stall every stream on the event loop, in a thread.

    Raises BadRequest after `limit` seconds, and what `work` raises.
    """
    try:
        # Not wait_for: until Python 3.12 it loses a cancellation that comes together with the result.
        async with asyncio.timeout(limit):
            return await asyncio.to_thread(work, *args, **kwargs)
    except TimeoutError:
        message = f"The request took longer to render and compile than compile_timeout ({limit:g} s)."
        raise BadRequest(message, code="compile_timeout") from None
