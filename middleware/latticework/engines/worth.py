"""Whether a guess is worth its place in a draft: how likely it is to be accepted, and how likely it must be to pay.

Both are learned while the engine runs. A guess costs a place in a batch, and saves a later place and its share of a
step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

# Contexts from 2**(KINDS - 2) bytes on are alike.
KINDS = 7
# How often guesses were accepted after contexts of each kind, measured on extraction and tool calls with a small model.
# Kind 0: no context, but bytes that the grammar forces.
PRIORS = (0.7, 0.4, 0.5, 0.5, 0.55, 0.9, 0.96)
# The number of guesses that a prior weighs as much as: an engine's, and a single answer's.
PRIOR_WEIGHT = 50.0
# Seconds that a guess is taken to cost at first, and again where none was looked for in a long time; the number of
# guesses that this weighs as much as.
GUESS_FIRST = 20e-6
GUESSES_FIRST = 20.0
# Guesses, and steps, after which the past counts half.
HALF_LIFE = 500
STEPS_HALF_LIFE = 100


def kind(context: int) -> int:
    """Of a context by its length in bytes: guesses after similar lengths are accepted similarly often."""
    return min(context.bit_length(), KINDS - 1)


class Chances:
    """How likely a guess is to be accepted, by the kind of its context. An answer's begin with its engine's."""

    def __init__(self, known: Iterable[float] = PRIORS) -> None:
        self._tried = [PRIOR_WEIGHT] * KINDS
        self._held = [PRIOR_WEIGHT * chance for chance in known]

    def __getitem__(self, kind: int) -> float:
        return self._held[kind] / self._tried[kind]

    def shortest(self, least: float) -> int | None:
        """The bytes of the shortest context with at least this chance; None where none has it."""
        for kind in range(1, KINDS):
            if self[kind] >= least:
                return 1 << (kind - 1)
        return None

    def observe(self, kind: int, held: bool) -> None:
        """Whether a guess that the model checked was accepted."""
        fade = 0.5 ** (1 / HALF_LIFE)
        self._tried[kind] = self._tried[kind] * fade + 1
        self._held[kind] = self._held[kind] * fade + held

    def child(self) -> Chances:
        """For one answer."""
        return Chances(self[kind] for kind in range(KINDS))


@dataclass
class Price:
    """The time of a step: `step` seconds, and `token` seconds more for each token in it; `guess` seconds before it for
    each guess in it, in which texts were searched that had none.

    A regression line through the times of steps, in which old steps fade. It begins with a small model's on a CPU.
    """

    weight: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0
    squares: float = 0.0
    products: float = 0.0
    guesses: float = GUESSES_FIRST
    looked: float = GUESSES_FIRST * GUESS_FIRST
    _counted: tuple[int, float] = field(default=(0, 0.0), repr=False)
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

    def observe_guesses(self, guesses: int, looked: float) -> None:
        """Before each step: the number of guesses so far, and the seconds that went into looking for them."""
        counted, searched = self._counted
        self._counted = guesses, looked
        self.guesses = _faded(self.guesses, GUESSES_FIRST, self._fade) + guesses - counted
        self.looked = _faded(self.looked, GUESSES_FIRST * GUESS_FIRST, self._fade) + looked - searched

    @property
    def guess(self) -> float:
        return self.looked / self.guesses

    @property
    def token(self) -> float:
        spread = self.squares - self.tokens**2 / self.weight
        return max(0.0, (self.products - self.tokens * self.seconds / self.weight) / spread) if spread > 0 else 0.0

    @property
    def step(self) -> float:
        return max(0.0, (self.seconds - self.token * self.tokens) / self.weight)

    def threshold(self, answers: int) -> float:
        """The probability above which a guess pays while this many answers share a step; above 1 where none does.

        If it is accepted, it saves its own place in a later step, and an answer's share of that step.
        """
        saved = self.token + self.step / max(1, answers)
        return (self.token + self.guess) / saved if saved > 0 else 0.0


def _faded(value: float, first: float, fade: float) -> float:
    """Nearer to what it was at first."""
    return first + (value - first) * fade
