"""Logits -> a token, in vLLM's order: bias and penalties, then temperature, `min_p`, `top_k` and `top_p`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from latticework.engines.base import Sampling
from latticework.engines.sampling import over_model_defaults

# What narrows a distribution, by the name of its parameter, and for which values; for others it does nothing.
WARPERS: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], bool]]] = {
    "temperature": (lambda value: TemperatureLogitsWarper(float(value)), lambda value: value != 1 and value >= GREEDY),
    "min_p": (MinPLogitsWarper, lambda value: value > 0),
    "top_k": (TopKLogitsWarper, lambda value: value > 0),
    "top_p": (TopPLogitsWarper, lambda value: value < 1),
}
# As in vLLM, a temperature below this is 0: the likeliest token is taken.
GREEDY = 1e-5


class Sampler:
    """Of one answer. Its tensors are on the CPU, where the same seed gives the same tokens for any device."""

    def __init__(
        self, sampling: Sampling, defaults: Mapping[str, Any], prompt: Sequence[int], size: int, ends: Collection[int]
    ) -> None:
        """`defaults`: the model's, for what a request leaves to it. `ends`: the tokens that `min_tokens` excludes."""
        chosen = over_model_defaults(sampling, defaults)
        self._greedy = chosen["temperature"] < GREEDY
        self._warpers = [make(chosen[name]) for name, (make, narrows) in WARPERS.items() if narrows(chosen[name])]
        self._generator = _generator(sampling.seed)
        self._bias = dict(sampling.logit_bias)
        self._presence = chosen["presence_penalty"]
        self._frequency = chosen["frequency_penalty"]
        self._repetition = chosen["repetition_penalty"]
        self._seen = torch.zeros(size, dtype=torch.bool)
        self._seen[list(prompt)] = True
        self._counts = torch.zeros(size)
        self._min_tokens = sampling.min_tokens
        self._ends = [end for end in ends if end < size]
        self._generated = 0

    def token(self, logits: torch.Tensor) -> int:
        """The next token. `logits` has shape (vocabulary,)."""
        logits = self._penalized(self._biased(logits))
        if self._greedy:
            return int(logits.argmax())
        scores = logits.unsqueeze(0)
        for warp in self._warpers:
            scores = warp(None, scores)
        return int(torch.multinomial(scores.softmax(-1)[0], 1, generator=self._generator))

    def add(self, tokens: Sequence[int]) -> None:
        """The answer's next tokens."""
        self._generated += len(tokens)
        for token in tokens:
            self._seen[token] = True
            self._counts[token] += 1

    def _biased(self, logits: torch.Tensor) -> torch.Tensor:
        logits = logits.clone()
        if self._bias:
            logits[list(self._bias)] += torch.tensor(list(self._bias.values()))
        if self._generated < self._min_tokens:
            logits[self._ends] = -torch.inf
        return logits

    def _penalized(self, logits: torch.Tensor) -> torch.Tensor:
        """`repetition_penalty` counts prompt and answer, the others the answer alone."""
        if self._repetition != 1:
            weaker = torch.where(logits > 0, logits / self._repetition, logits * self._repetition)
            logits = torch.where(self._seen, weaker, logits)
        if self._presence or self._frequency:
            logits = logits - self._frequency * self._counts - self._presence * (self._counts > 0)
        return logits


def _generator(seed: int | None) -> torch.Generator:
    """A new generator: answers that take turns must not share their randomness."""
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator
