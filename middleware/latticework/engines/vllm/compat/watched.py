"""vLLM's grammar of one request, which notices what vLLM's own takes for the answer's end: a limit that is exceeded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from llguidance import LLMatcher
from vllm.v1.structured_output.backend_guidance import GuidanceGrammar
from vllm.v1.structured_output.utils import strip_speculative_padding

from latticework.engines.following import Following

T = TypeVar("T")


class WatchedGrammar(GuidanceGrammar):
    """Once it has given up, it accepts any tokens and allows the end alone: `following.gave_up` has the reason."""

    def __init__(self, following: Following, tokenizer: Any, vocab_size: int) -> None:
        super().__init__(ll_matcher=following.matcher, ll_tokenizer=tokenizer, vocab_size=vocab_size)
        self.following = following

    def accept_tokens(self, request_id: str, tokens: list[int]) -> bool:
        goes_on = not self.ll_matcher.is_stopped()
        accepted = self._use(lambda: super(WatchedGrammar, self).accept_tokens(request_id, tokens))
        if goes_on and accepted:
            self.following.went_on(tokens)
        return accepted or bool(self.following.gave_up)

    def validate_tokens(self, tokens: list[int]) -> list[int]:
        return self._use(lambda: super(WatchedGrammar, self).validate_tokens(tokens))

    def rollback(self, num_tokens: int) -> None:
        lag = self.rollback_lag
        self._use(lambda: super(WatchedGrammar, self).rollback(num_tokens))
        self.following.went_back(num_tokens - lag)

    def fill_bitmask(self, bitmask: Any, idx: int) -> None:
        self._use(lambda: super(WatchedGrammar, self).fill_bitmask(bitmask, idx))

    def foreseen(self, drafted: Sequence[int]) -> list[int] | None:
        """What masks have to follow of these tokens, up to padding or the answer's end; behind it, all is allowed.

        None where this grammar has to be asked itself: a use of it should be timed, or it does not allow these tokens.
        """
        if self.terminated or self.following.alone():
            return None
        tokens: list[int] = strip_speculative_padding(list(drafted)) if drafted else []
        if not tokens:
            return []
        if self.ll_matcher.validate_tokens(tokens) < len(tokens):
            return None
        ends = [token for token in tokens if token in self.ll_tokenizer.eos_tokens]
        if ends and ends != [self.ll_tokenizer.eos_token]:
            return None
        return tokens[: len(tokens) - len(ends)]

    def check_error(self) -> None:
        """vLLM's own logs the error, which has the client's grammar in it."""

    def draft(self, work: Callable[[LLMatcher], Sequence[int]]) -> Sequence[int]:
        """Tokens that may come next, by work that leaves the matcher where it is; none once that has gone wrong."""
        if self.following.renewed or self.following.gave_up:
            return ()
        tokens = self.following.look_ahead(work)
        self.ll_matcher = self.following.matcher
        return () if self.following.renewed or self.following.gave_up else tokens

    def _use(self, method: Callable[[], T]) -> T:
        def work(matcher: LLMatcher) -> T:
            self.ll_matcher = matcher
            return method()

        result = self.following.use(work)
        self.ll_matcher = self.following.matcher
        return result
