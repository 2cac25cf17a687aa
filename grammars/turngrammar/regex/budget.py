"""The CPU time that a thread may spend on patterns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf

_DEADLINE: ContextVar[float] = ContextVar("_DEADLINE", default=inf)


class BudgetExceeded(Exception):
    """The time budget is used up."""


@contextmanager
def time_budget(seconds: float) -> Iterator[None]:
    """Within it, this thread may compute for that many seconds of CPU time."""
    token = _DEADLINE.set(time.thread_time() + seconds)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def seconds_left() -> float:
    """Infinite without a budget. Raises BudgetExceeded if none are left."""
    deadline = _DEADLINE.get()
    if deadline == inf:
        return inf
    seconds = deadline - time.thread_time()
    if seconds <= 0:
        raise BudgetExceeded
    return seconds
