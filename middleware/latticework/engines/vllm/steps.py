"""What vLLM counts of its steps, written into its metrics for many steps in one go, and before they are read.

vLLM writes after every step, on the event loop: some thirty metrics one by one, and one of them once for each token.
Half of that is what it costs to come back to it, and the tokens of one step have mostly waited equally long.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.metrics.loggers import LoggingStatLogger, PrometheusStatLogger

# How many steps wait to be written at most: to write them must not hold up a stream.
MOST = 32
# Seconds that they wait at most, for whoever reads vLLM's metrics where nobody here is asked for them.
SOON = 1.0
# The histograms that each step adds to. A `PrometheusStatLogger` has one of each for every engine, by its number.
BUSY = ("histogram_inter_token_latency", "histogram_iteration_tokens")


class Tally:
    """Stands in for a histogram, and adds to it once it is told to: equal amounts at once."""

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
    """Stands in for `StatLoggerManager.record`."""

    def __init__(self, record: Callable[..., None], tallies: Sequence[Tally]) -> None:
        self._record = record
        self._tallies = tallies
        self._steps: list[tuple[Any, Any]] = []
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, *args: Any, **named: Any) -> None:
        """One step."""
        self._steps.append((args, named))
        if len(self._steps) >= MOST:
            self.write()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON, self.write)

    def write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        steps, self._steps = self._steps, []
        for args, named in steps:
            self._record(*args, **named)
        for tally in self._tallies:
            tally.write()


def count_together(llm: AsyncLLM) -> Callable[[], None]:
    """Has steps counted so, where they are counted for vLLM's metrics alone, and these are as they are known here.

    Returns what is to be called before the metrics are read.
    """
    manager = llm.logger_manager
    if manager is None:
        return _nothing
    # It would write a line now and then if it were asked to, which nobody does here. It keeps each draft until then.
    manager.stat_loggers = [logger for logger in manager.stat_loggers if not _writes_lines(logger)]
    if [type(logger) for logger in manager.stat_loggers] != [PrometheusStatLogger]:
        return _nothing
    manager.record = counts = StepCounts(manager.record, _tallies(manager.stat_loggers[0]))
    return counts.write


def _nothing() -> None:
    """All is written."""


def _writes_lines(logger: Any) -> bool:
    """Whether it is vLLM's own that writes into the log, or one of them for each engine."""
    loggers = getattr(logger, "per_engine_stat_loggers", {0: logger}).values()
    return all(isinstance(one, LoggingStatLogger) for one in loggers)


def _tallies(logger: Any) -> list[Tally]:
    """Puts them in the place of the busy histograms."""
    tallies = []
    for name in BUSY:
        histograms = getattr(logger, name, {})
        for number, histogram in histograms.items():
            if all(hasattr(histogram, part) for part in ("_upper_bounds", "_buckets", "_sum")):
                histograms[number] = Tally(histogram)
                tallies.append(histograms[number])
    return tallies
