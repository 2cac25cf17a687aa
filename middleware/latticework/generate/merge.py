"""Several streams as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def merge(streams: Sequence[AsyncGenerator[Sequence[T], None]]) -> AsyncGenerator[Sequence[T], None]:
    """Yields items as they come, in each stream's own order, those that are there at once together.

    Closing it closes all streams. What one stream yields waits until it is taken: a slow reader slows the streams down.
    """
    ready: list[T] = []
    arrived, taken = asyncio.Event(), asyncio.Event()

    async def pump(stream: AsyncGenerator[Sequence[T], None]) -> None:
        async with aclosing(stream):
            async for items in stream:
                ready.extend(items)
                arrived.set()
                await taken.wait()

    pumps = [asyncio.ensure_future(pump(stream)) for stream in streams]
    for running in pumps:
        running.add_done_callback(lambda _: arrived.set())
    try:
        while pumps:
            await arrived.wait()
            arrived.clear()
            items, ready = ready, []
            taken.set()
            taken.clear()
            if items:
                yield items
            for ended in [running for running in pumps if running.done()]:
                pumps.remove(ended)
                ended.result()
    finally:
        for running in pumps:
            running.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
