"""Whether a guess is worth its place in a draft: how likely it is to hold, and how likely it must be to pay.

Both are learned while the engine runs. A guess costs a place in a batch, and saves a later one and its part of a step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

# Contexts from 2**(KINDS - 2) bytes on are alike.
KINDS = 7
# How often guesses held behind contexts of each kind, measured on extraction and tool calls with a small model. Kind 0:
# no context, but bytes that the grammar forces.
BEFOREHAND = (0.7, 0.4, 0.5, 0.5, 0.55, 0.9, 0.96)
# As many guesses as what was known before is worth: to an engine, and to a single answer.
FAITH = 50.0
# The past counts half after so many guesses, and so many steps.
HALF_LIFE = 500
STEPS_HALF_LIFE = 100


def kind(context: int) -> int:
    """Contexts of similar length in bytes, which hold similarly well."""
    return min(context.bit_length(), KINDS - 1)


class Chances:
    """How likely a guess is to hold, by the kind of its context. An answer's begin as its engine's are."""

    def __init__(self, known: Iterable[float] = BEFOREHAND) -> None:
        self._tried = [FAITH] * KINDS
        self._held = [FAITH * chance for chance in known]

    def __getitem__(self, kind: int) -> float:
        return self._held[kind] / self._tried[kind]

    def observe(self, kind: int, held: bool) -> None:
        """What became of a guess that the model came to."""
        fade = 0.5 ** (1 / HALF_LIFE)
        self._tried[kind] = self._tried[kind] * fade + 1
        self._held[kind] = self._held[kind] * fade + held

    def child(self) -> Chances:
        """For one answer."""
        return Chances(self[kind] for kind in range(KINDS))


@dataclass
class Price:
    """What a step takes: `step` seconds, and `token` seconds more for each token in it.

    A line through what steps took, the old ones fading. It begins with steps as a small model's are on a CPU.
    """

    weight: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0
    squares: float = 0.0
    products: float = 0.0
    _fade: float = field(default=0.5 ** (1 / STEPS_HALF_LIFE), repr=False)

    def __post_init__(self) -> None:
        for tokens, seconds in ((1, 17.0), (16, 32.0)):
            self.observe(tokens, seconds * 1e-3)

    def observe(self, tokens: int, seconds: float) -> None:
        """One step."""
        fade = self._fade
        self.weight = self.weight * fade + 1
        self.tokens = self.tokens * fade + tokens
        self.seconds = self.seconds * fade + seconds
        self.squares = self.squares * fade + tokens * tokens
        self.products = self.products * fade + tokens * seconds

    @property
    def token(self) -> float:
        spread = self.squares - self.tokens**2 / self.weight
        return max(0.0, (self.products - self.tokens * self.seconds / self.weight) / spread) if spread > 0 else 0.0

    @property
    def step(self) -> float:
        return max(0.0, (self.seconds - self.token * self.tokens) / self.weight)

    def threshold(self, answers: int) -> float:
        """The chance from which on a guess pays while so many answers share a step.

        If it holds, its own place in a later step is saved, and an answer's part of that step.
        """
        saved = self.token + self.step / max(1, answers)
        return self.token / saved if saved > 0 else 0.0
