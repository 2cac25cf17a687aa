"""OpenTelemetry spans, one for each request, where it is installed and configured.

A mounted app uses its host's tracer provider. `latticework serve` sets one up where OTEL_EXPORTER_OTLP_ENDPOINT or
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set; OpenTelemetry itself reads OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER and the
like.
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

# Fields of the log line, and their names in OpenTelemetry's conventions for generative AI.
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
    """An endpoint for traces is configured, but no exporter is installed. The message has the command that does."""


@contextmanager
def request_span(scope: Scope) -> Iterator[Any]:
    """A span within the trace of the request's `traceparent` header; None where OpenTelemetry is not installed."""
    if not INSTALLED:
        yield None
        return
    from opentelemetry import propagate, trace

    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    tracer = trace.get_tracer("latticework")
    context = propagate.extract(headers)
    with tracer.start_as_current_span(
        SPAN, context, trace.SpanKind.SERVER, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span


def set_span_attributes(span: Any, fields: Mapping[str, Any], *, failed: bool) -> None:
    """Sets the attributes and the status from the fields of the log line."""
    if span is None or not span.is_recording():
        return
    from opentelemetry.trace import StatusCode

    span.set_attribute("gen_ai.operation.name", SPAN)
    for name, attribute in ATTRIBUTES.items():
        if fields.get(name) is not None:
            span.set_attribute(attribute, fields[name])
    if failed:
        span.set_status(StatusCode.ERROR, fields["outcome"])


def configure_tracing(environ: Mapping[str, str]) -> bool:
    """Sends spans in batches to the endpoint in `environ`. Whether there is one. Raises TracingUnavailable."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return False
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TracingUnavailable(
            "an endpoint for traces is configured, but no exporter is installed: "
            "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
        ) from error
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True
