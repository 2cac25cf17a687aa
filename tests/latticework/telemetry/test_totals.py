"""The metrics of several processes together."""

from __future__ import annotations

from latticework.telemetry import Metrics
from latticework.telemetry.totals import counted_metrics, families_of, total_metrics

ONE = b"""# HELP asked_total Requests.
# TYPE asked_total counter
asked_total{model="a b",code="x"} 2.0
asked_total{model="c"} 1.0
# HELP asked_created Requests.
# TYPE asked_created gauge
asked_created{model="c"} 1.7e+09
# HELP open Now.
# TYPE open gauge
open 3.0
# HELP slow Time.
# TYPE slow histogram
slow_bucket{le="1.0"} 1.0
slow_bucket{le="+Inf"} 2.0
slow_count 2.0
slow_sum 5.5
# HELP process_start_time_seconds Start.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 50.0
"""
OTHER = ONE.replace(b'"c"} 1.0', b'"d"} 4.0').replace(b" 50.0", b" 40.0").replace(b"1.7e+09", b"1.8e+09")


def samples(text: bytes) -> dict[str, float]:
    return {series: value for family in families_of(text).values() for series, value in family.samples.items()}


def test_each_series_has_the_sum() -> None:
    total = samples(total_metrics([ONE, OTHER]))
    assert total['asked_total{model="a b",code="x"}'] == 4
    assert (total['asked_total{model="c"}'], total['asked_total{model="d"}']) == (1, 4)
    assert (total["open"], total['slow_bucket{le="+Inf"}'], total["slow_sum"]) == (6, 4, 11)


def test_times_of_starts_are_those_of_the_oldest() -> None:
    total = samples(total_metrics([ONE, OTHER]))
    assert (total["process_start_time_seconds"], total['asked_created{model="c"}']) == (40, 1.7e9)


def test_of_one_that_has_ended_its_counts_remain() -> None:
    gone = total_metrics([counted_metrics(ONE), OTHER])
    assert samples(gone)["open"] == 3
    assert samples(gone)["slow_count"] == 4
    assert samples(gone)["process_start_time_seconds"] == 40


def test_nothing_is_lost_of_real_metrics() -> None:
    metrics = Metrics()
    metrics.initialize("m")
    metrics.requests.labels('"m"\n', "stop").inc(0.25)
    metrics.duration.labels("m").observe(3)
    assert samples(total_metrics([metrics.text()])).keys() == samples(metrics.text()).keys()
    metrics.regenerations.labels("m").inc(2)
    twice = metrics.warnings_in(total_metrics([metrics.text(), metrics.text()]))
    assert twice == {name: 2 * count for name, count in metrics.warnings.items()}
    assert twice["regenerations"] == 4
