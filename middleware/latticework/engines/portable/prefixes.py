"""What the model has read before, for prompts that begin alike: a chat goes on, a question has several answers.

Transformers' caches grow by making new tensors, so what is kept here shares memory with an answer that goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from transformers.cache_utils import DynamicLayer

# Bytes of all that is kept. A token of a model with 7 billion parameters takes some 60 KB.
MOST_BYTES = 512 * 2**20


@dataclass(frozen=True, eq=False)
class _Kept:
    """Tokens, and what the model's layers made of them."""

    tokens: Sequence[int]
    cache: Any

    @property
    def weight(self) -> int:
        return sum(int(layer.keys.nbytes + layer.values.nbytes) for layer in self.cache.layers)


class Prefixes:
    """For one thread. Those that were of no use for the longest time go first."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._kept: list[_Kept] = []

    def find(self, tokens: Sequence[int]) -> tuple[Any, int]:
        """A cache of the model's for the first so many of these tokens, not all; None and 0 where there is none."""
        best = max(self._kept, key=lambda kept: _alike(kept.tokens, tokens), default=None)
        length = min(_alike(best.tokens, tokens), len(tokens) - 1) if best else 0
        if best is None or length < 1:
            return None, 0
        self._kept.remove(best)
        self._kept.append(best)
        return _beginning(best, length), length

    def keep(self, tokens: Sequence[int], cache: Any) -> None:
        """Of a model whose layers forget, none is kept."""
        if cache is None or any(type(layer) is not DynamicLayer for layer in getattr(cache, "layers", (None,))):
            return
        kept = _Kept(tuple(tokens), _copied(cache))
        self._kept = [other for other in self._kept if _alike(other.tokens, kept.tokens) < len(other.tokens)]
        self._kept.append(kept)
        weight = sum(one.weight for one in self._kept)
        while weight > self._most:
            weight -= self._kept.pop(0).weight


def _alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens they have in common from the first on."""
    for index, (mine, its) in enumerate(zip(one, other, strict=False)):
        if mine != its:
            return index
    return min(len(one), len(other))


def _beginning(kept: _Kept, length: int) -> Any:
    cache = _copied(kept.cache)
    if length < len(kept.tokens):
        cache.crop(length - len(kept.tokens))
    return cache


def _copied(cache: Any) -> Any:
    """Layers of its own, of the same tensors."""
    made = copy(cache)
    made.layers = [copy(layer) for layer in cache.layers]
    return made
