"""How much computing a check may take: whoever works on its behalf asks, wherever work can grow beyond all bounds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Exceeded(Exception):
    """The work was given up."""


_END: ContextVar[float] = ContextVar("_END", default=float("inf"))


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Within it, this thread may compute for so long."""
    token = _END.set(time.thread_time() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def left() -> float:
    """Seconds; infinite without a budget. Raises Exceeded where there are none."""
    seconds = _END.get() - time.thread_time()
    if seconds <= 0:
        raise Exceeded
    return seconds
