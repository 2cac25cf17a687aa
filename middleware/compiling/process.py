"""The process that compiles: `python -m middleware.compiling.process DESCRIPTOR BYTES`.

It may be killed at any time. It ends when the other end of its socket is closed, and by an alarm where whoever started
it is no longer there to kill it. Whatever goes wrong with one compile is told as its answer.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from grammars.errors import GrammarError, RefusedSchema
from middleware.compiling.compiled import compiled
from middleware.compiling.messages import Answer, Ask, Fault, Learn, OutOfMemory, Said, Told
from middleware.engines.vocabulary import Vocabulary

# Answering has precedence over compiling.
NICE = 5
# How many seconds later than by its supervisor a process ends by itself.
GRACE = 2.0
# What a system counts memory in: macOS bytes, others kilobytes.
UNIT = 1 if sys.platform == "darwin" else 1024
_STATM = Path("/proc/self/statm")


class Process:
    """What one process knows. `memory` is what one compile may take, in bytes."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._vocabularies: dict[str, Vocabulary] = {}
        self._usual = _peak()

    def hear(self, said: Said) -> bytes:
        """What is to be said in return, pickled."""
        if isinstance(said, Learn):
            self._vocabularies[said.digest] = said.vocabulary
            _ = said.vocabulary.matchable
            self._usual = _peak()
            return b""
        signal.setitimer(signal.ITIMER_REAL, said.seconds + GRACE)
        _cap(self._memory)
        try:
            return self._told(said)
        except MemoryError:  # where there is none left to tell so
            _cap(None)
            return pickle.dumps(Told(OutOfMemory()), 5)
        finally:
            _cap(None)
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _told(self, ask: Ask) -> bytes:
        answer = self._answer(ask)
        return pickle.dumps(Told(answer, grown=_peak() - self._usual > self._memory // 2), 5)

    def _answer(self, ask: Ask) -> Answer:
        try:
            return compiled(ask.turn, self._vocabularies[ask.vocabulary], ask.limits)
        except GrammarError as error:
            return error
        except MemoryError:
            return OutOfMemory()
        except RecursionError:
            return RefusedSchema("The request nests too deeply to be compiled.")
        except Exception:  # noqa: BLE001 - the outermost boundary of this process
            return Fault(traceback.format_exc())


def _cap(more: int | None) -> None:
    """Bounds the address space that is taken beyond what there is, where the system tells how much that is."""
    if _STATM.exists():
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        taken = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (hard if more is None else taken + more, hard))


def _peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


def main() -> None:
    """Serves until the socket is closed."""
    descriptor, memory = map(int, sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which lets running answers finish
    os.nice(NICE)
    process, connection = Process(memory), Connection(descriptor)
    connection.send_bytes(b"")
    with suppress(EOFError, ConnectionError):
        while True:
            connection.send_bytes(process.hear(pickle.loads(connection.recv_bytes())))


if __name__ == "__main__":
    main()
