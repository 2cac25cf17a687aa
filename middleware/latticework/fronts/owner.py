"""The process that was started: it owns the engines and the port, and its children serve."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import time
from collections.abc import Callable, Sequence

from latticework import memory
from latticework.concurrency import ConcurrencyLimit
from latticework.doors.responses.store import MEMORY, ResponseStore
from latticework.engines.base import EngineDead
from latticework.fronts.greeting import Greeting, facts_of_model
from latticework.fronts.limits import SharedLimits
from latticework.fronts.processes import FrontProcess, FrontProcesses
from latticework.http.quota import Quotas
from latticework.peers import FrontEnds
from latticework.served import Served
from latticework.serving.server import hangup_signal, kill_process
from latticework.settings import Settings
from latticework.supervisor import Backoff, Supervisor
from latticework.telemetry import Metrics, merge_metrics
from latticework.telemetry.totals import counted_metrics, total_metrics

logger = logging.getLogger(__name__)

# Connections that wait to be accepted, as in uvicorn.
BACKLOG = 2048
# Seconds until connections are accepted again where no front end takes one, or where this process can open none.
ACCEPT_DELAY = 0.05
OPEN_FILES_DELAY = 1.0
# What `accept` raises where there is no connection, or where its client has left.
NONE_THERE = (BlockingIOError, InterruptedError, ConnectionAbortedError)


class FrontEndFailed(Exception):
    """A front end did; its own log has the reason."""


class FrontEndOwner:
    """Engines, limits and counts of a server with several front ends."""

    def __init__(self, models: Sequence[Served], settings: Settings) -> None:
        self._models = models
        self._settings = settings
        self._metrics = Metrics()
        self._gone = b""  # what front ends that have ended have counted
        self._signals = 0
        self._stop = asyncio.Event()
        own = [model.settings(settings) for model in models]
        self.supervisors: Sequence[Supervisor] = tuple(
            Supervisor(
                model.engine,
                Backoff(its.engine_restarts),
                self._metrics,
                hang_timeout=its.engine_hang_timeout,
            )
            for model, its in zip(models, own, strict=True)
        )
        in_memory = settings.store is None and not settings.no_store
        self.store: ResponseStore | None = (
            ResponseStore(MEMORY, most_bytes=settings.store_bytes, most_age=settings.store_age) if in_memory else None
        )
        self.limits: SharedLimits
        self._fronts: FrontProcesses

    async def serve(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        """Until a signal. Raises EngineDead, InvalidSetting and FrontEndFailed."""
        self._take_signals()
        loaded: list[Supervisor] = []
        try:
            for supervisor in self.supervisors:  # one after the other, as in models.py
                loaded.append(supervisor)
                await supervisor.start()
            await self._start_fronts()
            await self._accept_until_stopped(listener, ready)
        finally:
            await asyncio.gather(*(supervisor.stop() for supervisor in loaded))

    async def _start_fronts(self) -> None:
        settings, created = self._settings, int(time.time())
        facts = [facts_of_model(model, created) for model in self._models]
        limits = {
            model.engine.model_ids[0]: ConcurrencyLimit(model.engine.max_running + model.settings(settings).max_queue)
            for model in self._models
        }
        self.limits = SharedLimits(limits, Quotas(settings.requests_per_minute, settings.concurrent_requests))
        for name in limits:
            self._metrics.initialize(name)
        self._fronts = FrontProcesses(self, Greeting(settings, facts), self._count_ended)
        if not await self._fronts.start():
            raise FrontEndFailed("A front end failed to start; its log has the reason.")

    async def _accept_until_stopped(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        accepting = Accepting(listener, self._fronts.take)
        # As a server of one process does.
        gc.collect()
        gc.freeze()
        memory.return_freed()
        ready()
        try:
            await self._stop.wait()
        finally:
            accepting.close()
            await self._fronts.stop()

    # Signals
    def _take_signals(self) -> None:
        loop, hangup = asyncio.get_running_loop(), hangup_signal()
        for number in (signal.SIGTERM, signal.SIGINT, *(() if hangup is None else (hangup,))):
            loop.add_signal_handler(number, self._signalled, number)

    def _signalled(self, number: signal.Signals) -> None:
        """While models load, a signal ends the process. Later, the first drains, the second cuts, the third kills."""
        self._signals += 1
        if not hasattr(self, "_fronts") or self._signals > 2:
            kill_process(number)
        elif self._signals == 2:
            self._fronts.tell("cut")
        else:
            self._stop.set()

    # Counts
    def front_ends(self) -> FrontEnds:
        return FrontEnds(self._settings.api_servers, self._fronts.running, self._fronts.restarts)

    def _count_ended(self, front: FrontProcess) -> None:
        self._gone = total_metrics([self._gone, counted_metrics(front.counts)])
        self._metrics.front_end_restarts.inc()

    async def metrics(self) -> bytes:
        """Of all processes, and of the engines."""
        counts = await self.counts()
        return merge_metrics([counts, *(supervisor.engine.metrics() for supervisor in self.supervisors)])

    async def counts(self) -> bytes:
        """Of this process and all front ends, those that have ended included."""
        for supervisor in self.supervisors:
            self._metrics.up.labels(supervisor.engine.model_ids[0]).set(await _is_up(supervisor))
        gone, fronts = self._gone, self._fronts.all
        counts = await asyncio.gather(*(front.current_counts() for front in fronts))
        return total_metrics([self._metrics.text(), *counts, gone])


async def _is_up(supervisor: Supervisor) -> bool:
    try:
        await supervisor.engine.check_health()
    except EngineDead:
        return False
    return supervisor.down is None


class Accepting:
    """Accepts connections, and has them taken."""

    def __init__(self, listener: socket.socket, take: Callable[[socket.socket], bool]) -> None:
        self._listener = listener
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._waiting: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        listener.listen(BACKLOG)
        self._loop.add_reader(listener, self._accept)

    def _accept(self) -> None:
        """All that have come. Those that no front end takes wait, the first here and the others in the backlog."""
        while (connection := self._waiting or self._next()) is not None:
            if not self._take(connection):
                self._waiting = connection
                self._pause(ACCEPT_DELAY)
                return
            self._waiting = None
            connection.close()

    def _next(self) -> socket.socket | None:
        try:
            return self._listener.accept()[0]
        except NONE_THERE:
            return None
        except OSError as error:
            logger.error("No connection can be accepted: %s", error.strerror)
            self._pause(OPEN_FILES_DELAY)
            return None

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._timer = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listener, self._accept)
        self._accept()

    def close(self) -> None:
        """Accepts no more."""
        self._loop.remove_reader(self._listener)
        if self._timer is not None:
            self._timer.cancel()
        if self._waiting is not None:
            self._waiting.close()
        self._listener.close()
