"""Several streams as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


async def merge(streams: Sequence[AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
    """Yields items as they come, in each stream's own order. Closing it closes all of them.

    At most one item of each stream is waiting: a slow reader slows the streams down.
    """
    ended: Any = object()
    waiting = {asyncio.ensure_future(anext(stream, ended)): stream for stream in streams}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                stream = waiting.pop(task)
                item = task.result()
                if item is not ended:
                    waiting[asyncio.ensure_future(anext(stream, ended))] = stream
                    yield item
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for stream in streams:
            await stream.aclose()
