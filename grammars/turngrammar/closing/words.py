"""Texts that can be compared by what they cost, and joined."""

from __future__ import annotations

from dataclasses import dataclass

# One token in every vocabulary. The first says best that nothing is known.
LITERALS = ("null", "false", "true")


@dataclass(frozen=True, order=True, slots=True)
class Words:
    """A text and its cost: its letters, of which null, false and true have one.

    Of two that cost the same, the first in this order is preferred; `rank` puts the literals first.
    """

    cost: int
    rank: int
    text: str

    def __add__(self, other: Words) -> Words:
        return Words(self.cost + other.cost, self.rank + other.rank, self.text + other.text)


def words(text: str) -> Words:
    """What is no literal."""
    return Words(len(text), 0, text)


def literal(text: str, begun: str = "") -> Words:
    """What is left of null, false or true."""
    rest = text[len(begun) :]
    return Words(min(1, len(rest)), LITERALS.index(text) - len(LITERALS), rest)
