"""A compile process, from the server's side. It is replaced after its first failure."""

from __future__ import annotations

import os
import pickle
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from latticework.compiling import (
    CompileCrash,
    CompileOutOfMemory,
    CompileTimeout,
    NeverBegun,
    Outcome,
    Reply,
    Task,
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

    def __init__(
        self,
        memory: int,
        probe: system.MemoryProbe = system.memory_probe,
        ended: Callable[[], object] = lambda: None,
    ) -> None:
        """`memory`: bytes that one compile may take. `ended` is called once the process has ended, in another thread.

        Raises WorkerDied where no process can be started.
        """
        self._memory = memory
        self._probe = probe
        ours, theirs = socket.socketpair()
        with ours, theirs:
            try:
                # Threads of a tokenizer would each take address space, which is limited, for a single text.
                environ = {**os.environ, "PYTHONPATH": import_path(), "TOKENIZERS_PARALLELISM": "false"}
                self._process = system.start_process((*COMMAND, str(memory), str(os.getpid())), theirs, environ)
            except OSError as error:
                raise WorkerDied(str(error)) from error
            self._connection = Connection(ours.detach())
        self._loaded: set[str] = set()
        self._sound = True
        self._begun = False  # whether it may have read a task that it has not answered
        self._ended = threading.Event()
        threading.Thread(target=self._watch, args=(ended,), name="compile end", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Whether it may get another task."""
        return self._sound and not self._ended.is_set()

    def _watch(self, ended: Callable[[], object]) -> None:
        self._process.wait()
        self._ended.set()
        ended()

    def wait_until_ready(self) -> None:
        """Raises WorkerError."""
        self._receive(START_TIMEOUT)

    def load(self, digest: str, message: bytes) -> None:
        """Sends a pickled Load, unless the process has it. Raises WorkerError."""
        if digest not in self._loaded:
            self._send(message)
            self._receive(START_TIMEOUT)
            self._loaded.add(digest)

    def compile(self, task: Task) -> CompileResult:
        """Raises WorkerError."""
        self._send(pickle.dumps(task, 5))
        self._begun = True
        received = self._receive(task.seconds, self._probe)
        self._begun = False
        reply: Reply = pickle.loads(received)
        self._sound = not (reply.grown or isinstance(reply.outcome, CompileOutOfMemory))
        if isinstance(reply.outcome, WorkerError):
            raise reply.outcome
        return CompileResult(reply.outcome, len(received))

    def kill(self) -> None:
        """From any thread. Whoever waits for a reply gets WorkerDied."""
        self._process.kill()

    def close(self) -> None:
        """Returns once the process is gone, whatever it was doing."""
        self._sound = False
        self._process.kill()
        self._ended.wait()
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
        except ConnectionResetError:  # something that was sent had not been read
            self._begun = False
            raise self._exit_error() from None
        except (EOFError, OSError):
            raise self._exit_error() from None
        self._sound = False
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
                self._sound = False
                raise CompileOutOfMemory
        return False

    def _exit_error(self) -> WorkerError:
        self._sound = False
        self._ended.wait(1)
        code = self._process.returncode
        error = EXIT_ERRORS.get(code or 0, WorkerDied) if self._begun else NeverBegun
        return error(f"exit status {code}")


def import_path() -> str:
    """What this process can import from, however its path was set."""
    return os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
