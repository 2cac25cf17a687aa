"""vLLM's metrics: steps written together count as much as those written one by one, and each engine keeps its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram, generate_latest
from vllm.config import VllmConfig
from vllm.v1.engine import FinishReason
from vllm.v1.metrics.loggers import StatLoggerManager
from vllm.v1.metrics.prometheus import unregister_vllm_metrics
from vllm.v1.metrics.stats import FinishedRequestStats, IterationStats, SchedulerStats
from vllm.v1.spec_decode.metrics import SpecDecodingStats

from latticework.engines.vllm.compat import metrics
from latticework.engines.vllm.compat.metrics import MOST_STEPS, StepCounts, Tally, patch_step_metrics, with_own_metrics

BOUNDS = [0.1, 0.5, 1.0]
# More than are written in one go, and some that are not written until somebody looks.
STEPS = 2 * MOST_STEPS + 5


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """vLLM's metrics stay with the process."""
    yield
    unregister_vllm_metrics()


def engine() -> Any:
    config: Any = VllmConfig()
    config.model_config = SimpleNamespace(served_model_name="m", max_model_len=100, is_diffusion=False)
    return SimpleNamespace(logger_manager=StatLoggerManager(config, engine_idxs=[0, 1]))


def record(llm: Any, number: int) -> None:
    """The step of this number: tokens for three answers, the first of which ends now and then."""
    step = IterationStats()
    step.num_generation_tokens = 3
    step.inter_token_latencies_iter += [number / 64, number / 64, 0.25]
    if number % 7 == 0:
        step.finished_requests.append(FinishedRequestStats(FinishReason.STOP, num_generation_tokens=number))
    if number % 5 == 0:
        step.time_to_first_tokens_iter.append(0.125 * number)
    scheduler = SchedulerStats(num_running_reqs=number, kv_cache_usage=number / 1000)
    scheduler.prefix_cache_stats.queries = number
    scheduler.spec_decoding_stats = SpecDecodingStats(2, 1, 2, 1, [1, 0], [1, 1])
    llm.logger_manager.record(scheduler, step, engine_idx=number % 2)


def told(write: Callable[[], None]) -> list[str]:
    """All that a scrape has of vLLM, but for when it began to be counted."""
    write()
    lines = generate_latest(REGISTRY).decode().splitlines()
    return [line for line in lines if line.startswith("vllm:") and "_created" not in line]


def counted(steps: int, *, together: bool) -> list[list[str]]:
    """What a scrape has after every seventh step."""

    async def counts() -> list[list[str]]:
        llm = engine()
        write = patch_step_metrics(llm) if together else lambda: None
        assert isinstance(llm.logger_manager.record, StepCounts) == together
        scrapes = []
        for number in range(steps):
            record(llm, number)
            if number % 7 == 0:
                scrapes.append(told(write))
        return [*scrapes, told(write)]

    return asyncio.run(counts())


def test_every_scrape_is_the_same() -> None:
    assert counted(STEPS, together=True) == counted(STEPS, together=False)


async def seen(steps: int) -> list[int]:
    """Which of so many steps are written without being asked for."""
    written: list[int] = []
    counts = StepCounts(written.append, ())
    for number in range(steps):
        counts(number)
    return written


def test_steps_wait_until_there_are_many() -> None:
    assert asyncio.run(seen(MOST_STEPS - 1)) == []
    assert asyncio.run(seen(2 * MOST_STEPS + 1)) == list(range(2 * MOST_STEPS))


def test_steps_do_not_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MOST_DELAY", 0)

    async def waits() -> None:
        written = asyncio.Event()
        StepCounts(written.set, ())()
        await asyncio.wait_for(written.wait(), 30)

    asyncio.run(waits())


@pytest.mark.parametrize("amounts", [[], [0.1], [0.05, 0.1, 0.100001, 0.5, 0.5, 0.5, 7.0, 1.0, -1.0]])
def test_a_tally_is_what_the_histogram_would_have_counted(amounts: list[float]) -> None:
    registries = CollectorRegistry(), CollectorRegistry()
    one, many = (Histogram("h", "h", registry=registry, buckets=BOUNDS) for registry in registries)
    tally = Tally(many)
    for amount in amounts:
        one.observe(amount)
        tally.observe(amount)
    tally.write()
    tally.write()
    assert _samples(registries[1]) == pytest.approx(_samples(registries[0]))


def _samples(registry: CollectorRegistry) -> dict[str, float]:
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    return {str((one.name, one.labels)): one.value for one in samples if not one.name.endswith("_created")}


def test_what_somebody_else_counts_stays_as_it_is() -> None:
    llm = engine()
    llm.logger_manager.stat_loggers.append(other := SimpleNamespace())
    patch_step_metrics(llm)
    assert not isinstance(llm.logger_manager.record, StepCounts)
    assert llm.logger_manager.stat_loggers[-1] is other


def test_no_drafts_are_kept_for_a_line_that_is_never_written(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vllm.v1.metrics.loggers")  # else vLLM has nothing that writes lines
    llm = engine()
    before = len(llm.logger_manager.stat_loggers)
    patch_step_metrics(llm)
    assert (before, len(llm.logger_manager.stat_loggers)) == (2, 1)


def test_an_engine_that_counts_nothing_is_left_alone() -> None:
    llm: Any = SimpleNamespace(logger_manager=None)
    patch_step_metrics(llm)()
    assert llm.logger_manager is None


def new_gauge(model: str) -> Gauge:
    """As vLLM's PrometheusStatLogger makes its gauges."""
    unregister_vllm_metrics()
    gauge = Gauge("vllm:test_running", "How many.", ["model_name"])
    gauge.labels(model).set(1)
    return gauge


def test_each_engine_keeps_its_own() -> None:
    gauges, registries = zip(*(with_own_metrics(partial(new_gauge, name)) for name in ("one", "two")), strict=True)
    try:
        gauges[0].labels("one").set(5)
        told = [generate_latest(registry).decode() for registry in registries]
    finally:
        unregister_vllm_metrics()
    assert 'vllm:test_running{model_name="one"} 5.0' in told[0]
    assert 'vllm:test_running{model_name="two"} 1.0' in told[1]
    assert "process_" not in told[0] + told[1]


def test_an_engine_that_counts_nothing_is_not_told_anothers() -> None:
    with_own_metrics(lambda: new_gauge("one"))
    try:
        _, registry = with_own_metrics(lambda: None)
    finally:
        unregister_vllm_metrics()
    assert generate_latest(registry) == b""
