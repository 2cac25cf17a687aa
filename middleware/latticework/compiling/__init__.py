"""Compiling what clients write, and writing long prompts, in processes that can be killed.

compiler.py caches and waits, in the server; workers.py is the pool and child.py one of its processes, seen from there;
process.py runs in the process. What both sides exchange, pickled, is here:

WorkerError                    why a compile has no result; none affects the next compile
├── CompileTimeout             it took longer than compile_timeout
├── CompileOutOfMemory         it took more memory than compile_memory
├── CompileCrash               it crashed its process, usually by overflowing the stack
├── CompileBug                 a bug of this server; the message is the traceback
├── WorkerDied                 its process was killed from outside, or could not be started
│   └── NeverBegun             the same before it began the task, which another process may do
└── WorkersBusy                it waited longer than compile_timeout for a process
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from latticework.engines.vocabulary import Beginning, Trial, Vocabulary
from latticework.prompt import PromptError
from latticework.prompt.writer import PromptWriter, Source, Written
from turngrammar.errors import GrammarError
from turngrammar.limits import Limits
from turngrammar.plan import Plan
from turngrammar.turn import Turn


class WorkerError(Exception): ...


class CompileTimeout(WorkerError): ...


class CompileOutOfMemory(WorkerError): ...


class CompileCrash(WorkerError): ...


class CompileBug(WorkerError): ...


class WorkerDied(WorkerError): ...


class NeverBegun(WorkerDied): ...


class WorkersBusy(WorkerError): ...


@dataclass(frozen=True)
class CompileRequest:
    """A turn without special tokens and ends, which the vocabulary of that digest adds.

    `begun`: a text with which the turn has begun; "" for none.
    """

    turn: Turn
    vocabulary: str
    begun: str = ""

    @cached_property
    def key(self) -> bytes:
        """The same for requests with the same plan and trial. It takes milliseconds for a megabyte of schemas."""
        return self.turn.key + self.vocabulary.encode() + self.begun.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class CompiledTurn:
    """A turn's plan, and its grammar's trial with the model's vocabulary.

    `least`: tokens that its first call takes at least, if one is required, or else its content; 0: unknown.
    `beginning`: how far the grammar allows the text with which the turn has begun; None without a text or grammar.
    """

    plan: Plan
    trial: Trial
    least: int = 0
    beginning: Beginning | None = None


@dataclass(frozen=True)
class LoadVocabulary:
    """Sent once to each process, before the first task that needs the digest. The reply is empty."""

    digest: str
    vocabulary: Vocabulary


@dataclass(frozen=True)
class LoadWriter:
    """The same for a writer of prompts."""

    digest: str
    writer: PromptWriter


@dataclass(frozen=True)
class CompileTask:
    """One compile, within `limits` and `seconds`. It is answered by a Reply."""

    request: CompileRequest
    limits: Limits
    seconds: float

    @property
    def needs(self) -> str:
        return self.request.vocabulary


@dataclass(frozen=True)
class PromptTask:
    """One prompt, written within `seconds`; `cut` as in `PromptWriter.write`. `needs`: the digest of its writer."""

    needs: str
    source: Source
    cut: bool
    seconds: float


Outcome: TypeAlias = CompiledTurn | GrammarError | Written | PromptError
Task: TypeAlias = CompileTask | PromptTask
Load: TypeAlias = LoadVocabulary | LoadWriter
Message: TypeAlias = Load | Task


@dataclass(frozen=True)
class Reply:
    """`grown`: the process has taken so much memory that another should replace it; only its end frees the memory."""

    outcome: Outcome | WorkerError
    grown: bool = False
