"""How long an engine may be busy with the prompts that it was sent, and answers nothing.

An engine answers between two steps. A step generates a token for each answer, in well under a second, or reads prompts,
up to a number of tokens. Reading is fast or slow by orders of magnitude, depending on model and device, so its speed is
measured: all tokens that were read, without those of a prefix cache, over all the time in which prompts waited to be.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# A step may take so many times what its tokens take on average: attention to long prompts takes longer than to short
# ones, and two steps may be on their way.
MARGIN = 5.0
# Tokens that make a measurement, and until then the slowest speed expected: seven billion parameters on two CPU cores
# read this many tokens per second.
MEASURED = 1000
SLOWEST = 10.0


@dataclass(eq=False)
class ArrivingPrompt:
    """A prompt on its way. `left`: nobody waits for its answer any more, which the engine may not know yet."""

    tokens: int
    left: bool = False
    is_read: bool = False


class Reading:
    """All prompts of an engine. `most`: tokens that a step reads at most."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._unread: set[ArrivingPrompt] = set()
        self._since = 0.0  # when the time was last added, while any prompt is unread
        self._tokens = 0
        self._seconds = 0.0

    @contextmanager
    def prompt(self, tokens: int) -> Iterator[ArrivingPrompt]:
        """A prompt, as long as somebody waits for its answer."""
        self._pass()
        prompt = ArrivingPrompt(tokens)
        self._unread.add(prompt)
        try:
            yield prompt
        finally:
            prompt.left = True

    def read(self, prompt: ArrivingPrompt, cached: int = 0) -> None:
        """Its answer has begun. `cached`: tokens that a prefix cache had. Only the first call counts."""
        if not prompt.is_read:
            self._pass()
            prompt.is_read = True
            self._unread.discard(prompt)
            self._tokens += max(0, prompt.tokens - cached)

    def left(self) -> frozenset[ArrivingPrompt]:
        """The prompts that the engine has done with, should it answer what it is asked now."""
        return frozenset(prompt for prompt in self._unread if prompt.left)

    def forget(self, left: frozenset[ArrivingPrompt]) -> None:
        """The engine has answered."""
        self._pass()
        self._unread -= left

    def allowance(self) -> float:
        """Seconds that the engine may take to answer, because of prompts."""
        tokens = min(self._most, sum(prompt.tokens for prompt in self._unread))
        pace = MARGIN * self._seconds / self._tokens if self._tokens >= MEASURED else 1 / SLOWEST
        return tokens * pace

    def _pass(self) -> None:
        now = self._clock()
        if self._unread:
            self._seconds += now - self._since
        self._since = now
