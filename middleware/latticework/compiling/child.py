"""A process that compiles, from outside. It is of use until it fails once.

WorkerError            what one compile gets instead of its answer; none touches the next
├── Late               it took longer than it may
├── OutOfMemory        it took more memory than it may
├── Crashed            it broke its process: deeper than a stack goes
├── Died               its process was killed by somebody else, or could not be started
├── Broken             a bug of this server
└── Busy               it waited longer than it may, for all processes had long compiles in hand
"""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from latticework.compiling import messages, system
from latticework.compiling.compiled import Compiled
from latticework.compiling.messages import Ask, Fault, Told
from turngrammar.errors import GrammarError

# An interpreter, its imports and a large vocabulary, on a machine that may be loading a model.
START = 120.0
COMMAND = (sys.executable, "-m", "latticework.compiling.process")
# Seconds between two looks at how much memory a compile has taken.
LOOK = 0.05


class WorkerError(Exception):
    """No answer."""


class Late(WorkerError): ...


class OutOfMemory(WorkerError): ...


class Crashed(WorkerError): ...


class Died(WorkerError): ...


class Broken(WorkerError): ...


class Busy(WorkerError): ...


# With which exit status. Native code that is refused memory aborts.
ENDINGS: Mapping[int, type[WorkerError]] = dict.fromkeys(system.REFUSED_MEMORY, OutOfMemory) | dict.fromkeys(
    system.BROKE, Crashed
)


@dataclass(frozen=True)
class Done:
    """A compile that came to its end. `weight` is that of the answer, in bytes as it was sent."""

    answer: Compiled | GrammarError
    weight: int


class Child:
    """Used by one thread, save for `kill`."""

    def __init__(self, memory: int, look: system.Look = system.look) -> None:
        """`memory`: bytes that one compile may take. Raises Died where the system starts no more processes."""
        self._memory = memory
        self._look = look
        mine, its = socket.socketpair()
        with mine, its:
            try:
                environ = {**os.environ, "PYTHONPATH": _path()}
                self._process = system.started((*COMMAND, str(memory)), its, environ)
            except OSError as error:
                raise Died(str(error)) from error
            self._connection = Connection(mine.detach())
        self._known: set[str] = set()
        self.of_use = True

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self) -> None:
        """Until it is ready. Raises WorkerError."""
        self._hear(START)

    def learn(self, digest: str, learn: bytes) -> None:
        """A vocabulary, unless it has that already. Raises WorkerError."""
        if digest not in self._known:
            self._say(learn)
            self._hear(START)
            self._known.add(digest)

    def ask(self, ask: Ask) -> Done:
        """Raises WorkerError."""
        self._say(pickle.dumps(ask, 5))
        heard = self._hear(ask.seconds, self._look)
        told: Told = pickle.loads(heard)
        self.of_use = not told.grown
        match told.answer:
            case messages.OutOfMemory():
                self.of_use = False
                raise OutOfMemory
            case Fault(traceback):
                raise Broken(traceback)
            case answer:
                return Done(answer, len(heard))

    def kill(self) -> None:
        """From any thread: whoever waits for an answer gets Died."""
        self._process.kill()

    def end(self) -> None:
        """Afterwards there is no such process, whatever it was doing."""
        self.of_use = False
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def _say(self, said: bytes) -> None:
        try:
            self._connection.send_bytes(said)
        except OSError:
            raise self._gone() from None

    def _hear(self, seconds: float, look: system.Look = None) -> bytes:
        try:
            if self._connection.poll(seconds) if look is None else self._watched(seconds, look):
                return self._connection.recv_bytes()
        except (EOFError, OSError):
            raise self._gone() from None
        self.of_use = False
        raise Late

    def _watched(self, seconds: float, look: Callable[[int], int]) -> bool:
        """Whether it says something in time. Raises OutOfMemory as soon as it has taken more than it may."""
        until, usual = time.monotonic() + seconds, look(self.pid)
        while (left := until - time.monotonic()) > 0:
            if self._connection.poll(min(left, LOOK)):
                return True
            if look(self.pid) - usual > self._memory:
                self.of_use = False
                raise OutOfMemory
        return False

    def _gone(self) -> WorkerError:
        self.of_use = False
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        return ENDINGS.get(code or 0, Died)(f"exit status {code}")


def _path() -> str:
    """What this process can import from, however it was told to."""
    return os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
