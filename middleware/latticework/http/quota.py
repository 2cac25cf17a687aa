"""Limits per caller: requests per minute, and concurrent requests."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace

from starlette.types import ASGIApp, Receive, Scope, Send

from latticework.errors import RateLimited
from latticework.http.auth import CALLER
from latticework.peers import Held

# The caller of all requests on a server without keys.
ANONYMOUS = b""
# Seconds of a Retry-After for the end of a running request, which nobody can predict.
CONCURRENCY_RETRY = 1
# Rounding errors of a token that add up with the seconds.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Bucket:
    """A token bucket that holds a minute's requests and refills evenly.

    Attributes:
        tokens: requests that it admits at `at`.
        at: seconds on the same clock as every `now`.
    """

    per_minute: int
    tokens: float
    at: float

    def refilled(self, now: float) -> Bucket:
        gained = max(0.0, now - self.at) * self.per_minute / 60
        return replace(self, tokens=min(float(self.per_minute), self.tokens + gained), at=now)

    def without_token(self) -> Bucket:
        return replace(self, tokens=self.tokens - 1)

    @property
    def wait(self) -> float:
        """Seconds until it has a token, 0 if it has."""
        return 0.0 if self.tokens >= 1 - ROUNDING else (1 - self.tokens) * 60 / self.per_minute


@dataclass
class _Usage:
    """What one caller has used of its limits."""

    bucket: Bucket | None
    running: int = 0

    def is_unused(self, now: float) -> bool:
        """Whether it equals a new caller's usage."""
        return not self.running and (self.bucket is None or self.bucket.refilled(now).tokens >= self.bucket.per_minute)


@dataclass
class Quotas:
    """The usage of all callers. None: no limit."""

    per_minute: int | None
    concurrent: int | None
    clock: Callable[[], float] = time.monotonic
    _usage: dict[bytes, _Usage] = field(default_factory=dict)

    @property
    def limited(self) -> bool:
        return self.per_minute is not None or self.concurrent is not None

    @contextmanager
    def acquire(self, caller: bytes) -> Iterator[None]:
        """Counts one request of the caller. Raises RateLimited; a refused request uses nothing."""
        usage = self._usage_of(caller)
        self._refuse_concurrency(usage)
        self._take_token(usage)
        usage.running += 1
        try:
            yield
        finally:
            usage.running -= 1

    def requesting(self, caller: bytes) -> AbstractAsyncContextManager[None]:
        """The same for one process."""
        return Held(self.acquire(caller))

    def _usage_of(self, caller: bytes) -> _Usage:
        if caller not in self._usage:
            now = self.clock()
            # Keys come and go with their file: unused callers are dropped.
            self._usage = {known: usage for known, usage in self._usage.items() if not usage.is_unused(now)}
            full = self.per_minute and Bucket(self.per_minute, self.per_minute, now)
            self._usage[caller] = _Usage(full or None)
        return self._usage[caller]

    def _refuse_concurrency(self, usage: _Usage) -> None:
        if self.concurrent is not None and usage.running >= self.concurrent:
            raise RateLimited(
                f"Rate limit reached on concurrent requests: Limit {self.concurrent}. "
                "Please try again when one of them has finished.",
                retry_after=CONCURRENCY_RETRY,
            )

    def _take_token(self, usage: _Usage) -> None:
        if usage.bucket is None:
            return
        bucket = usage.bucket.refilled(self.clock())
        if bucket.wait:
            seconds = math.ceil(bucket.wait)
            raise RateLimited(
                f"Rate limit reached on requests per min (RPM): Limit {self.per_minute}. "
                f"Please try again in {seconds}s.",
                retry_after=seconds,
            )
        usage.bucket = bucket.without_token()


class QuotaLimiter:
    """Wraps an app, within KeyAuth, in limits per caller. Raises RateLimited."""

    def __init__(self, app: ASGIApp, requesting: Callable[[bytes], AbstractAsyncContextManager[None]]) -> None:
        """`requesting` counts a request of a caller for the block."""
        self._app = app
        self._requesting = requesting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The app returns once the response has ended or the client has disconnected.
        async with self._requesting(scope.get(CALLER, ANONYMOUS)):
            await self._app(scope, receive, send)
