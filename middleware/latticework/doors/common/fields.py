"""The rows of the tables of fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

DoorName = Literal["chat", "completions"]
CHAT: tuple[DoorName, ...] = ("chat",)
COMPLETIONS: tuple[DoorName, ...] = ("completions",)
BOTH: tuple[DoorName, ...] = ("chat", "completions")

# Values that mean the same as omitting a field.
ABSENT: tuple[Any, ...] = (None, False)


@dataclass(frozen=True, slots=True)
class Refused:
    """A field that would change the answer, and that this server can't honour.

    Attributes:
        servers: the APIs that have it.
        why: the rest of the sentence that begins with its name: the reason, then the fix.
        neutral: its values that have no effect, which clients may send always. Those are accepted.
        doors: where it is refused; elsewhere it is implemented.
    """

    servers: str
    why: str
    neutral: tuple[Any, ...] = ABSENT
    doors: tuple[DoorName, ...] = BOTH


@dataclass(frozen=True, slots=True)
class Harmless:
    """A field on which no answer depends. It is ignored.

    Attributes:
        servers: the APIs that have it.
        why: a sentence: why no answer depends on it.
    """

    servers: str
    why: str


def passes(value: Any, row: Refused) -> bool:
    """Whether a refused field has a value that has no effect. True and 1 differ, as in JSON; 1 and 1.0 don't."""
    return any(isinstance(value, bool) == isinstance(neutral, bool) and value == neutral for neutral in row.neutral)
