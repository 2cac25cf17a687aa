"""An engine that is started again when it has died."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from latticework.engines.base import Engine, EngineDead, Piece, Sampling, Tokenizer
from latticework.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

# Seconds between two looks at an engine: a look costs no more than reading a flag, and `/health` does not wait for one.
LOOK = 0.5


@dataclass(frozen=True, slots=True)
class Backoff:
    """When a dead engine is started again. All times are seconds.

    The first try comes after as long as a system takes to free what the dead engine held, and each further one after
    twice as long: what killed the engine may go on. An engine that then runs `steady` is well again, and its next death
    is the first of another row.
    """

    tries: int = 5
    first: float = 1.0
    factor: float = 2.0
    most: float = 60.0
    steady: float = 60.0

    def delay(self, tried: int) -> float | None:
        """How long to wait after so many tries in a row; None where there are to be no more."""
        return min(self.first * self.factor**tried, self.most) if tried < self.tries else None


class Supervised:
    """The engine that it is given, looked after from its start to its stop.

    Only what ran once is started again: the first start fails as the engine's own does. An engine that recovers by
    itself is left alone.
    """

    def __init__(
        self,
        engine: Engine,
        backoff: Backoff,
        metrics: Metrics,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._backoff = backoff
        self._metrics = metrics
        self._sleep = sleep
        self._clock = clock
        self._down: str | None = None  # why nothing is served, while nothing is
        self._watch: asyncio.Task[None] | None = None

    @property
    def model_ids(self) -> tuple[str, ...]:
        return self._engine.model_ids

    @property
    def max_model_len(self) -> int:
        return self._engine.max_model_len

    @property
    def max_running(self) -> int:
        return self._engine.max_running

    @property
    def recovers(self) -> bool:
        return True

    @property
    def tokenizer(self) -> Tokenizer:
        return self._engine.tokenizer

    async def start(self) -> None:
        await self._engine.start()
        self._down = None
        if not self._engine.recovers:
            self._watch = asyncio.create_task(self._look_after(), name="supervisor")

    async def stop(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None and not watch.done():
            watch.cancel()
            await asyncio.wait([watch])
        await self._engine.stop()

    async def check_health(self) -> None:
        self._refuse_while_down()
        await self._engine.check_health()

    def running(self) -> int:
        return 0 if self._down else self._engine.running()

    def metrics(self) -> bytes:
        return self._engine.metrics()

    def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        return self._engine.refusal(sampling)

    def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        self._refuse_while_down()
        return self._engine.generate(prompt, sampling, request_id)

    def _refuse_while_down(self) -> None:
        if self._down:
            raise EngineDead(self._down)

    async def _look_after(self) -> None:
        tried = 0
        while self._down is None:
            since = self._clock()
            why = await self._death()
            steady = self._clock() - since >= self._backoff.steady
            tried = await self._revive(0 if steady else tried, why)

    async def _death(self) -> str:
        """Waits for it. Returns what the engine says of it."""
        while True:
            await self._sleep(LOOK)
            try:
                await self._engine.check_health()
            except EngineDead as error:
                return str(error)

    async def _revive(self, tried: int, why: str) -> int:
        """Tries until the engine runs or no try is left. Returns how many there have been in this row."""
        name, most = self.model_ids[0], self._backoff.tries
        logger.error("%s: %s", name, why)
        while (delay := self._backoff.delay(tried)) is not None:
            tried += 1
            self._down = f"The engine has died and is being started again, try {tried} of {most}."
            logger.warning("%s: the engine is started again in %g s, try %d of %d", name, delay, tried, most)
            if await self._started_again(delay):
                self._down = None
                self._metrics.restarts.labels(name).inc()
                logger.warning("%s: the engine runs again", name)
                return tried
        self._down = f"The engine has died and is not started again (tries: {most}). This server has to be restarted."
        logger.critical("%s: the engine stays down after %d tries. Restart this server.", name, most)
        return tried

    async def _started_again(self, delay: float) -> bool:
        try:
            await self._engine.stop()
            await self._sleep(delay)
            await self._engine.start()
        except Exception:  # the outermost boundary of a task of its own, and an engine fails in many ways
            logger.exception("%s: the engine could not be started", self.model_ids[0])
            return False
        return True
