"""An answer's steps as pieces of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from latticework.engines.base import (
    NOTHING_SAVED,
    EngineFinish,
    Piece,
    SampledToken,
    Sampling,
    Saved,
)
from latticework.engines.token_text import FORCED, SAMPLED, TokenText, token_sources
from latticework.engines.tokenizer import ModelTokenizer


@dataclass(frozen=True, slots=True)
class GeneratedStep:
    """The tokens of one step: the sampled token, and those that were forced before and after it.

    `logits`: those it was sampled from, if the request wants log probabilities; then nothing is forced.
    """

    before: Sequence[int]
    sampled: int
    after: Sequence[int]
    finish: EngineFinish | None
    logits: torch.Tensor | None = None


class PortablePieces:
    """Of one answer."""

    def __init__(self, tokenizer: ModelTokenizer, sampling: Sampling) -> None:
        self._text = TokenText(tokenizer, sampling)
        self._most = sampling.logprobs
        self._with_sources = sampling.sources
        self._forced = 0

    def piece(self, step: GeneratedStep) -> Piece:
        token_ids = (*step.before, step.sampled, *step.after)
        self._forced += len(step.before) + len(step.after)
        # A token that stops the answer has no text.
        visible = token_ids[:-1] if step.finish == "stop" else token_ids
        texts = self._text.texts(visible, last=step.finish == "stop")
        letters = FORCED * len(step.before) + SAMPLED + FORCED * len(step.after)
        return Piece(
            text="".join(texts),
            token_ids=token_ids,
            sources=token_sources(texts, letters) if self._with_sources else (),
            logprobs=self._logprobs(step),
            finish=step.finish,
            saved=Saved(self._forced) if step.finish else NOTHING_SAVED,
        )

    def _logprobs(self, step: GeneratedStep) -> tuple[SampledToken, ...]:
        if self._most is None or step.logits is None:
            return ()
        logprobs = step.logits.log_softmax(-1)
        values, likeliest = logprobs.topk(self._most)
        top = tuple(map(self._text.logprob, likeliest.tolist(), values.tolist()))
        sampled = self._text.logprob(step.sampled, float(logprobs[step.sampled]))
        return (SampledToken(sampled.token, sampled.logprob, sampled.bytes, top, id=step.sampled),)
