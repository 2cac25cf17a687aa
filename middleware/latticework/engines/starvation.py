"""How long an engine's processes waited for a processor, as Linux counts it: on a machine that is too busy, an engine
answers late, and does not hang.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


class Starvation:
    """Of groups of processes: those of a group work at the same time, and the groups one after the other.

    A thread that sleeps, is stopped or runs does not wait for a processor.
    """

    def __init__(self, *groups: Collection[int], root: Path = PROC) -> None:
        self._groups = groups
        self._root = root
        self._before = self._waited()

    def seconds(self) -> float:
        """Since the last call, of each group's thread that waited longest; 0 where the system does not count it."""
        before, self._before = self._before, self._waited()
        return sum(map(_longest, before, self._before)) / 1e9

    def _waited(self) -> Sequence[Mapping[str, int]]:
        """Nanoseconds so far of each group, by thread."""
        return [
            dict(pair for process in group for pair in _threads(self._root / str(process) / "task"))
            for group in self._groups
        ]


def _longest(before: Mapping[str, int], after: Mapping[str, int]) -> int:
    """A thread that is new has not waited."""
    return max((waited - before.get(thread, waited) for thread, waited in after.items()), default=0)


def _threads(folder: Path) -> Iterator[tuple[str, int]]:
    """Each thread of a process with the nanoseconds that it has waited: the second number of its schedstat."""
    with suppress(OSError):  # the process has ended
        for thread in folder.iterdir():
            with suppress(OSError, IndexError, ValueError):  # the thread has ended, or this system has other files
                yield thread.name, int((thread / "schedstat").read_text().split()[1])


def members(leaders: Collection[int]) -> tuple[int, ...]:
    """The processes of the groups with these leaders; none on a system without /proc."""
    with suppress(OSError):
        processes = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
        return tuple(process for process in processes if _group(process) in leaders)
    return ()


def _group(process: int) -> int | None:
    if sys.platform != "win32":  # which has neither groups of processes nor /proc
        with suppress(OSError):
            return os.getpgid(process)
    return None
