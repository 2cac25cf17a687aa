"""What is told of each request once it has ended: a line in the log, counts, and a span where tracing is configured."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from latticework.errors import ServerFault, as_api_error
from latticework.generate.generation import Generation
from latticework.generate.steps import Finish
from latticework.telemetry import tracing
from latticework.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

REQUEST_ID = "x-request-id"
# Where a request's scope keeps them. Its `state` is the host's, in an app that is mounted.
OUR_ID = "latticework.request_id"
RECORD = "latticework.record"
# What a client may call its request: safe in headers and logs.
GIVEN_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

ABORTED = "aborted"
# Several answers to one request are told as one: the first of these that any of them ended with.
WORST_FIRST: Mapping[Finish, str] = {
    "length": "length",
    "tool_calls": "tool_calls",
    "stop": "stop",
    "stop_string": "stop",
}


def request_id(scope: Scope) -> str:
    """The client's own, if it gave one that can be passed on; made once for each request."""
    if OUR_ID not in scope:
        given = dict(scope["headers"]).get(REQUEST_ID.encode(), b"")
        scope[OUR_ID] = given.decode() if GIVEN_ID.fullmatch(given) else f"req_{secrets.token_hex(16)}"
    return str(scope[OUR_ID])


@dataclass
class Record:
    """One request. `model` is empty until it is known to be one of ours; `content` until it is to be logged."""

    id: str
    started: float = field(default_factory=time.perf_counter)
    model: str = ""
    stream: bool = False
    generation: Generation | None = None
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
        """Seconds until it was there."""
        first = self.generation.first_at if self.generation else None
        return None if first is None else first - self.started

    def fields(self) -> dict[str, Any]:
        """What the log says: nothing that the client or the model wrote, unless that was asked for."""
        told: dict[str, Any] = {
            "request_id": self.id,
            "model": self.model,
            "stream": self.stream,
            "outcome": self.outcome,
            "seconds": round(time.perf_counter() - self.started, 4),
        }
        if self.generation is not None:
            tokens = self.generation.tokens
            told |= {
                "completion": self.generation.id,
                "first_token_seconds": None if self.first_token is None else round(self.first_token, 4),
                "prompt_tokens": tokens.prompt,
                "completion_tokens": tokens.generated,
                "forced_tokens": self.generation.saved.forced,
                "copied_tokens": self.generation.saved.copied,
            }
        return told | self.content


class Recorded:
    """Wrap it around an endpoint, and `record_of` has the request's record."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(ClientDisconnect), recorded(scope, self._metrics) as record:
            scope[RECORD] = record
            await self._app(scope, receive, send)


def record_of(scope: Scope) -> Record:
    record: Record = scope[RECORD]
    return record


@contextmanager
def recorded(scope: Scope, metrics: Metrics) -> Iterator[Record]:
    """The record of one request, which is told when the block is left, however it is."""
    record = Record(request_id(scope))
    metrics.in_progress.inc()
    with tracing.span(scope) as span:
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
            tracing.describe(span, fields, failed=record.error is not None)
            count(metrics, record, fields["seconds"])
            logger.info("%s", " ".join(f"{name}={value}" for name, value in fields.items()), extra={"fields": fields})


def count(metrics: Metrics, record: Record, seconds: float) -> None:
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
