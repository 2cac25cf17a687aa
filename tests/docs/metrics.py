"""What `/metrics` counts of the layer itself."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics import MetricWrapperBase

from latticework.telemetry.metrics import Metrics
from latticework.telemetry.tracing import ATTRIBUTES
from tests.docs.made import code, table


def part() -> str:
    return table(("name", "type", "by", "what"), _rows())


def _rows() -> Iterator[tuple[str, ...]]:
    for one in vars(Metrics()).values():
        if isinstance(one, MetricWrapperBase):
            (told,) = one.describe()
            name = told.name + ("_total" if told.type == "counter" else "")
            yield code(name), told.type, ", ".join(one._labelnames), told.documentation


def attributes() -> str:
    """What a span says of its request, and what the log calls the same."""
    return table(("in the log", "of the span"), [(code(ours), code(theirs)) for ours, theirs in ATTRIBUTES.items()])
