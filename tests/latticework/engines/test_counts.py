"""Each engine of a process keeps its own counts, in the way of vLLM's, which throw those of the others away."""

from __future__ import annotations

from functools import partial

from prometheus_client import Gauge, generate_latest
from vllm.v1.metrics.prometheus import unregister_vllm_metrics

from latticework.engines.vllm import counts
from latticework.engines.vllm.counts import counting


def made(model: str) -> Gauge:
    """As vLLM's PrometheusStatLogger makes its gauges."""
    unregister_vllm_metrics()
    gauge = Gauge("vllm:test_running", "How many.", ["model_name"])
    gauge.labels(model).set(1)
    return gauge


def test_each_engine_keeps_its_own() -> None:
    gauges, registries = zip(*(counting(partial(made, name)) for name in ("one", "two")), strict=True)
    try:
        gauges[0].labels("one").set(5)
        told = [generate_latest(registry).decode() for registry in registries]
    finally:
        unregister_vllm_metrics()
    assert 'vllm:test_running{model_name="one"} 5.0' in told[0]
    assert 'vllm:test_running{model_name="two"} 1.0' in told[1]
    assert "process_" not in told[0] + told[1]


def test_an_engine_that_counts_nothing_is_not_told_anothers() -> None:
    counting(lambda: made("one"))
    try:
        _, registry = counting(lambda: None)
    finally:
        unregister_vllm_metrics()
    assert generate_latest(registry) == b""


def test_one_is_made_at_a_time() -> None:
    held, _ = counting(counts._MAKING.locked)
    assert held
    assert not counts._MAKING.locked()
