"""Many mixed requests at once, each judged; and what the server holds while they come and when they have gone."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import fmean

import httpx

from benchmarks.client import connected
from tests.soak.judge import Wrong, judge
from tests.soak.mix import Asked, mix
from tests.soak.process import Served

AT_ONCE = 64
WARM_UP = 3000
# How often the server's memory is looked at, and how long it may take to come to rest.
SECONDS = 0.25
REST_SECONDS = 20.0
LEFT = "client left"


@dataclass
class Load:
    """What came of it. `memory`: how many answers there were, and the bytes of the server's process then."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    memory: list[tuple[int, int]] = field(default_factory=list)
    answered: int = 0
    seconds: float = 0.0

    def quarter(self, number: int) -> float:
        """The mean of the memory while the first (1) to the last (4) quarter of the answers came."""
        low, high = ((number - 1) * self.answered / 4, number * self.answered / 4)
        return fmean([bytes for count, bytes in self.memory if low <= count <= high] or [self.memory[-1][1]])

    @property
    def growth(self) -> float:
        """Of the last quarter over the second, as a share."""
        return self.quarter(4) / self.quarter(2) - 1


async def load(server: Served, requests: Iterator[Asked], at_once: int = AT_ONCE) -> Load:
    found, started = Load(), time.perf_counter()
    looking = asyncio.create_task(_look(server, found))
    async with connected() as http:
        await asyncio.gather(*(_work(http, server, requests, found) for _ in range(at_once)))
    looking.cancel()
    found.memory.append((found.answered, server.memory()))
    found.seconds = time.perf_counter() - started
    return found


async def _look(server: Served, found: Load) -> None:
    while True:
        found.memory.append((found.answered, server.memory()))
        await asyncio.sleep(SECONDS)


async def _work(http: httpx.AsyncClient, server: Served, requests: Iterator[Asked], found: Load) -> None:
    for asked in requests:
        try:
            outcome = await _ask(http, server, asked)
        except (Wrong, ValueError) as error:
            outcome = "wrong"
            found.wrong.append(f"{asked.kind}: {error}\n    {asked.content[:1500]!r}")
        except httpx.HTTPError as error:
            outcome = "missing"
            found.wrong.append(f"{asked.kind}: {error!r}\n    {asked.content[:1500]!r}")
        found.outcomes[asked.kind, outcome] += 1
        found.answered += 1


async def _ask(http: httpx.AsyncClient, server: Served, asked: Asked) -> str:
    sent = http.request(
        asked.method,
        server.url + asked.path,
        content=asked.content,
        headers={"content-type": "application/json"},
    )
    try:
        response = await asyncio.wait_for(sent, asked.leaves)
    except TimeoutError:
        return LEFT
    return judge(asked, response.status_code, response.headers.get("content-type", ""), response.content)


@dataclass(frozen=True)
class Held:
    """What a server that has nothing to do holds."""

    tasks: int
    threads: int
    descriptors: int
    processes: int
    answers: int

    def beyond(self, before: Held) -> dict[str, int]:
        """What is more than there was."""
        return {name: more for name, had in vars(before).items() if (more := getattr(self, name) - had) > 0}


def held(server: Served) -> Held:
    inside, process = server.inside(), server.process
    return Held(
        tasks=inside["tasks"],
        threads=inside["threads"],
        descriptors=process.num_fds(),
        processes=len(process.children(recursive=True)),
        answers=inside["answers"],
    )


def leaked(server: Served, before: Held) -> dict[str, int]:
    """What it holds beyond what it did, once it had time to let go."""
    until = time.monotonic() + REST_SECONDS
    while (more := held(server).beyond(before)) and time.monotonic() < until:
        with suppress(InterruptedError):
            time.sleep(SECONDS)
    return more


def soak(server: Served, requests: int, seed: int) -> tuple[Load, dict[str, int]]:
    """The load, and what it left behind. Before it comes a bit of it, so that all that is made once is there."""
    asyncio.run(load(server, mix(min(WARM_UP, requests), seed + 1)))
    before = held(server)
    found = asyncio.run(load(server, mix(requests, seed)))
    return found, leaked(server, before)
