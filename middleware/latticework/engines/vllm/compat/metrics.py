"""vLLM's metrics: those of each engine apart, and written for many steps in one go.

vLLM counts in prometheus_client's global registry, from which each engine that is made throws the metrics of those
before it. And it writes some thirty metrics after every step, on the event loop, one of them once for each token: half
of that cost is switching to it, and the tokens of one step have mostly waited equally long.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from prometheus_client import REGISTRY, CollectorRegistry

from latticework.engines.vllm.compat.patch import written_already

Made = TypeVar("Made")

# Most steps that wait to be written: writing them must not hold up a stream.
MOST_STEPS = 32
# Seconds that they wait at most, for readers of vLLM's metrics that do not come through this server.
MOST_DELAY = 1.0
# The histograms that each step adds to. A `PrometheusStatLogger` has one of each for every engine, by its number.
BUSY_HISTOGRAMS = ("histogram_inter_token_latency", "histogram_iteration_tokens")


class Tally:
    """Replaces a histogram, and adds to it when `write` is called: equal amounts at once."""

    def __init__(self, histogram: Any) -> None:
        self._histogram = histogram
        self._amounts: list[float] = []
        self.observe = self._amounts.append

    def write(self) -> None:
        for amount, times in Counter(self._amounts).items():
            place = bisect_left(self._histogram._upper_bounds, amount)
            self._histogram._buckets[place].inc(times)
        self._histogram._sum.inc(sum(self._amounts))
        self._amounts.clear()


class StepCounts:
    """Replaces `StatLoggerManager.record`."""

    def __init__(self, record: Callable[..., None], tallies: Sequence[Tally]) -> None:
        self._record = record
        self._tallies = tallies
        self._steps: list[tuple[Any, Any]] = []
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, *args: Any, **named: Any) -> None:
        """One step."""
        self._steps.append((args, named))
        if len(self._steps) >= MOST_STEPS:
            self.write()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MOST_DELAY, self.write)

    def write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        steps, self._steps = self._steps, []
        for args, named in steps:
            self._record(*args, **named)
        for tally in self._tallies:
            tally.write()


def patch_step_metrics(llm: Any) -> Callable[[], None]:
    """Not where statistics are off, or go to loggers of the user's own.

    Returns what must be called before the metrics are read.
    """
    from vllm.v1.metrics.loggers import LoggingStatLogger, PrometheusStatLogger

    manager = llm.logger_manager
    if manager is None:
        return written_already
    # vLLM's server has it log a line now and then, which nothing does here; until then it would keep every draft.
    manager.stat_loggers = [logger for logger in manager.stat_loggers if not _is_only(logger, LoggingStatLogger)]
    if [type(logger) for logger in manager.stat_loggers] != [PrometheusStatLogger]:
        return written_already
    manager.record = counts = StepCounts(manager.record, _tallies(manager.stat_loggers[0]))
    return counts.write


def _is_only(logger: Any, kind: type) -> bool:
    """Whether it is a logger of that class, or one of them for each engine."""
    loggers = getattr(logger, "per_engine_stat_loggers", {0: logger}).values()
    return all(isinstance(each, kind) for each in loggers)


def _tallies(logger: Any) -> list[Tally]:
    """In the place of the busy histograms."""
    tallies = []
    for name in BUSY_HISTOGRAMS:
        histograms = getattr(logger, name, {})
        for number, histogram in histograms.items():
            if all(hasattr(histogram, part) for part in ("_upper_bounds", "_buckets", "_sum")):
                histograms[number] = Tally(histogram)
                tallies.append(histograms[number])
    return tallies


def with_own_metrics(make: Callable[[], Made]) -> tuple[Made, CollectorRegistry]:
    """What is made, and a registry with the metrics that were registered meanwhile."""
    before = set(REGISTRY._collector_to_names)
    made = make()
    own = CollectorRegistry()
    for collector in REGISTRY._collector_to_names:
        if collector not in before:
            own.register(collector)
    return made, own
