"""Hostile rows and mutations of them, one after the other from several clients, while a light stream goes on beside."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import psutil

from benchmarks.client import connected
from benchmarks.servers import latticework, running
from benchmarks.targets import tiny_target
from tests.hostile.all_rows import ALL
from tests.hostile.row import CHAT, Row
from tests.hostile.sending import LONGEST

CLIENTS = 4
# The first requests are not counted: with them caches fill, and what is made once is made.
WARM_UP = 1000
# Deliberate: the engine or the compiler is busy, or the answer came too late.
DELIBERATE = (503, 504)
# vLLM's titles of its processes, and what the command of a compile process has.
ENGINE, WORKER = "EngineCore", "VLLM::Worker"
COMPILER = "latticework.compiling.process"
KINDS = {"engine core": ENGINE, "compile processes": COMPILER}
# What else a hostile request may take is the server's time: 504 then.
HEADERS = {"content-type": "application/json", "x-request-timeout": "15"}
# Seconds in which the light stream is alone.
IDLE = 5.0
NOISE = (b"\x00", b"\xff", b'"', b"{", b"]", b",", b"\\u", b"1e400", b"9" * 400, b"null", "é".encode(), b"\xed\xa0\x80")


@dataclass
class Attacked:
    """`gap`, `idle`: seconds between two events of the light stream at worst, under attack and alone.

    `memory`: bytes by kind of process, before, after half of the time, and at the end. `engines`: the ids of the
    engine's processes, before and after.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    gap: float = 0.0
    idle: float = 0.0
    memory: list[Mapping[str, int]] = field(default_factory=list)
    engines: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    healthy: bool = False


def hostile(seconds: int, seed: int) -> Attacked:
    """Of a server of its own, with the real engine."""
    target = tiny_target()
    with running(target, latticework()) as (server,):
        return asyncio.run(attack(server.url, psutil.Process(server.process.pid), target.name, seconds, seed))


async def attack(url: str, process: psutil.Process, model: str, seconds: float, seed: int) -> Attacked:
    found = Attacked()
    async with connected() as http:
        await _work(http, url, model, requests(seed + 1, WARM_UP), Attacked(), time.monotonic() + seconds)
        found.idle = await _light(http, url, model, asyncio.create_task(asyncio.sleep(min(IDLE, seconds))))
        found.memory.append(memory(process))
        engines = _engines(process)
        shared, until = requests(seed), time.monotonic() + seconds
        half = asyncio.get_running_loop().call_later(seconds / 2, lambda: found.memory.append(memory(process)))
        clients = [_work(http, url, model, shared, found, until) for _ in range(CLIENTS)]
        attacking = asyncio.ensure_future(asyncio.gather(*clients))
        found.gap = await _light(http, url, model, attacking)
        await attacking
        half.cancel()
        found.healthy = (await http.get(f"{url}/health")).status_code == 200
        found.memory.append(memory(process))
        found.engines = (engines, _engines(process))
    return found


def requests(seed: int, count: int | None = None) -> Iterator[tuple[Row, bytes | None]]:
    """Rows, and for a mutated one its body where that is no longer one of a row."""
    rng = random.Random(seed)
    while count is None or count > 0:
        count = None if count is None else count - 1
        yield _mutated(rng, rng.choice(ALL))


def _mutated(rng: random.Random, row: Row) -> tuple[Row, bytes | None]:
    match rng.randrange(4):
        case 0:  # a field of another row
            other = rng.choice(ALL)
            return replace(row, fields={**row.fields, **other.fields}, status=0), None
        case 1:  # what another field has
            other = rng.choice([one for one in (row, rng.choice(ALL)) if one.fields] or [row])
            texts = list(other.fields.values()) or ["null"]
            return replace(row, fields={name: rng.choice(texts) for name in row.fields}, status=0), None
        case 2:  # bytes that are cut, doubled or foreign
            return replace(row, status=0), _broken(rng, row.body("MODEL"))
    return row, None


def _broken(rng: random.Random, body: bytes) -> bytes:
    at, end = sorted(rng.choices(range(len(body) + 1), k=2))
    return body[:at] + rng.choice((b"", rng.choice(NOISE), body[at:end] * 2)) + body[rng.choice((at, end)) :]


async def _work(
    http: httpx.AsyncClient,
    url: str,
    model: str,
    shared: Iterator[tuple[Row, bytes | None]],
    found: Attacked,
    until: float,
) -> None:
    for row, body in shared:
        if time.monotonic() > until:
            return
        content = row.body(model) if body is None else body.replace(b"MODEL", model.encode(), 1)
        try:
            response = await http.post(url + row.path, content=content, headers=HEADERS)
        except httpx.HTTPError as error:
            found.outcomes["no response"] += 1
            found.wrong.append(f"{row.label}: {error!r}\n    {content[:1500]!r}")
            continue
        found.outcomes[str(response.status_code)] += 1
        if (wrong := _wrong(response)) is not None:
            found.wrong.append(f"{row.label}: {wrong}\n    {content[:1500]!r}")


def _wrong(response: httpx.Response) -> str | None:
    if response.status_code >= 500 and response.status_code not in DELIBERATE:
        return f"{response.status_code} {response.text[:300]}"
    if response.status_code == 200:
        return None
    message = response.json()["error"]["message"]
    return None if 0 < len(message) <= LONGEST else f"a message of {len(message)} characters"


async def _light(http: httpx.AsyncClient, url: str, model: str, beside: asyncio.Future[Any]) -> float:
    """The longest time between two events of short streams, one after the other, until `beside` is done."""
    worst, body = 0.0, {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 200}
    content = json.dumps({**body, "stream": True, "ignore_eos": True}).encode()
    while not beside.done():
        last: float | None = None
        async with http.stream("POST", url + CHAT, content=content) as response:
            async for _ in response.aiter_raw():
                now = time.perf_counter()
                worst, last = max(worst, 0.0 if last is None else now - last), now
    return worst


def memory(process: psutil.Process) -> Mapping[str, int]:
    """Of all processes but the workers, which touch the memory of their KV cache little by little."""
    found = Counter({"server": int(process.memory_info().rss)})
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if not _is(child, WORKER):
                found[_kind(child)] += int(child.memory_info().rss)
    return found


def _kind(process: psutil.Process) -> str:
    return next((kind for kind, name in KINDS.items() if _is(process, name)), "other")


def _engines(process: psutil.Process) -> frozenset[int]:
    return frozenset(child.pid for child in process.children(recursive=True) if _is(child, ENGINE))


def _is(process: psutil.Process, name: str) -> bool:
    return any(name in part for part in (process.name(), *process.cmdline()))
