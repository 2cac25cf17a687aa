"""OpenTelemetry: a span for each request, where it is installed and configured.

An app that is mounted reports to whatever tracer provider its host has set up. `latticework serve` sets one up where
OpenTelemetry's own variables name where to (OTEL_EXPORTER_OTLP_ENDPOINT, or the one for traces alone);
OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER and the rest are read by OpenTelemetry itself.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.types import Scope

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
INSTALLED = importlib.util.find_spec("opentelemetry") is not None
SPAN = "chat"

# The log's names, and what OpenTelemetry's conventions for generative AI call them.
ATTRIBUTES: Mapping[str, str] = {
    "request_id": "latticework.request_id",
    "model": "gen_ai.request.model",
    "outcome": "latticework.outcome",
    "completion": "gen_ai.response.id",
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "first_token_seconds": "latticework.first_token_seconds",
    "forced_tokens": "latticework.forced_tokens",
    "copied_tokens": "latticework.copied_tokens",
}


class TracingUnavailable(Exception):
    """An endpoint for traces is configured, and what sends them is not installed; the message says what to install."""


@contextmanager
def span(scope: Scope) -> Iterator[Any]:
    """A span of the trace that the request's `traceparent` header tells of; None where nothing traces."""
    if not INSTALLED:
        yield None
        return
    from opentelemetry import propagate, trace

    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    tracer = trace.get_tracer("latticework")
    context = propagate.extract(headers)
    with tracer.start_as_current_span(
        SPAN, context, trace.SpanKind.SERVER, record_exception=False, set_status_on_exception=False
    ) as made:
        yield made


def describe(made: Any, fields: Mapping[str, Any], *, failed: bool) -> None:
    """Gives a span what is known of its request."""
    if made is None or not made.is_recording():
        return
    from opentelemetry.trace import StatusCode

    made.set_attribute("gen_ai.operation.name", SPAN)
    for name, attribute in ATTRIBUTES.items():
        if fields.get(name) is not None:
            made.set_attribute(attribute, fields[name])
    if failed:
        made.set_status(StatusCode.ERROR, fields["outcome"])


def configure(environ: Mapping[str, str]) -> bool:
    """Has spans sent to where the environment says, in batches; whether it says so. Raises TracingUnavailable."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return False
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TracingUnavailable(
            "an endpoint for traces is configured: pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
        ) from error
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True
