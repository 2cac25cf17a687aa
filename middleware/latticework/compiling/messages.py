"""What a process that compiles and whoever looks after it say to each other, pickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from latticework.compiling.compiled import Compiled
from latticework.engines.vocabulary import Vocabulary
from turngrammar.errors import GrammarError
from turngrammar.limits import Limits
from turngrammar.turn import Turn


@dataclass(frozen=True)
class Learn:
    """A vocabulary, and what asks call it."""

    digest: str
    vocabulary: Vocabulary


@dataclass(frozen=True)
class Ask:
    """One compile, of a turn that knows no special tokens: the vocabulary does. `seconds` bounds its time."""

    turn: Turn
    vocabulary: str
    limits: Limits
    seconds: float


@dataclass(frozen=True)
class OutOfMemory:
    """It took more than it may."""


@dataclass(frozen=True)
class Fault:
    """A bug, with its traceback."""

    traceback: str


Answer: TypeAlias = Compiled | GrammarError | OutOfMemory | Fault


@dataclass(frozen=True)
class Told:
    """An answer. `grown`: a fresh process had better take over, for memory is given back by that alone."""

    answer: Answer
    grown: bool = False


Said: TypeAlias = Learn | Ask
