"""latticework's own metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics import MetricWrapperBase

from latticework.telemetry import Metrics
from latticework.telemetry.tracing import ATTRIBUTES
from tests.docs.made import code, table


def part() -> str:
    return table(("name", "type", "labels", "meaning"), _rows())


def _rows() -> Iterator[tuple[str, ...]]:
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            yield code(name), family.type, ", ".join(metric._labelnames), family.documentation


def attributes() -> str:
    """The attributes of a span, and their names in the log."""
    return table(("log", "span"), [(code(ours), code(theirs)) for ours, theirs in ATTRIBUTES.items()])
