"""A compile process, from the server's side. It is replaced after its first failure."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from latticework.compiling import (
    CompileCrash,
    CompileOutOfMemory,
    CompileTask,
    CompileTimeout,
    Outcome,
    Reply,
    WorkerDied,
    WorkerError,
    system,
)

# Seconds for an interpreter, its imports and a large vocabulary, on a machine that may be loading a model.
START_TIMEOUT = 120.0
COMMAND = (sys.executable, "-m", "latticework.compiling.process")
# Seconds between two checks of a compile's memory.
MEMORY_CHECK_INTERVAL = 0.05

# Other exit statuses are WorkerDied. Native code aborts when an allocation fails.
EXIT_ERRORS: Mapping[int, type[WorkerError]] = dict.fromkeys(system.ABORTED, CompileOutOfMemory) | dict.fromkeys(
    system.CRASHED, CompileCrash
)


@dataclass(frozen=True)
class CompileResult:
    """A compile that ended by itself. `weight` is the size of its reply in bytes."""

    outcome: Outcome
    weight: int


class Child:
    """Used by one thread, except for `kill`."""

    def __init__(self, memory: int, probe: system.MemoryProbe = system.memory_probe) -> None:
        """`memory`: bytes that one compile may take. Raises WorkerDied where no process can be started."""
        self._memory = memory
        self._probe = probe
        ours, theirs = socket.socketpair()
        with ours, theirs:
            try:
                environ = {**os.environ, "PYTHONPATH": _import_path()}
                self._process = system.start_process((*COMMAND, str(memory)), theirs, environ)
            except OSError as error:
                raise WorkerDied(str(error)) from error
            self._connection = Connection(ours.detach())
        self._loaded: set[str] = set()
        self.usable = True

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Raises WorkerError."""
        self._receive(START_TIMEOUT)

    def load(self, digest: str, vocabulary: bytes) -> None:
        """Sends a pickled LoadVocabulary, unless the process has it. Raises WorkerError."""
        if digest not in self._loaded:
            self._send(vocabulary)
            self._receive(START_TIMEOUT)
            self._loaded.add(digest)

    def compile(self, task: CompileTask) -> CompileResult:
        """Raises WorkerError."""
        self._send(pickle.dumps(task, 5))
        received = self._receive(task.seconds, self._probe)
        reply: Reply = pickle.loads(received)
        self.usable = not (reply.grown or isinstance(reply.outcome, CompileOutOfMemory))
        if isinstance(reply.outcome, WorkerError):
            raise reply.outcome
        return CompileResult(reply.outcome, len(received))

    def kill(self) -> None:
        """From any thread. Whoever waits for a reply gets WorkerDied."""
        self._process.kill()

    def close(self) -> None:
        """Returns once the process is gone, whatever it was doing."""
        self.usable = False
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def _send(self, message: bytes) -> None:
        try:
            self._connection.send_bytes(message)
        except OSError:
            raise self._exit_error() from None

    def _receive(self, seconds: float, probe: system.MemoryProbe = None) -> bytes:
        try:
            if self._poll(seconds, probe):
                return self._connection.recv_bytes()
        except (EOFError, OSError):
            raise self._exit_error() from None
        self.usable = False
        raise CompileTimeout

    def _poll(self, seconds: float, probe: system.MemoryProbe) -> bool:
        """Whether a reply came in time. Raises CompileOutOfMemory once `probe` sees too much memory taken."""
        if probe is None:
            return self._connection.poll(seconds)
        deadline, initial = time.monotonic() + seconds, probe(self.pid)
        while (left := deadline - time.monotonic()) > 0:
            if self._connection.poll(min(left, MEMORY_CHECK_INTERVAL)):
                return True
            if probe(self.pid) - initial > self._memory:
                self.usable = False
                raise CompileOutOfMemory
        return False

    def _exit_error(self) -> WorkerError:
        self.usable = False
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        return EXIT_ERRORS.get(code or 0, WorkerDied)(f"exit status {code}")


def _import_path() -> str:
    """What this process can import from, however its path was set."""
    return os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
