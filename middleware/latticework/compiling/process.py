"""The process that compiles: `python -m latticework.compiling.process BYTES`, with a socket as system.py hands it over.

It may be killed at any time. It ends when the other end of its socket is closed, and by itself where whoever started it
is no longer there to kill it. Whatever goes wrong with one compile is told as its answer.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import sys
import traceback
from contextlib import suppress

from latticework.compiling import system
from latticework.compiling.compiled import compiled
from latticework.compiling.messages import Answer, Ask, Fault, Learn, OutOfMemory, Said, Told
from latticework.engines.vocabulary import Vocabulary
from turngrammar.errors import GrammarError, RefusedSchema

# How many seconds later than by its supervisor a process ends by itself.
GRACE = 2.0


class Process:
    """What one process knows. `memory` is what one compile may take, in bytes."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._vocabularies: dict[str, Vocabulary] = {}
        self._usual = system.peak()
        # Where Python tells what it was doing as it ended by itself: nobody is there to read it.
        self._nowhere = os.open(os.devnull, os.O_WRONLY)

    def hear(self, said: Said) -> bytes:
        """What is to be said in return, pickled."""
        if isinstance(said, Learn):
            self._vocabularies[said.digest] = said.vocabulary
            _ = said.vocabulary.matchable
            self._usual = system.peak()
            return b""
        # From a thread that needs nothing of the interpreter, which native code may keep to itself.
        faulthandler.dump_traceback_later(said.seconds + GRACE, exit=True, file=self._nowhere)
        system.cap(self._memory)
        try:
            return self._told(said)
        except MemoryError:  # where there is none left to tell so
            system.cap(None)
            return pickle.dumps(Told(OutOfMemory()), 5)
        finally:
            system.cap(None)
            faulthandler.cancel_dump_traceback_later()

    def _told(self, ask: Ask) -> bytes:
        answer = self._answer(ask)
        return pickle.dumps(Told(answer, grown=system.peak() - self._usual > self._memory // 2), 5)

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


def main() -> None:
    """Serves until the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which lets running answers finish
    system.step_back()
    process, connection = Process(int(sys.argv[1])), system.received()
    connection.send_bytes(b"")
    with suppress(EOFError, ConnectionError):
        while True:
            connection.send_bytes(process.hear(pickle.loads(connection.recv_bytes())))


if __name__ == "__main__":
    main()
