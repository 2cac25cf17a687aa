"""Does a plan: what is missing is measured, each part within its limit, and what ends a part early is written down."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.gpu import leftovers, sampler
from benchmarks.gpu.plan import SERVERS, STOCK, Step, Visit
from benchmarks.gpu.scale import Scale
from benchmarks.gpu.state import Key, State
from benchmarks.gpu.visited import Visited, visited
from benchmarks.options import say
from benchmarks.servers import NotStarted, running
from benchmarks.targets import Target

logger = logging.getLogger(__name__)

SAMPLER = "sampler/device"
# On a CPU, memory of this size and more goes back to the system when it is freed: else no peak is seen twice.
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536"}
# A visit that has less time left than this would only start a server.
LEAST_SECONDS = 20.0
# Takes a server's name, and the seconds within which it has to start. Raises NotStarted.
Open = Callable[[str, float], AbstractContextManager[Visited]]
# Of a log that a failed start shows.
REASON = 400


@dataclass
class Run:
    """`ends`: when all has to be done, by `clock`."""

    state: State
    open: Open
    ends: float
    clock: Callable[[], float] = time.monotonic

    @property
    def left(self) -> float:
        return max(0.0, self.ends - self.clock())

    def do(self, visits: Sequence[Visit]) -> None:
        for visit in visits:
            if steps := [step for step in visit.steps if self.state.missing(step.keys)]:
                self._visit(visit, steps)

    def _visit(self, visit: Visit, steps: Sequence[Step]) -> None:
        start = visit.steps[0]
        if self.left < LEAST_SECONDS:
            self.state.stop(start.name, "not begun: the time of the whole run was over")
            return
        self.state.begin(start.name)
        try:
            with self.open(visit.server, min(start.seconds, self.left)) as server:
                for step in steps:
                    asyncio.run(self._step(step, server))
        except NotStarted as failure:
            self._stop(start.name, f"not started: {_last(str(failure))}")
        except Exception as failure:  # the outermost boundary of a visit: the others are made all the same
            logger.exception("%s", start.name)
            self._stop(start.name, f"failed: {type(failure).__name__}: {_last(str(failure))}")

    async def _step(self, step: Step, server: Visited) -> None:
        """What is measured is kept, whatever ends the rest."""
        self.state.begin(step.name)
        seconds = min(step.seconds, self.left)
        try:
            async with asyncio.timeout(seconds):
                if step.prepare is not None:
                    await step.prepare(server)
                for key in self.state.missing(step.keys):
                    self._add(key, await step.measure(server, key))
        except TimeoutError:
            self._stop(step.name, f"cut off after {seconds:.0f} s")
        except Exception as failure:  # the outermost boundary of a part, likewise
            logger.exception("%s", step.name)
            self._stop(step.name, f"failed: {type(failure).__name__}: {_last(str(failure))}")

    def _add(self, key: Key, value: object) -> None:
        self.state.add(key, value)
        say(f"{key}: {json.dumps(value)[:200]}")

    def _stop(self, part: str, why: str) -> None:
        self.state.stop(part, why)
        say(f"{part}: {why}")

    async def sample(self, scale: Scale) -> None:
        """The sampler's part, in a process that ends with its limit."""
        missing = self.state.missing(sampler.keys(scale))
        if not missing:
            return
        self.state.begin(SAMPLER)
        seconds = min(scale.limits.sampler, self.left)
        arguments = ("-m", "benchmarks.gpu.sampler", scale.name, *missing)
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ, **GIVES_BACK}
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                async for line in process.stdout:
                    if line.startswith(b'{"key"'):
                        measured = json.loads(line)
                        self._add(measured["key"], measured["value"])
                if await process.wait():
                    self._stop(SAMPLER, f"failed with status {process.returncode}")
        except TimeoutError:
            process.kill()
            self._stop(SAMPLER, f"cut off after {seconds:.0f} s")


def _last(text: str) -> str:
    """The end of a log in one line."""
    return " ".join(text.split())[-REASON:]


def opener(target: Target, scale: Scale, folder: Path) -> Open:
    """Starts real servers, one at a time. What an earlier run that was killed has left running is ended first."""
    return partial(_opened, target, scale, folder)


@contextmanager
def _opened(target: Target, scale: Scale, folder: Path, name: str, seconds: float) -> Iterator[Visited]:
    leftovers.end(folder)
    begun = time.monotonic()
    with running(target, SERVERS[name], seconds=seconds, logs=folder) as (server,):
        leftovers.remember(folder, server.process.pid)
        yield visited(name, target, server, scale, time.monotonic() - begun, stock=name == STOCK)
    leftovers.forget(folder)
