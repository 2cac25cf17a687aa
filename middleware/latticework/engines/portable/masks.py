"""What a grammar allows next, by Outlines' llguidance backend.

Outlines compiles a grammar when its processor is first called, and advances it by the last token that it is passed. Its
matcher gives more than a mask: the tokens that are forced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from outlines.backends.llguidance import LLGuidanceBackend

from latticework.engines.following import given_up_by
from latticework.engines.vocabulary import Vocabulary


class Masks:
    """Makes masks for one model. `wrapped` is Outlines' model, `vocabulary` that of its matchers."""

    def __init__(self, wrapped: Any, vocabulary: Vocabulary) -> None:
        self._backend = LLGuidanceBackend(wrapped)
        self._backend.llg_tokenizer = vocabulary.matchable
        # For torch, llguidance has its mask compiled, which takes a C++ compiler that not every machine has.
        self._backend.tensor_library_name = "numpy"
        self._size = vocabulary.matchable.vocab_size

    def mask(self, grammar: str, begun: Sequence[int] = ()) -> Mask:
        """Compiles the grammar, llguidance Lark: seconds for a large one. `begun`: the first tokens of its text, behind
        which the answer goes on. Raises EngineError if it is invalid.
        """
        return Mask(self._backend.get_cfg_logits_processor(grammar), self._size, begun)


class Mask:
    """Of one answer."""

    def __init__(self, processor: Any, size: int, begun: Sequence[int] = ()) -> None:
        self._processor = processor
        # Before there are any logits, so that the compile holds up this request alone.
        self._first = self._masked(torch.zeros(size), 0)
        (self._matcher,) = processor.ll_matchers
        if begun:
            self._matcher.consume_tokens(list(begun[:-1]))
            self._first = self._masked(torch.zeros(size), begun[-1])
        self._refuse_error()

    def __call__(self, logits: torch.Tensor, last: int | None) -> torch.Tensor:
        """Logits of shape (vocabulary,), -inf for tokens that the grammar excludes after the `last`; None: at the
        beginning. To be called once for each token that is sampled. Raises GrammarGivenUp and EngineFailed.
        """
        masked = logits + self._first if last is None else self._masked(logits, last)
        self._refuse_error()
        return masked

    def forced(self, token: int | None, most: int) -> tuple[list[int], bool]:
        """At most `most` tokens that must follow this token, which has just been sampled, or begin the answer (None);
        and whether the answer ends after them. Raises GrammarGivenUp and EngineFailed.
        """
        matcher, taken = self._matcher, [] if token is None else [token]
        matcher.consume_tokens(taken)
        forced = matcher.compute_ff_tokens()[:most]
        matcher.consume_tokens(forced)
        self._refuse_error()
        stopped = matcher.is_stopped()
        if taken or forced:
            matcher.rollback(1)  # Outlines feeds it the last token itself
        return forced, stopped

    def _masked(self, logits: torch.Tensor, last: int) -> torch.Tensor:
        masked = self._processor(np.array([[last]]), logits.numpy()[np.newaxis])
        return torch.from_numpy(masked[0])

    def _refuse_error(self) -> None:
        if self._matcher.is_error():
            raise given_up_by(self._matcher.get_error())
