"""A vocabulary with which some compiles go wrong, in the process that does them: the title of the schema says how."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Mapping
from typing import Any

from latticework.compiling import CompileRequest, CompileTask
from latticework.compiling.workers import WorkerPool
from latticework.engines.vocabulary import Trial, Vocabulary
from turngrammar.formats import FORMATS
from turngrammar.limits import Limits
from turngrammar.turn import JsonContent, Turn


class Faulty(Vocabulary):
    def trial(self, grammar: str, text: str = "") -> Trial:
        for fault, happen in FAULTS.items():
            if fault in grammar:
                happen()
        return super().trial(grammar, text)


def _hang() -> None:
    while True:
        pass


def _grow() -> None:
    taken = []
    while True:
        taken.append(bytearray(2**24))


def _swell() -> None:
    """As where the system keeps no process from taking what it wants."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    taken = []
    while True:
        taken.append(b"x" * 2**22)


def _overflow() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _break() -> None:
    raise ValueError("a bug")


FAULTS: Mapping[str, Callable[[], None]] = {
    "hang": _hang,
    "grow": _grow,
    "swell": _swell,
    "abort": os.abort,
    "overflow": _overflow,
    "die": _die,
    "break": _break,
}
FAULTY = Faulty("byte")
ROOMY = Limits(128, 128, 10_000, 50_000, 4096, 100_000, no_client_grammars=False)


def schema(name: str) -> Mapping[str, Any]:
    """One that the fault of that name happens to; none, with any other name."""
    return {"const": name}


def faulty_task(name: str, seconds: float, limits: Limits = ROOMY) -> CompileTask:
    turn = Turn(FORMATS["hermes"], content=JsonContent(schema(name), "/schema"))
    return CompileTask(CompileRequest(turn, "faulty"), limits, seconds)


def process_ids(workers: WorkerPool) -> tuple[int, ...]:
    """The ids of the processes that a pool has now."""
    return tuple(child.pid for child in tuple(workers._state.children))
