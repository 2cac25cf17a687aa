"""What others notice of hostile bodies: the longest silence of a stream beside each of them, and the server's memory.

    python -m benchmarks.hostile_bodies [--json] [--quick] [--rows N]

The server runs in a process of its own, over an engine that costs nothing: a stream with a piece every 20 ms. Beside it
the bodies of `tests/hostile/bodies.py` are sent, one after the other, `--rows` times each, and the longest time between
two pieces is compared to that of a stream that is alone. Memory is that of the server and of its compile processes.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from benchmarks.options import Options, parse, say
from benchmarks.results import Bar, Report, publish
from tests.hostile.bodies import BODIES, CHAT, MODEL, Hostile
from tests.soak.process import Served, served

PACE = 0.02
# Seconds for which the idle stream is watched, and the server rests before its memory is read.
IDLE = 5.0
REST = 3.0
# Seconds, and the last memory as a part of the first.
GOAL_GAP = 0.05
GOAL_MEMORY = 1.1
MIB = 2**20


class Stream:
    """A stream, and the longest time without a piece of it since it was asked last."""

    def __init__(self, url: str) -> None:
        self._lock = threading.Lock()
        self._last = time.perf_counter()
        self._longest = 0.0
        self._going = True
        self._url = url
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def take(self) -> float:
        """Seconds. A gap that goes on counts up to now, and again when it ends."""
        with self._lock:
            longest, self._longest = max(self._longest, time.perf_counter() - self._last), 0.0
            return longest

    def end(self) -> None:
        self._going = False
        self._thread.join()

    def _read(self) -> None:
        while self._going:
            self._one()

    def _one(self) -> None:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello."}], "stream": True, "ignore_eos": True}
        status, response = _posted(self._url, CHAT, json.dumps(body).encode())
        assert status == 200
        with response:
            while self._going and response.readline():
                with self._lock:
                    now = time.perf_counter()
                    self._longest, self._last = max(self._longest, now - self._last), now


def _posted(url: str, path: str, body: bytes) -> tuple[int, http.client.HTTPResponse]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=300)
    connection.request("POST", path, body, {"content-type": "application/json", "connection": "close"})
    response = connection.getresponse()
    return response.status, response


@dataclass(frozen=True)
class Gap:
    """What a stream noticed of a body, at worst. `statuses`: of the body's responses, once each."""

    name: str
    statuses: tuple[int, ...]
    wanted: int
    seconds: float
    gap: float


@dataclass(frozen=True)
class Noticed:
    """`idle`: the longest gap of a stream that is alone, in seconds. Memory in bytes."""

    idle: float
    gaps: tuple[Gap, ...]
    memory_before: int
    memory_after: int

    @property
    def worst(self) -> float:
        """Beyond the idle gap."""
        return max(gap.gap for gap in self.gaps) - self.idle

    @property
    def growth(self) -> float:
        return self.memory_after / self.memory_before

    @property
    def wrong(self) -> tuple[str, ...]:
        return tuple(
            f"{gap.name}: {gap.statuses}, not {gap.wanted}" for gap in self.gaps if gap.statuses != (gap.wanted,)
        )


@contextmanager
def streaming(server: Served) -> Iterator[Stream]:
    stream = Stream(server.url)
    try:
        yield stream
    finally:
        stream.end()


def noticed(server: Served, bodies: Sequence[Hostile], rounds: int) -> Noticed:
    # Whatever a server loads with its first requests, and its compile processes with theirs, it keeps.
    for _ in range(2):
        send(server, "a first long text", [hostile for hostile in bodies if hostile.status == 200][:1] or bodies[:1])
    with streaming(server) as stream:
        time.sleep(IDLE)
        before = memory(server)
        stream.take()
        time.sleep(IDLE)
        idle = stream.take()
        gaps = tuple(beside(server, stream, hostile, rounds) for hostile in bodies)
    time.sleep(REST)
    return Noticed(idle, gaps, before, memory(server))


def send(server: Served, what: str, bodies: Sequence[Hostile]) -> None:
    say(what)
    for hostile in bodies:
        _, response = _posted(server.url, hostile.path, hostile.make())
        with response:
            response.read()


def beside(server: Served, stream: Stream, hostile: Hostile, rounds: int) -> Gap:
    body = hostile.make()
    time.sleep(PACE * 10)
    stream.take()
    started, statuses = time.perf_counter(), set()
    for _ in range(rounds):
        status, response = _posted(server.url, hostile.path, body)
        statuses.add(status)
        with response:
            response.read()
    seconds = (time.perf_counter() - started) / rounds
    time.sleep(PACE * 10)
    gap = Gap(hostile.name, tuple(sorted(statuses)), hostile.status, seconds, stream.take())
    say(f"{gap.name}: {gap.statuses}, {1000 * gap.gap:.0f} ms")
    return gap


def memory(server: Served) -> int:
    """Bytes of the server and of the processes in which it compiles."""
    return sum(_resident(one) for one in (server.process, *server.process.children(recursive=True)))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def report(options: Options) -> Report:
    bodies = BODIES[::10] if options.quick else BODIES
    with served(PACE) as server:
        found = noticed(server, bodies, options.of(1, 3))
    rows = [
        (
            gap.name,
            " ".join(map(str, gap.statuses)),
            f"{gap.seconds:.2f}",
            f"{1000 * gap.gap:.0f}",
            f"{1000 * (gap.gap - found.idle):+.0f}",
        )
        for gap in found.gaps
    ]
    bars = [_bar(gap, found.idle) for gap in found.gaps]
    figures = {
        "idle gap, ms": round(1000 * found.idle, 1),
        "worst gap over idle, ms": round(1000 * found.worst, 1),
        "memory before, MiB": found.memory_before // MIB,
        "memory after, MiB": found.memory_after // MIB,
    }
    remarks = [
        f"Idle, the longest gap is {1000 * found.idle:.0f} ms; the goal is {1000 * GOAL_GAP:.0f} ms more.",
        f"Memory: {found.memory_before // MIB} MiB before, {found.memory_after // MIB} MiB after ({found.growth:.2f}; "
        f"the goal is {GOAL_MEMORY}).",
        *found.wrong,
    ]
    head = ("body", "status", "s", "longest gap, ms", "over idle")
    return Report(
        "hostile_bodies", "A stream beside hostile bodies", head, rows, bars, "ms over idle", figures, remarks
    )


def _bar(gap: Gap, idle: float) -> Bar:
    over = 1000 * (gap.gap - idle)
    return Bar(gap.name, over, over, over, 1000 * GOAL_GAP)


def main() -> None:
    options = parse(__doc__)
    publish(report(options), options)


if __name__ == "__main__":
    main()
