"""Milliseconds of CPU per request in Ray Serve's processes, the best of some rounds.

PYTHONPATH=. .venv-ray/bin/python -W ignore -m tests.ray.cost
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.ray.test_ray import PATIENCE, commanded, run, until, well

ROUNDS, REQUESTS, AT_ONCE = 3, 200, 16
LONG = {"model": "free", "stream": True, "seed": 1, "max_tokens": 400, "ignore_eos": True}
KINDS: Mapping[str, dict[str, Any]] = {
    "whole, one token": commanded("pid"),
    "streamed, 400 tokens": {**LONG, "messages": [{"role": "user", "content": "x"}]},
}
# By the beginnings of the processes' command lines.
PARTS = {"ray::ProxyActor": "proxy", "ray::ServeReplica": "replicas", "ray::ServeController": "controller"}


def cpu_seconds() -> Counter[str]:
    seconds: Counter[str] = Counter()
    for process in psutil.process_iter():
        try:
            name, times = " ".join(process.cmdline()), process.cpu_times()
        except psutil.Error:
            continue
        seconds.update({part: times.user + times.system for start, part in PARTS.items() if name.startswith(start)})
    return seconds


async def ask(url: str, body: Mapping[str, Any]) -> int:
    """Sends all requests of a round; the number of events of the last answer."""
    left = iter(range(REQUESTS))
    events = 0

    async def some(client: httpx.AsyncClient) -> None:
        nonlocal events
        for _ in left:
            response = await client.post("/v1/chat/completions", json=body)
            assert response.is_success, response.text
            events = response.text.count("data: ")

    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
        await asyncio.gather(*(some(client) for _ in range(AT_ONCE)))
    return events


def measure(url: str, body: Mapping[str, Any]) -> tuple[dict[str, float], int]:
    rounds: list[Counter[str]] = []
    events = 0
    for _ in range(ROUNDS + 1):  # the first warms up
        before = cpu_seconds()
        events = asyncio.run(ask(url, body))
        rounds.append(cpu_seconds() - before)
    best = min(rounds[1:], key=lambda took: took.total())
    return {part: round(took / REQUESTS * 1000, 1) for part, took in best.items()}, events


def main() -> None:
    process, url, log = run(Path(tempfile.mkdtemp()))
    try:
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            until(lambda: well(client, process), log)
        for name, body in KINDS.items():
            took, events = measure(url, body)
            print(f"{name}, {events} events: ms of CPU a request", took)
    finally:
        process.terminate()
        process.wait(PATIENCE)


if __name__ == "__main__":
    main()
