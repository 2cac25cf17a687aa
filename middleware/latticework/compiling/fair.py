"""A queue of jobs that is fair between callers: one that has many slow jobs holds up its own jobs alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _CallerJobs(Generic[T]):
    """The jobs of one caller."""

    waiting: deque[T] = field(default_factory=deque)
    running: int = 0


class FairQueue(Generic[T]):
    """Callers take turns, and each has at most `most` jobs running at once. Used under its owner's lock.

    The caller None is unknown: its jobs take their turn, and any number of them may run.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[Hashable, _CallerJobs[T]] = {}  # the next to have a turn is first

    def put(self, job: T, caller: Hashable) -> None:
        self._lines.setdefault(caller, _CallerJobs()).waiting.append(job)

    def take(self) -> T | None:
        """The next job, which counts as running until `release`; None where all have to wait."""
        for caller, line in self._lines.items():
            if self._ready(caller, line):
                self._lines[caller] = self._lines.pop(caller)  # its next turn comes after everybody else's
                line.running += 1
                return line.waiting.popleft()
        return None

    def release(self, caller: Hashable) -> None:
        """One of the caller's jobs has ended."""
        line = self._lines[caller]
        line.running -= 1
        if not line.running and not line.waiting:
            del self._lines[caller]

    def ready(self) -> int:
        """The number of jobs that could be taken now."""
        return sum(self._ready(caller, line) for caller, line in self._lines.items())

    def clear(self) -> list[T]:
        """Takes out all jobs that wait."""
        waiting = [job for line in self._lines.values() for job in line.waiting]
        self._lines = {
            caller: _CallerJobs(running=line.running) for caller, line in self._lines.items() if line.running
        }
        return waiting

    def _ready(self, caller: Hashable, line: _CallerJobs[T]) -> int:
        room = len(line.waiting) if caller is None else self._most - line.running
        return max(0, min(len(line.waiting), room))
