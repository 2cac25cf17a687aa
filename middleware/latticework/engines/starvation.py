"""How long an engine's processes waited for a processor, as Linux counts it: on a machine that is too busy, an engine
answers late, and does not hang.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


class Starvation:
    """Of some processes. A thread that sleeps, is stopped or runs does not wait for a processor."""

    def __init__(self, processes: Collection[int] = (), root: Path = PROC) -> None:
        self._processes = processes
        self._root = root
        self._before = self._waited()

    def seconds(self) -> float:
        """Since the last call, of the thread that waited longest; 0 where the system does not count it."""
        before, self._before = self._before, self._waited()
        most = max((waited - before.get(thread, waited) for thread, waited in self._before.items()), default=0)
        return most / 1e9

    def _waited(self) -> Mapping[str, int]:
        """Nanoseconds so far, by thread."""
        return dict(pair for process in self._processes for pair in _threads(self._root / str(process) / "task"))


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
    with suppress(OSError):
        return os.getpgid(process)
    return None
