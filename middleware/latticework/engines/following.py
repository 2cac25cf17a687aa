"""One answer's use of a grammar, on the clock: slow masks, and what grows without end, end this answer alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from llguidance import LLMatcher

from latticework.engines.base import EngineError, EngineFailed, GrammarGivenUp
from latticework.engines.grammars import Grammars
from turngrammar.matching import BY_NAME, MASK_MEMORY, MASK_TIME, exceeded_limit, is_of_lexer

T = TypeVar("T")

# The key under which the engine core reports why it gave up an answer's grammar, in `kv_transfer_params`: the name of a
# limit, or OTHER.
GAVE_UP = "latticework_gave_up"
OTHER = "other"

# Processor seconds of one use that cost nothing, and the sum of what an answer's uses take beyond them.
FREE_SECONDS = 0.005
SLOW_SECONDS = 0.5
# Of uses, after which the memory that they took is counted: at most 1 MB.
MEASURED_SECONDS = 0.003
# An answer's first masks, which are timed one by one: what a lexer has not seen yet takes it longer.
FRESH = 2
# Masks that are timed one by one after a use of many grammars together was slow, at first and at most.
FIRST_ALONE = 16
MOST_ALONE = 64
# Of compiling a grammar again in the middle of an answer, and of its slow uses until then.
RENEWAL_SECONDS = 0.05


class Following:
    """Attributes:

    matcher: where the answer is. It is another one after each `use`.
    gave_up: the name of the limit that was exceeded, or OTHER; "" while there is none. The matcher then is in error,
        and allows nothing but the answer's end.
    renewed: whether the matcher had to be replaced: the answer should be followed without guesses.
    """

    def __init__(
        self,
        grammars: Grammars,
        text: str,
        opening: Sequence[int] = (),
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        """`opening`: tokens with which the answer has begun. Raises ValueError if the grammar does not allow them."""
        self._grammars = grammars
        self._grammar = grammars.get(text)
        self._clock = clock
        self._read = list(opening)
        self._slow = 0.0
        self._unmeasured = 0.0
        self._alone = FRESH
        self._caution = FIRST_ALONE
        self.gave_up = ""
        self.renewed = False
        self.matcher = self._grammar.matcher.deep_copy()
        self.matcher.consume_tokens(self._read)
        if self.matcher.is_error():
            raise ValueError(self.matcher.get_error())

    def use(self, work: Callable[[LLMatcher], T]) -> T:
        """The result of work that must succeed. Where the lexer is in error, which others may have caused, it is done
        again with a new one. It may put the matcher in error.
        """
        result = self._clocked(work)
        if self.matcher.is_error() and not self.gave_up:
            if self._renew():
                result = self._clocked(work)
            if self.matcher.is_error() and not self.gave_up:
                self._give_up()
        return result

    def look_ahead(self, work: Callable[[LLMatcher], T]) -> T:
        """The result of work that leaves the matcher where it is, and that no answer depends on."""
        result = self._clocked(work)
        if self.matcher.is_error() and not self.gave_up and not self._renew():
            self._give_up()
        return result

    def alone(self) -> bool:
        """Whether its next use, which this counts, should not be one with others: it has to be timed."""
        if self._alone:
            self._alone -= 1
            return True
        return self.renewed or bool(self.gave_up)

    def used_with_others(self, seconds: float, *, slow: bool) -> None:
        """After a use together with other answers, of which this one's part is taken to be so many seconds.

        `slow`: whether they took longer than usual. Any of them may be the cause: each is timed alone for some time,
        and for longer each time that this comes again.
        """
        if slow:
            self._alone = self._caution
            self._caution = min(MOST_ALONE, 2 * self._caution)
        self._count(seconds)

    def went_on(self, tokens: Sequence[int]) -> None:
        """The matcher has taken these tokens."""
        self._read += tokens

    def went_back(self, count: int) -> None:
        """The matcher has been rolled back by so many tokens."""
        if count:
            del self._read[-count:]

    def _clocked(self, work: Callable[[LLMatcher], T]) -> T:
        began = self._clock()
        result = work(self.matcher)
        self._count(self._clock() - began)
        return result

    def _count(self, seconds: float) -> None:
        self._unmeasured += seconds
        self._grammars.worked(seconds)
        if self._unmeasured > MEASURED_SECONDS and not self.gave_up:
            self._charge(seconds)

    def _charge(self, seconds: float) -> None:
        self._grammars.grew(self._grammar, self._grammars.share(self._unmeasured))
        self._unmeasured = 0.0
        self._slow += max(0.0, seconds - FREE_SECONDS)
        if self._slow > SLOW_SECONDS:
            self._give_up(MASK_TIME.name)
        elif self._grammars.exceeds_share(self._grammar):
            self._give_up(MASK_MEMORY.name)

    def _renew(self) -> bool:
        """Whether a new lexer could take the place of one in error. Only once: the next error is this answer's own."""
        if self.renewed or not is_of_lexer(self.matcher.get_error()):
            return False
        self.renewed = True
        self._grammars.drop(self._grammar)
        if self._grammar.seconds > RENEWAL_SECONDS or self._slow > RENEWAL_SECONDS:
            return False
        self._grammar = self._grammars.compiled(self._grammar.text)
        self.matcher = self._grammar.matcher.deep_copy()
        self.matcher.consume_tokens(self._read)
        return not self.matcher.is_error()

    def _give_up(self, name: str = "") -> None:
        limit = exceeded_limit(self.matcher.get_error())
        self.gave_up = name or (limit.name if limit else OTHER)
        self._grammars.drop(self._grammar)
        # The grammar's memory is free. What is no grammar allows nothing but the end.
        self.matcher = LLMatcher(self._grammars.tokenizer, "", log_level=0)


def given_up(name: str) -> EngineError:
    """The error of an answer whose grammar was given up for this reason."""
    limit = BY_NAME.get(name)
    return GrammarGivenUp(limit.message) if limit else EngineFailed("The engine can't follow the grammar.")


def given_up_by(error: str) -> EngineError:
    """The same for an error of llguidance."""
    limit = exceeded_limit(error)
    return given_up(limit.name if limit else OTHER)
