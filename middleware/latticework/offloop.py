"""Work that would stall every stream if it ran on the event loop: compiling, rendering, tokenizing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from latticework.errors import BadRequest

P = ParamSpec("P")
T = TypeVar("T")


async def off_loop(limit: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Does `work` in a thread. Raises BadRequest after `limit` seconds, and what the work raises."""
    try:
        # Not wait_for: until Python 3.12 it loses a cancellation that comes together with the result.
        async with asyncio.timeout(limit):
            return await asyncio.to_thread(work, *args, **kwargs)
    except TimeoutError:
        raise BadRequest(f"The request took longer than {limit:g} s to compile.", code="compile_timeout") from None
