"""Spans, as OpenTelemetry's own SDK collects and sends them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from latticework import create_app
from latticework.telemetry import tracing
from tests.http import chat
from tests.scripted import ScriptedEngine, says

TRACE = "0af7651916cd43dd8448eb211c80319c"
SENDER = """
import os
from latticework.telemetry import tracing
assert tracing.configure_tracing(os.environ)
with tracing.request_span({"headers": []}) as span:
    tracing.set_span_attributes(span, {"outcome": "stop", "model": "m"}, failed=False)
from opentelemetry import trace
trace.get_tracer_provider().shutdown()
"""


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def only(spans: InMemorySpanExporter) -> ReadableSpan:
    (span,) = spans.get_finished_spans()
    return span


def test_a_request_is_a_span_of_its_callers_trace(spans: InMemorySpanExporter) -> None:
    response = chat(create_app(ScriptedEngine(says("hello"))), {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    span = only(spans)
    assert span.attributes is not None
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.attributes["gen_ai.request.model"] == "scripted"
    assert span.attributes["gen_ai.usage.output_tokens"] == 2
    assert span.attributes["latticework.outcome"] == "stop"
    assert span.attributes["latticework.request_id"] == response.headers["x-request-id"]
    assert span.status.is_ok


def test_a_refused_request_is_a_failed_span_that_holds_nothing_of_it(spans: InMemorySpanExporter) -> None:
    chat(create_app(ScriptedEngine(says("hello"))), temperature="wombat")
    span = only(spans)
    assert span.status.description == "invalid_request_error"
    assert "wombat" not in span.to_json()


def test_without_an_endpoint_nothing_is_set_up() -> None:
    assert not tracing.configure_tracing({"OTEL_SERVICE_NAME": "llm"})


@pytest.fixture
def collector() -> Iterator[tuple[str, list[str]]]:
    """A server that takes what it is sent, and the paths that it was sent to."""
    paths: list[str] = []

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Takes) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


def test_spans_are_sent_to_the_endpoint_of_the_environment(collector: tuple[str, list[str]]) -> None:
    endpoint, paths = collector
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", SENDER], env=variables, check=True, timeout=60)
    assert paths == ["/v1/traces"]
