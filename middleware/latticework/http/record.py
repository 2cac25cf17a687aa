"""The record of a finished request: a line in the log, metrics, and a span where tracing is configured."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from latticework.engines.base import Saved
from latticework.errors import ServerFault, as_api_error
from latticework.generate import Finish, TokenCounts
from latticework.telemetry import Metrics, tracing

logger = logging.getLogger(__name__)

REQUEST_ID = "x-request-id"
# Anthropic's SDKs read the second.
ID_HEADERS = (REQUEST_ID, "request-id")
# Keys of a request's scope. Its `state` is the host's, in an app that is mounted.
ID_KEY = "latticework.request_id"
RECORD_KEY = "latticework.record"
# Ids of clients that are safe in headers and logs.
CLIENT_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

ABORTED = "aborted"
# The outcome of a request with several choices is the first of these that any choice ended with.
WORST_FIRST: Mapping[Finish, str] = {
    "length": "length",
    "calls": "tool_calls",
    "refusal": "refusal",
    "stop": "stop",
    "stop_string": "stop",
}


def request_id(scope: Scope) -> str:
    """The client's own id if it is safe to pass on, or a generated one, the same for the whole request."""
    if ID_KEY not in scope:
        given = dict(scope["headers"]).get(REQUEST_ID.encode(), b"")
        scope[ID_KEY] = given.decode() if CLIENT_ID.fullmatch(given) else f"req_{secrets.token_hex(16)}"
    return str(scope[ID_KEY])


class Generated(Protocol):
    """What a record has of a generation.

    Attributes:
        id: of the response.
    """

    id: str

    @property
    def first_at(self) -> float | None:
        """time.perf_counter() at the first token; None before, and where there is none."""

    @property
    def finishes(self) -> Sequence[Finish]:
        """The finish reasons of the choices that have ended."""

    @property
    def tokens(self) -> TokenCounts: ...

    @property
    def saved(self) -> Saved: ...


@dataclass
class Record:
    """One request. `model` is empty until the model is known to be served; `content` is empty unless it is logged."""

    id: str
    started: float = field(default_factory=time.perf_counter)
    model: str = ""
    stream: bool = False
    generation: Generated | None = None
    error: Exception | None = None
    aborted: bool = False
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        if self.error is not None:
            error = as_api_error(self.error) or ServerFault("")
            return error.code or "invalid_request_error"
        finishes = self.generation.finishes if self.generation and not self.aborted else ()
        return next((outcome for finish, outcome in WORST_FIRST.items() if finish in finishes), ABORTED)

    @property
    def first_token(self) -> float | None:
        """Seconds from the start to the first token."""
        first = self.generation.first_at if self.generation else None
        return None if first is None else first - self.started

    def fields(self) -> dict[str, Any]:
        """The log line's: without anything that the client or the model wrote, unless `content` is logged."""
        fields: dict[str, Any] = {
            "request_id": self.id,
            "model": self.model,
            "stream": self.stream,
            "outcome": self.outcome,
            "seconds": round(time.perf_counter() - self.started, 4),
        }
        if self.generation is not None:
            tokens = self.generation.tokens
            fields |= {
                "completion": self.generation.id,
                "first_token_seconds": None if self.first_token is None else round(self.first_token, 4),
                "prompt_tokens": tokens.prompt,
                "completion_tokens": tokens.generated,
                "forced_tokens": self.generation.saved.forced,
                "copied_tokens": self.generation.saved.copied,
            }
        return fields | self.content


class Recorded:
    """Wraps an endpoint, in which `record_of` returns the request's record."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(ClientDisconnect), recorded(scope, self._metrics) as record:
            scope[RECORD_KEY] = record
            await self._app(scope, receive, send)


def record_of(scope: Scope) -> Record:
    record: Record = scope[RECORD_KEY]
    return record


@contextmanager
def recorded(scope: Scope, metrics: Metrics) -> Iterator[Record]:
    """The record of one request. It is logged and counted when the block is left, in any way."""
    record = Record(request_id(scope))
    metrics.in_progress.inc()
    with tracing.request_span(scope) as span:
        try:
            yield record
        except ClientDisconnect:
            record.aborted = True
            raise
        except Exception as error:
            record.error = error
            raise
        finally:
            metrics.in_progress.dec()
            fields = record.fields()
            tracing.set_span_attributes(span, fields, failed=record.error is not None)
            _count_request(metrics, record, fields["seconds"])
            logger.info("%s", " ".join(f"{name}={value}" for name, value in fields.items()), extra={"fields": fields})


def _count_request(metrics: Metrics, record: Record, seconds: float) -> None:
    metrics.requests.labels(record.model, record.outcome).inc()
    metrics.duration.labels(record.model).observe(seconds)
    if record.generation is None:
        return
    if record.first_token is not None:
        metrics.first_token.labels(record.model).observe(record.first_token)
    tokens, saved = record.generation.tokens, record.generation.saved
    for counter, count in (
        (metrics.prompt_tokens, tokens.prompt),
        (metrics.completion_tokens, tokens.generated),
        (metrics.forced_tokens, saved.forced),
        (metrics.copied_tokens, saved.copied),
    ):
        counter.labels(record.model).inc(count)
