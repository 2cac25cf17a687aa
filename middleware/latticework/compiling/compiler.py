"""Asks for compiles and waits for them: each distinct one is made once, kept while there is room, and bounded."""

from __future__ import annotations

import asyncio
import hashlib
import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from latticework.compiling.child import Crashed, Done, Late, OutOfMemory, WorkerError
from latticework.compiling.compiled import Compiled
from latticework.compiling.failures import explained
from latticework.compiling.messages import Ask
from latticework.compiling.wanted import Wanted, refuse_size
from latticework.compiling.workers import Workers
from latticework.engines.vocabulary import Vocabulary
from latticework.settings import Settings
from latticework.telemetry.metrics import Metrics
from turngrammar.cache import Cache
from turngrammar.errors import GrammarError
from turngrammar.limits import Limits, check_count
from turngrammar.turn import Turn

# A compile that failed by its own doing would again. It is not tried for so long, in seconds, that a busy moment may
# have been the reason; and so many of them are remembered.
RECURRING = (Late, OutOfMemory, Crashed)
REMEMBERED_FOR = 60.0
MOST_FAILURES = 10_000


@dataclass
class _Flight:
    """A compile under way, and how many wait for it."""

    future: Future[Done]
    waiting: int = 0


class Compiler:
    """One for all models of an app. Turns that are asked for together are compiled together."""

    def __init__(
        self, settings: Settings, workers: Workers, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._workers = workers
        self._limits = limits(settings)
        self._kept: Cache[bytes, Done] = Cache(settings.compile_cache_bytes, lambda key, done: done.weight)
        self._failed: Cache[bytes, tuple[WorkerError, float]] = Cache(MOST_FAILURES, lambda key, failure: 1)
        self._flights: dict[bytes, _Flight] = {}
        self._lock = threading.RLock()

    async def start(self) -> None:
        await asyncio.to_thread(self._workers.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._workers.stop)

    def learn(self, vocabulary: Vocabulary) -> str:
        """What turns of a model call its vocabulary."""
        digest = hashlib.blake2b(pickle.dumps(vocabulary, 5), digest_size=16).hexdigest()
        self._workers.learn(digest, vocabulary)
        return digest

    def refuse_bulk(self, turn: Turn) -> None:
        """Raises BeyondLimit for what is too large to do anything with it. All else is looked at when it compiles."""
        check_count(turn, self._limits)
        refuse_size(turn, self._settings.max_schema_bytes)

    def find(self, one: Wanted) -> Compiled | None:
        """What is kept of it. Raises the GrammarError that is."""
        done = self._kept.find(one.key)
        if done is None:
            return None
        self._metrics.compile_hits.inc()
        return _outcome(done)

    async def compiled(self, one: Wanted) -> Compiled:
        """Raises GrammarError; BadRequest for what takes too long or too much, Unavailable where all is too busy."""
        with self._lock:
            if (found := self.find(one)) is not None:
                return found
            if (failure := self._failed.find(one.key)) is not None and self._clock() < failure[1]:
                raise explained(failure[0], self._settings)
            flight = self._boarded(one)
        self._metrics.compile_misses.inc()
        try:
            with self._metrics.compile_time.time():
                await _landed(flight.future)
        finally:
            self._left(flight)
        try:
            return _outcome(flight.future.result())
        except WorkerError as error:
            raise explained(error, self._settings) from error

    def _boarded(self, one: Wanted) -> _Flight:
        flight = self._flights.get(one.key)
        if flight is None:
            ask = Ask(one.turn, one.vocabulary, self._limits, self._settings.compile_timeout)
            flight = self._flights[one.key] = _Flight(self._workers.submit(ask))
            flight.future.add_done_callback(partial(self._keep, one.key))
        flight.waiting += 1
        return flight

    def _left(self, flight: _Flight) -> None:
        """What nobody waits for any more is not begun. What has begun is finished, and kept."""
        with self._lock:
            flight.waiting -= 1
            if not flight.waiting:
                flight.future.cancel()

    def _keep(self, key: bytes, future: Future[Done]) -> None:
        with self._lock:
            del self._flights[key]
            if future.cancelled():
                return
            error = future.exception()
            if error is None:
                self._kept.put(key, future.result())
            elif isinstance(error, RECURRING):
                self._failed.put(key, (error, self._clock() + REMEMBERED_FOR))


def limits(settings: Settings) -> Limits:
    """The compiler's limits, under the names that the settings have for them."""
    return Limits(
        tools=settings.max_tools,
        schema_depth=settings.max_schema_depth,
        properties=settings.max_properties,
        enum_values=settings.max_enum_values,
        pattern_length=settings.max_pattern_length,
        repetitions=settings.max_repetitions,
        client_grammars=not settings.no_client_grammars,
    )


def _outcome(done: Done) -> Compiled:
    """Raises a GrammarError of its own: one that is raised twice grows."""
    if isinstance(done.answer, GrammarError):
        error = done.answer
        raise type(error)(error.message, pointer=error.pointer, keyword=error.keyword)
    return done.answer


async def _landed(future: Future[Any]) -> None:
    """Until the future is done. A wait that is cancelled does not cancel it: others may wait too."""
    loop = asyncio.get_running_loop()
    told = loop.create_future()
    future.add_done_callback(lambda _: _tell(loop, told))
    await told


def _tell(loop: asyncio.AbstractEventLoop, told: asyncio.Future[None]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and whoever waited with it
        loop.call_soon_threadsafe(lambda: None if told.done() else told.set_result(None))
