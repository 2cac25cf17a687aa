"""What an answer's steps generate, as pieces of it."""

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
from latticework.engines.sources import FORCED, SAMPLED, token_sources
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.written import Written


@dataclass(frozen=True, slots=True)
class Generated:
    """The tokens of one step: one that was sampled, and what was forced before and behind it.

    `logits`: what it was sampled from, where log probabilities are told: then nothing is forced.
    """

    before: Sequence[int]
    sampled: int
    behind: Sequence[int]
    finish: EngineFinish | None
    logits: torch.Tensor | None = None


class Pieces:
    """Of one answer."""

    def __init__(self, tokenizer: ModelTokenizer, sampling: Sampling) -> None:
        self._written = Written(tokenizer, sampling)
        self._most = sampling.logprobs
        self._tells = sampling.sources
        self._forced = 0

    def piece(self, generated: Generated) -> Piece:
        token_ids = (*generated.before, generated.sampled, *generated.behind)
        self._forced += len(generated.before) + len(generated.behind)
        # A token that stops the answer is none of its text.
        written = token_ids[:-1] if generated.finish == "stop" else token_ids
        texts = self._written.texts(written, last=generated.finish is not None)
        letters = FORCED * len(generated.before) + SAMPLED + FORCED * len(generated.behind)
        return Piece(
            text="".join(texts),
            token_ids=token_ids,
            sources=token_sources(texts, letters) if self._tells else (),
            logprobs=self._logprobs(generated),
            finish=generated.finish,
            saved=Saved(self._forced) if generated.finish else NOTHING_SAVED,
        )

    def _logprobs(self, generated: Generated) -> tuple[SampledToken, ...]:
        if self._most is None or generated.logits is None:
            return ()
        logprobs = generated.logits.log_softmax(-1)
        values, likeliest = logprobs.topk(self._most)
        top = tuple(map(self._written.logprob, likeliest.tolist(), values.tolist()))
        one = self._written.logprob(generated.sampled, float(logprobs[generated.sampled]))
        return (SampledToken(one.token, one.logprob, one.bytes, top),)
