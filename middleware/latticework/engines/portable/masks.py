"""What a grammar allows next, by Outlines' llguidance backend.

Outlines compiles a grammar when its processor is first called, and reads how the answer goes on from the last token
that it is shown. Its matcher tells more than a mask: which tokens must come.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from outlines.backends.llguidance import LLGuidanceBackend

from latticework.engines.base import EngineFailed
from latticework.engines.vocabulary import Vocabulary


class Masks:
    """Makes masks for one model. `wrapped` is Outlines' model, `vocabulary` what its answers are matched by."""

    def __init__(self, wrapped: Any, vocabulary: Vocabulary) -> None:
        self._backend = LLGuidanceBackend(wrapped)
        self._backend.llg_tokenizer = vocabulary.matchable
        # For torch, llguidance has its mask compiled, which takes a C++ compiler that not every machine has.
        self._backend.tensor_library_name = "numpy"
        self._size = vocabulary.matchable.vocab_size

    def mask(self, grammar: str) -> Mask:
        """Compiles the grammar, llguidance Lark: seconds for a large one. Raises EngineFailed where it is none."""
        return Mask(self._backend.get_cfg_logits_processor(grammar), self._size)


class Mask:
    """Of one answer."""

    def __init__(self, processor: Any, size: int) -> None:
        self._processor = processor
        # Before there are any logits, so that whoever asks for the mask waits for the compile, and nobody else.
        self._first = self._masked(torch.zeros(size), 0)
        (self._matcher,) = processor.ll_matchers
        self._refuse_error()

    def __call__(self, logits: torch.Tensor, last: int | None) -> torch.Tensor:
        """Logits of shape (vocabulary,), -inf where the grammar allows no token behind the `last`; None: at the
        beginning. Asked once for each token that is sampled. Raises EngineFailed.
        """
        masked = logits + self._first if last is None else self._masked(logits, last)
        self._refuse_error()
        return masked

    def forced(self, token: int | None, most: int) -> tuple[list[int], bool]:
        """At most so many tokens that must follow this one, which has just been sampled, or begin the answer (None);
        and whether nothing but its end can follow them. Raises EngineFailed.
        """
        matcher, taken = self._matcher, [] if token is None else [token]
        matcher.consume_tokens(taken)
        forced = matcher.compute_ff_tokens()[:most]
        matcher.consume_tokens(forced)
        self._refuse_error()
        stopped = matcher.is_stopped()
        if taken or forced:
            matcher.rollback(1)  # the last one Outlines will feed it
        return forced, stopped

    def _masked(self, logits: torch.Tensor, last: int) -> torch.Tensor:
        masked = self._processor(np.array([[last]]), logits.numpy()[np.newaxis])
        return torch.from_numpy(masked[0])

    def _refuse_error(self) -> None:
        if self._matcher.is_error():
            raise EngineFailed(f"The engine can't go on by the grammar: {self._matcher.get_error()}")
