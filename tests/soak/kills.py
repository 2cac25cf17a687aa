"""The engine's process is killed under load, again and again. The server says so, gets it back, and passes nothing off
as complete that is not. At last the server itself is killed, and leaves no process behind.

While it is gone, requests get a 503, streams an error event, and `/health` is 503; then all is as before.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import psutil

from benchmarks.client import connected
from benchmarks.servers import latticework, running
from benchmarks.targets import Target, tiny_target
from tests.soak.judge import Wrong, judge
from tests.soak.mix import CHAT, EXTRACTION, Asked

STREAMS = 16
# So many pieces of their answers are there when the engine is killed: more than their first ones.
BEGUN = 40
# How long a server may take to notice, and how long until it serves again, in seconds.
NOTICED = 30.0
BACK = 300.0
# How long a process may outlive the server: Python's own tracker of shared memory first removes what others left.
GONE = 5.0
# The engine core calls its process so.
ENGINE = "EngineCore"


class Stuck(Exception):
    """The server did not come to what it should in time."""


@dataclass
class Kills:
    """`back`: how many seconds each took from the kill until `/health` was 200 again. `left`: processes that were there
    GONE seconds after the server itself was killed."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def kills(count: int) -> Kills:
    """Of a server of its own, with the real engine."""
    found, target = Kills(), tiny_target()
    with running(target, latticework()) as (server,):
        process = psutil.Process(server.process.pid)
        for _ in range(count):
            asyncio.run(_kill(server.url, process, target, found))
        found.left = _left_behind(process)
    return found


def _left_behind(process: psutil.Process) -> list[str]:
    """Kills the server, and names the processes that outlive it."""
    names = {child: " ".join(child.cmdline()[:4]) for child in process.children(recursive=True)}
    process.kill()
    _, alive = psutil.wait_procs(list(names), GONE)
    # Where nobody takes the exit status of an orphan, its process is still listed, with nothing of it left.
    return [names[child] for child in alive if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


async def _kill(url: str, process: psutil.Process, target: Target, found: Kills) -> None:
    async with connected() as http:
        begun = asyncio.Semaphore(0)
        streams = [asyncio.create_task(_stream(http, url, target, number, found, begun)) for number in range(STREAMS)]
        for _ in range(BEGUN):
            await begun.acquire()
        _engine(process).kill()
        killed = time.perf_counter()
        await _health(http, url, 503, NOTICED)
        await _health(http, url, 200, BACK)
        found.back.append(time.perf_counter() - killed)
        await asyncio.gather(*streams)
        await _stream(http, url, target, 0, found, begun)


def _engine(process: psutil.Process) -> psutil.Process:
    """The child that computes. Raises Stuck where there is none."""
    children = process.children(recursive=True)
    for child in children:
        if ENGINE in child.name() or any(ENGINE in part for part in child.cmdline()):
            return child
    raise Stuck(f"no engine among {[child.name() for child in children]}")


async def _health(http: httpx.AsyncClient, url: str, status: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (last := (await http.get(f"{url}/health")).status_code) != status:
        if time.monotonic() > until:
            raise Stuck(f"/health is {last} and should be {status}, {seconds:g} s later")
        await asyncio.sleep(0.05)


async def _stream(
    http: httpx.AsyncClient, url: str, target: Target, number: int, found: Kills, begun: asyncio.Semaphore
) -> None:
    """Of four requests two are streamed, one of them a document. `begun` is released with each piece of an answer."""
    form = {"response_format": EXTRACTION[number % 12].body["response_format"]} if number % 2 else {"ignore_eos": True}
    said = {"messages": [{"role": "user", "content": f"Hello, {number}."}], "temperature": 1}
    body = {"model": target.name, **said, **form, "max_tokens": 600, "stream": number % 4 < 2}
    asked = Asked("killed", json.dumps(body).encode(), None)
    try:
        async with http.stream("POST", url + CHAT, content=asked.content) as response:
            pieces = []
            async for piece in response.aiter_raw():
                pieces.append(piece)
                begun.release()
        outcome = judge(asked, response.status_code, response.headers.get("content-type", ""), b"".join(pieces))
    except (Wrong, ValueError, httpx.HTTPError) as error:
        outcome = "wrong"
        found.wrong.append(repr(error))
    found.outcomes[outcome] += 1
