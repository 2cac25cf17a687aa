"""A thousand streams on one process: how late its event loop is while they run."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

import httpx

from benchmarks.client import connected
from tests.soak.judge import Wrong, judge
from tests.soak.mix import CHAT, EXTRACTION, Asked
from tests.soak.process import Served

# Each brings a piece of some 6 tokens every so many seconds: 1,000 streams at 24 tokens a second.
PACE = 0.25
TOKENS = 150
# How many of them begin in a second.
RISE = 200.0


@dataclass(frozen=True)
class Streams:
    """`late`: seconds by which the server's heart beat too late, the median, the 99th percentile, and the most.

    `computed`: CPU seconds of the server's process. Where they are few and it was late all the same, others were busy.
    """

    ended: int
    events: int
    seconds: float
    computed: float
    late: tuple[float, float, float]
    wrong: tuple[str, ...]


def streams(server: Served, count: int) -> Streams:
    server.inside()  # from here on
    started, before = time.perf_counter(), server.computed()
    told = asyncio.run(_all(server, count))
    inside = server.inside()
    return Streams(
        ended=sum(1 for one in told if isinstance(one, int)),
        events=sum(one for one in told if isinstance(one, int)),
        seconds=time.perf_counter() - started,
        computed=server.computed() - before,
        late=(inside["p50_late"], inside["p99_late"], inside["most_late"]),
        wrong=tuple(one for one in told if isinstance(one, str)),
    )


async def _all(server: Served, count: int) -> list[int | str]:
    async with connected() as http:
        return await asyncio.gather(*(_one(http, server, number, number / RISE) for number in range(count)))


async def _one(http: httpx.AsyncClient, server: Served, number: int, after: float) -> int | str:
    """How many events there were; what was wrong."""
    await asyncio.sleep(after)
    form = {"response_format": EXTRACTION[number % 12].body["response_format"]} if number % 2 else {}
    said = {"messages": [{"role": "user", "content": f"Hello, {number}."}], "ignore_eos": not form}
    content = json.dumps({"model": "scripted", **said, **form, "max_tokens": TOKENS, "stream": True}).encode()
    try:
        response = await http.post(server.url + CHAT, content=content)
        judge(Asked("stream", content), response.status_code, response.headers["content-type"], response.content)
    except (Wrong, ValueError, httpx.HTTPError) as error:
        return repr(error)
    return response.content.count(b"\n\n")
