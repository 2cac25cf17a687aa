"""Restarts an engine that has died, or that hangs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass

from latticework.engines.base import Engine, EngineDead
from latticework.pulse import Pulse
from latticework.telemetry import Metrics

logger = logging.getLogger(__name__)

# Seconds. A check costs no more than reading a flag, and `/health` does not wait for one.
HEALTH_CHECK_INTERVAL = 0.5


@dataclass(frozen=True, slots=True)
class Backoff:
    """When a dead engine is restarted. All times are seconds.

    The first delay gives the system time to free what the dead engine held; each further delay is twice as long, for
    whatever killed the engine may persist. An engine that ran for `steady` has all its attempts again.
    """

    attempts: int = 5
    first: float = 1.0
    factor: float = 2.0
    most: float = 60.0
    steady: float = 60.0

    def delay(self, failed: int) -> float | None:
        """How long to wait after this many attempts in a row; None where no attempt is left."""
        return min(self.first * self.factor**failed, self.most) if failed < self.attempts else None


class Supervisor:
    """Starts, watches and stops an engine, which requests use directly.

    `down` is the reason why the engine can't be used, while it is dead or being restarted. A first start that fails is
    not repeated, and an engine that recovers by itself is not watched. An engine that hangs is treated as a dead one.
    """

    def __init__(
        self,
        engine: Engine,
        backoff: Backoff,
        metrics: Metrics,
        *,
        hang_timeout: float = 0.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`hang_timeout`: seconds, see Pulse."""
        self.engine = engine
        self._hang_timeout = hang_timeout
        self.down: str | None = None
        self._backoff = backoff
        self._metrics = metrics
        self._sleep = sleep
        self._clock = clock
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises what the engine's own start raises."""
        await self.engine.start()
        self.down = None
        if not self.engine.recovers:
            self._watch = asyncio.create_task(self._restart_when_dead(), name="supervisor")

    async def stop(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None and not watch.done():
            watch.cancel()
            await asyncio.wait([watch])
        await self.engine.stop()

    async def _restart_when_dead(self) -> None:
        attempts = 0
        while self.down is None:
            since = self._clock()
            reason = await self._death()
            steady = self._clock() - since >= self._backoff.steady
            attempts = await self._revive(0 if steady else attempts, reason)

    async def _death(self) -> str:
        """Returns once the engine is dead or hangs, with the reason."""
        with closing(Pulse(self.engine, self._hang_timeout)) as pulse:
            while True:
                await self._sleep(HEALTH_CHECK_INTERVAL)
                try:
                    await self.engine.check_health()
                except EngineDead as error:
                    return str(error)
                if (reason := pulse.tick(HEALTH_CHECK_INTERVAL)) is not None:
                    return reason

    async def _revive(self, attempts: int, reason: str) -> int:
        """Restarts until the engine runs or no attempt is left. Returns the attempts in a row so far."""
        name, most = self.engine.model_ids[0], self._backoff.attempts
        logger.error("%s: %s", name, reason)
        while (delay := self._backoff.delay(attempts)) is not None:
            attempts += 1
            self.down = f"{reason} It is being restarted (attempt {attempts} of {most})."
            logger.warning("%s: restarting the engine in %g s (attempt %d of %d)", name, delay, attempts, most)
            if await self._restarted(delay):
                self.down = None
                self._metrics.restarts.labels(name).inc()
                logger.warning("%s: the engine is running again", name)
                return attempts
        self.down = f"The engine has died and used all its restarts (engine_restarts: {most}). Restart this server."
        logger.critical("%s: the engine has used all its restarts (%d). Restart this server.", name, most)
        return attempts

    async def _restarted(self, delay: float) -> bool:
        try:
            await self.engine.stop()
            await self._sleep(delay)
            await self.engine.start()
        except Exception:  # the outermost boundary of this task: engines fail in many ways
            logger.exception("%s: the engine failed to start", self.engine.model_ids[0])
            return False
        return True
