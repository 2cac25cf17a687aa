"""Compiled grammars of an engine: each text is compiled once, and kept while there is room.

The copies of a matcher share its lexer, whose automaton grows as far as the answers' texts lead it; and where it
exceeds a limit, it is in error for all of them. So what a lexer grows by is measured, and one that has grown large or
is in error is given to no other answer. Its memory is free when its last answer has ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakSet

from llguidance import LLMatcher, LLTokenizer

from latticework.memory import allocated, trim
from turngrammar.cache import Cache
from turngrammar.matching import limits_of

# Bytes: of the kept grammars together; of all, with those that only running answers use; of one that is still kept.
MOST_KEPT = 256 * 2**20
MOST_LIVE = 1024 * 2**20
MOST_GROWN = 16 * 2**20
# What a grammar counts as at least.
BYTES_EACH = 32 * 2**10
# What work on an automaton takes at most, measured: for C libraries that don't count.
BYTES_PER_SECOND = 300 * 2**20
# Measuring walks through all that is free, which takes milliseconds in a large process: so much longer is the work that
# is measured together.
WORK_PER_MEASURING = 32
# Bytes that have become free, and are given back to the system.
FREED = 32 * 2**20


@dataclass(eq=False)
class KeptGrammar:
    """A compiled grammar: its text in Lark, its bytes as far as they are known, the seconds that compiling it took."""

    text: str
    matcher: LLMatcher
    bytes: int
    seconds: float


class Grammars:
    """Safe to use from many threads."""

    def __init__(
        self,
        tokenizer: LLTokenizer,
        *,
        most_kept: int = MOST_KEPT,
        most_live: int = MOST_LIVE,
        measure: Callable[[], int | None] = allocated,
    ) -> None:
        """`measure`: the bytes that this process has allocated."""
        self.tokenizer = tokenizer
        self.kept: Cache[str, KeptGrammar] = Cache(most_kept, lambda text, grammar: grammar.bytes)
        self._measure = measure
        self._measured: int | None = None
        self._most_live = most_live
        self._live: WeakSet[KeptGrammar] = WeakSet()
        self._peak = 0
        self._worked = 0.0
        self._measuring = 0.0
        self._rate = 0.0

    @property
    def bytes(self) -> int:
        """Of all grammars that are kept or in use."""
        return sum(grammar.bytes for grammar in tuple(self._live))

    def get(self, text: str) -> KeptGrammar:
        """Raises ValueError for a text that is no grammar."""
        return self.kept.get(text, lambda: self.compiled(text))

    def compiled(self, text: str) -> KeptGrammar:
        """A new one, which is not kept. Raises ValueError."""
        self._give_back()
        self.growth(0.0)
        began = time.thread_time()
        matcher = LLMatcher(self.tokenizer, text, log_level=0, limits=limits_of(text))
        if matcher.is_error():
            raise ValueError(matcher.get_error())
        seconds = time.thread_time() - began
        grammar = KeptGrammar(text, matcher, max(BYTES_EACH, self.growth(seconds)), seconds)
        self._live.add(grammar)
        return grammar

    def growth(self, seconds: float) -> int:
        """Bytes that were allocated since the last call, by work of so many seconds on one grammar."""
        before, self._measured = self._measured, self._measure()
        if before is None or self._measured is None:
            return int(seconds * BYTES_PER_SECOND)
        return max(0, self._measured - before)

    def worked(self, seconds: float) -> None:
        """Counts processor seconds that an answer used its grammar."""
        self._worked += seconds

    def share(self, seconds: float) -> int:
        """Bytes by which so many of these seconds made a grammar grow: at the rate of all answers, as last measured."""
        if self._worked and self._worked >= WORK_PER_MEASURING * self._measuring:
            began = time.thread_time()
            self._rate = self.growth(self._worked) / self._worked
            self._measuring, self._worked = time.thread_time() - began, 0.0
        return int(self._rate * seconds)

    def grew(self, grammar: KeptGrammar, size: int) -> None:
        """Counts the bytes that an answer made it grow by."""
        grammar.bytes += size
        if grammar.bytes > MOST_GROWN:
            self.drop(grammar)
        elif size:
            self.kept.reweigh(grammar.text, grammar)

    def drop(self, grammar: KeptGrammar) -> None:
        """Gives it to no other answer."""
        self.kept.drop(grammar.text, grammar)

    def exceeds_share(self, grammar: KeptGrammar) -> bool:
        """Whether there is no more memory for grammars, and this one takes more of it than others."""
        total = self.bytes
        self._peak = max(self._peak, total)
        return total > self._most_live and grammar.bytes * len(self._live) >= total

    def _give_back(self) -> None:
        total = self.bytes
        if self._peak - total > FREED:
            trim()
            self._peak = total
        self._peak = max(self._peak, total)
