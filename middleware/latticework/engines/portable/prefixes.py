"""What the model has read before, for prompts that begin alike: a chat goes on, a question has several answers.

Transformers' caches grow by making new tensors, so that what is kept here shares memory with answers that go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from transformers.cache_utils import DynamicLayer

# Of all that is kept. A token of a model with 7 billion parameters takes some 60 KB.
MOST_BYTES = 512 * 2**20


@dataclass(frozen=True, eq=False)
class _Kept:
    """Tokens, and what the model's layers made of them."""

    tokens: Sequence[int]
    cache: Any

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(int(layer.keys.nbytes + layer.values.nbytes) for layer in self.cache.layers)


class Prefixes:
    """For one thread. The least recently used are dropped first."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._kept: list[_Kept] = []

    def find(self, tokens: Sequence[int]) -> tuple[Any, int]:
        """A cache of the model's, and the number of first tokens that it has, which is less than all; None and 0
        without one."""
        best = max(self._kept, key=lambda kept: _common_length(kept.tokens, tokens), default=None)
        length = min(_common_length(best.tokens, tokens), len(tokens) - 1) if best else 0
        if best is None or length < 1:
            return None, 0
        self._kept.remove(best)
        self._kept.append(best)
        return _cropped(best, length), length

    def keep(self, tokens: Sequence[int], cache: Any) -> None:
        """Not of a model whose layers drop old tokens."""
        if cache is None or any(type(layer) is not DynamicLayer for layer in getattr(cache, "layers", (None,))):
            return
        new = _Kept(tuple(tokens), _copied(cache))
        self._kept = [kept for kept in self._kept if _common_length(kept.tokens, new.tokens) < len(kept.tokens)]
        self._kept.append(new)
        size = sum(kept.size for kept in self._kept)
        while size > self._most:
            size -= self._kept.pop(0).size


def _common_length(tokens: Sequence[int], others: Sequence[int]) -> int:
    """The number of tokens that they begin with in common."""
    for index, (token, other) in enumerate(zip(tokens, others, strict=False)):
        if token != other:
            return index
    return min(len(tokens), len(others))


def _cropped(kept: _Kept, length: int) -> Any:
    cache = _copied(kept.cache)
    if length < len(kept.tokens):
        cache.crop(length - len(kept.tokens))
    return cache


def _copied(cache: Any) -> Any:
    """Layers of its own, of the same tensors."""
    made = copy(cache)
    made.layers = [copy(layer) for layer in cache.layers]
    return made
