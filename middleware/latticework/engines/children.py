"""A process of an engine: it ends with the server, is part of a group that can be ended as a whole, and says why it
did not start.

Left alone, an engine lives on for minutes after a server that was killed, and keeps the memory of its device.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe, current_process
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

from latticework import lifeline

# What vLLM's processes log, with a traceback, when they give up at their start.
FAILED = "failed to start"

# What the processes that this one has started have to say, until `reasons` has read it: connections, whose class
# depends on the system.
_reports: list[Any] = []


class ChildProcess(SpawnProcess):
    """`prepare` is called in the process before anything else."""

    prepare: Callable[[], object]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.prepare = _nothing
        self._leads = not isinstance(current_process(), ChildProcess)
        self._report: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Unpickled in the new process, in this order: what it is to run takes seconds to import."""
        return _born, (os.getpid(), self._leads), self.__dict__

    def start(self) -> None:
        ours, theirs = Pipe(duplex=False)
        _reports.append(ours)
        with theirs:
            self._report = theirs
            super().start()

    def run(self) -> None:
        self.prepare()
        failures = _failures_in_log()
        try:
            super().run()
        except Exception:
            if not failures:
                raise
            sys.exit(1)
        finally:
            self._say(failures)

    def _say(self, failures: list[str]) -> None:
        """Why this one gave up: because one that it had started gave up, or else by its own log."""
        with self._report as report, suppress(OSError):
            if failures:
                report.send((reasons() or failures)[0])


def _nothing() -> None:
    """Can be pickled, as no lambda can."""


def _born(parent: int, leads: bool) -> ChildProcess:
    lifeline.end_with(parent)
    if leads and sys.platform != "win32":
        # Ctrl-C and the end of a terminal reach the server alone, which lets running answers finish.
        os.setpgid(0, 0)
    return ChildProcess.__new__(ChildProcess)


class ChildContext(SpawnContext):
    """multiprocessing's context for such processes."""

    def __init__(self, prepare: Callable[[], object]) -> None:
        super().__init__()
        self._prepare = prepare

    def Process(self, *args: Any, **options: Any) -> ChildProcess:  # type: ignore[override]
        """Of the name that multiprocessing gives it."""
        process = ChildProcess(*args, **options)
        process.prepare = self._prepare
        return process


def reasons() -> list[str]:
    """Why processes that this one has started gave up, one line each. Forgets them all."""
    read = []
    for report in _reports:
        with report, suppress(EOFError, OSError):
            if report.poll():
                read.append(report.recv())
    _reports.clear()
    return read


def end_group(leader: int) -> None:
    """Kills what is left of the group of a process that this one has started."""
    if sys.platform != "win32":
        with suppress(OSError):
            os.killpg(leader, signal.SIGKILL)


def _failures_in_log() -> list[str]:
    """Fills with the reasons of a failed start as they are logged, whose tracebacks it takes out of the log."""
    failures: list[str] = []
    make = logging.getLogRecordFactory()

    def record(*args: Any, **options: Any) -> logging.LogRecord:
        made = make(*args, **options)
        error = made.exc_info[1] if made.exc_info else None
        if error is not None and FAILED in made.getMessage():
            failures.append(reason_of(error))
            if not shows_tracebacks():
                made.exc_info = None
        return made

    logging.setLogRecordFactory(record)
    return failures


def shows_tracebacks() -> bool:
    """vLLM's own setting for more detail."""
    return os.environ.get("VLLM_LOGGING_LEVEL", "").upper() == "DEBUG"


def reason_of(error: BaseException) -> str:
    """An error's message in one line, with its type where that says more."""
    text = " ".join(str(error).split())
    return text if text and isinstance(error, ValueError | RuntimeError) else f"{type(error).__name__}: {text}"
