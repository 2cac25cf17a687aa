"""What an answer's steps generate, as pieces of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from middleware.engines.base import (
    NOTHING_SAVED,
    EngineFinish,
    Piece,
    SampledToken,
    Sampling,
    Saved,
    Source,
    TokenLogprob,
    TokenSource,
)
from middleware.engines.detokenizer import Detokenizer
from middleware.engines.huggingface import HuggingFaceTokenizer

# JSON knows no infinity; OpenAI writes this for a token that can't come.
IMPOSSIBLE = -9999.0
FORCED: tuple[Source, ...] = ("forced",)


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

    def __init__(self, tokenizer: HuggingFaceTokenizer, sampling: Sampling) -> None:
        hidden = () if sampling.special_tokens else tokenizer.special_tokens.values()
        self._token_bytes = tokenizer.token_bytes
        self._detokenizer = Detokenizer(tokenizer.token_bytes, frozenset(hidden))
        self._most = sampling.logprobs
        self._tells = sampling.sources
        self._forced = 0

    def piece(self, generated: Generated) -> Piece:
        token_ids = (*generated.before, generated.sampled, *generated.behind)
        self._forced += len(generated.before) + len(generated.behind)
        # A token that stops the answer is none of its text.
        written = token_ids[:-1] if generated.finish == "stop" else token_ids
        texts = self._texts(written, last=generated.finish is not None)
        return Piece(
            text="".join(texts),
            token_ids=token_ids,
            sources=self._sources(texts, generated) if self._tells else (),
            logprobs=self._logprobs(generated),
            finish=generated.finish,
            saved=Saved(self._forced) if generated.finish else NOTHING_SAVED,
        )

    def _texts(self, written: Sequence[int], *, last: bool) -> list[str]:
        """What is new of the text; token by token, where it is told how each came."""
        if not self._tells or not written:
            return [self._detokenizer.feed(written, last=last)]
        *before, end = written
        return [*(self._detokenizer.feed((one,)) for one in before), self._detokenizer.feed((end,), last=last)]

    def _sources(self, texts: Sequence[str], generated: Generated) -> tuple[TokenSource, ...]:
        """One for each token. The one that ends an answer has no text."""
        before, behind = FORCED * len(generated.before), FORCED * len(generated.behind)
        return tuple(map(TokenSource, [*texts, ""], (*before, "sampled", *behind)))

    def _logprobs(self, generated: Generated) -> tuple[SampledToken, ...]:
        if self._most is None or generated.logits is None:
            return ()
        logprobs = generated.logits.log_softmax(-1)
        values, likeliest = logprobs.topk(self._most)
        top = tuple(map(self._logprob, likeliest.tolist(), values.tolist()))
        one = self._logprob(generated.sampled, float(logprobs[generated.sampled]))
        return (SampledToken(one.token, one.logprob, one.bytes, top),)

    def _logprob(self, token_id: int, logprob: float) -> TokenLogprob:
        spelled = self._token_bytes[token_id]
        return TokenLogprob(spelled.decode(errors="replace"), max(logprob, IMPOSSIBLE), tuple(spelled))
