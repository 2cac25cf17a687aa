"""What is told of each request once it has ended: a line in the log, counts, and a span where tracing is configured."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from latticework.errors import ServerFault, as_api_error
from latticework.generate.completion import Completion
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
WORST_FIRST = ("length", "tool_calls", "stop")


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
    completion: Completion | None = None
    error: Exception | None = None
    aborted: bool = False
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        if self.error is not None:
            told = (as_api_error(self.error) or ServerFault("")).envelope.error
            return told.code or told.type
        finishes = self.completion.finishes if self.completion and not self.aborted else ()
        return next((finish for finish in WORST_FIRST if finish in finishes), ABORTED)

    @property
    def first_token(self) -> float | None:
        """Seconds until it was there."""
        first = self.completion.first_at if self.completion else None
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
        if self.completion is not None:
            usage = self.completion.usage
            told |= {
                "completion": self.completion.id,
                "first_token_seconds": None if self.first_token is None else round(self.first_token, 4),
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "forced_tokens": self.completion.saved.forced,
                "copied_tokens": self.completion.saved.copied,
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
    if record.completion is None:
        return
    if record.first_token is not None:
        metrics.first_token.labels(record.model).observe(record.first_token)
    usage, saved = record.completion.usage, record.completion.saved
    for counter, tokens in (
        (metrics.prompt_tokens, usage.prompt_tokens),
        (metrics.completion_tokens, usage.completion_tokens),
        (metrics.forced_tokens, saved.forced),
        (metrics.copied_tokens, saved.copied),
    ):
        counter.labels(record.model).inc(tokens)
