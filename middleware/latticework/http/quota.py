"""How much one caller may ask for: so many requests a minute, and so many at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from starlette.types import ASGIApp, Receive, Scope, Send

from latticework.errors import RateLimited
from latticework.http.auth import CALLER

# Who asks where no key is asked for: all such requests are one caller's.
ANYBODY = b""
# Nobody can tell when a running request ends, so this is a guess, in seconds.
UNTIL_ONE_ENDS = 1
# What adding up seconds may lose of a token.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Bucket:
    """A token bucket: full, it holds what a minute may bring, and it fills evenly.

    Attributes:
        tokens: how many requests it had room for at `at`.
        at: seconds, of the clock that all `now` are of.
    """

    per_minute: int
    tokens: float
    at: float

    def filled(self, now: float) -> Bucket:
        gained = max(0.0, now - self.at) * self.per_minute / 60
        return replace(self, tokens=min(float(self.per_minute), self.tokens + gained), at=now)

    def taken(self) -> Bucket:
        return replace(self, tokens=self.tokens - 1)

    @property
    def wait(self) -> float:
        """Seconds until it has a token; 0 where it has one."""
        return 0.0 if self.tokens >= 1 - ROUNDING else (1 - self.tokens) * 60 / self.per_minute


@dataclass
class _Used:
    """What one caller has used."""

    bucket: Bucket | None
    running: int = 0

    def forgettable(self, now: float) -> bool:
        """Whether it says no more than a caller's that was never seen."""
        return not self.running and (self.bucket is None or self.bucket.filled(now).tokens >= self.bucket.per_minute)


@dataclass
class Quotas:
    """The use of all callers. None is no limit."""

    per_minute: int | None
    at_once: int | None
    clock: Callable[[], float] = time.monotonic
    _used: dict[bytes, _Used] = field(default_factory=dict)

    @contextmanager
    def place(self, caller: bytes) -> Iterator[None]:
        """Holds one of the caller's places. Raises RateLimited; a request that is refused counts for nothing."""
        used = self._of(caller)
        self._refuse_crowd(used)
        self._take_token(used)
        used.running += 1
        try:
            yield
        finally:
            used.running -= 1

    def _of(self, caller: bytes) -> _Used:
        if caller not in self._used:
            now = self.clock()
            # Keys come and go with their file: only those that have used something are remembered.
            self._used = {known: used for known, used in self._used.items() if not used.forgettable(now)}
            full = self.per_minute and Bucket(self.per_minute, self.per_minute, now)
            self._used[caller] = _Used(full or None)
        return self._used[caller]

    def _refuse_crowd(self, used: _Used) -> None:
        if self.at_once is not None and used.running >= self.at_once:
            raise RateLimited(
                f"Rate limit reached on requests at once: Limit {self.at_once}. Please try again when one has ended.",
                retry_after=UNTIL_ONE_ENDS,
            )

    def _take_token(self, used: _Used) -> None:
        if used.bucket is None:
            return
        bucket = used.bucket.filled(self.clock())
        if bucket.wait:
            seconds = math.ceil(bucket.wait)
            raise RateLimited(
                f"Rate limit reached on requests per min (RPM): Limit {self.per_minute}. "
                f"Please try again in {seconds}s.",
                retry_after=seconds,
            )
        used.bucket = bucket.taken()


class Limited:
    """Refuses what is over its caller's limits. Wrap it around what costs work, within BearerAuth."""

    def __init__(self, app: ASGIApp, quotas: Quotas) -> None:
        self._app = app
        self._quotas = quotas

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Held until the response has ended, or its client has gone: the app returns then, and not before.
        with self._quotas.place(scope.get(CALLER, ANYBODY)):
            await self._app(scope, receive, send)
