"""Something to throw values at, many of them: what breaks is counted, and the next one follows."""

from __future__ import annotations

import faulthandler
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

# How long one case may take, on a machine that is busy. Native code that never returns ends the process, a bit later.
SECONDS = 20.0
# A value's text, and how many failures are told with theirs.
LONGEST = 2000
TOLD = 20


class Hung(BaseException):
    """A case that takes longer than it may. No `except Exception` on its way stops it."""


@dataclass(frozen=True)
class Target:
    """`check` says in one word how a value was taken. It raises where that is a bug."""

    name: str
    values: st.SearchStrategy[Any]
    check: Callable[[Any], str]


@dataclass
class Found:
    """What came of some cases. `outcomes` counts them by what `check` said; `failures` are told in full."""

    cases: int = 0
    crashes: int = 0
    hangs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, other: Found) -> None:
        self.cases += other.cases
        self.crashes += other.crashes
        self.hangs += other.hangs
        self.outcomes += other.outcomes
        self.failures += other.failures


def explore(target: Target, cases: int, start: int) -> Found:
    """The same cases for the same `start`. Main thread only, for the alarm's sake."""
    found = Found()
    quietly = list(HealthCheck)

    @seed(start)
    @settings(max_examples=cases, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=quietly)
    @given(target.values)
    def every(value: Any) -> None:
        if found.cases < cases:
            _try(target, value, found)

    every()
    return found


def _try(target: Target, value: Any, found: Found) -> None:
    found.cases += 1
    try:
        with within(SECONDS):
            found.outcomes[target.check(value)] += 1
    except Hung:
        found.hangs += 1
        _tell(found, target, value, f"longer than {SECONDS:g} s")
    except Exception:  # noqa: BLE001 - the outermost boundary of a case
        found.crashes += 1
        _tell(found, target, value, traceback.format_exc(limit=-6))


def _tell(found: Found, target: Target, value: Any, what: str) -> None:
    if len(found.failures) < TOLD:
        found.failures.append(f"{target.name}: {repr(value)[:LONGEST]}\n{what}")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises Hung in what takes longer."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(3 * seconds, exit=True)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
