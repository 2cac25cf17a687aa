"""A model's vocabulary as llguidance needs it. It can be sent to another process, and imports nothing heavy there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from llguidance import LLMatcher, LLTokenizer

# `eos_token_id` as a generation config has it.
EndTokens = int | Sequence[int] | None


def all_ends(own: int | None, configured: EndTokens) -> tuple[int, ...]:
    """The tokenizer's own first, then those of the generation config in its order; each once."""
    listed = [configured] if isinstance(configured, int) else list(configured or ())
    return tuple(dict.fromkeys(token_id for token_id in (own, *listed) if token_id is not None))


@dataclass(frozen=True, slots=True)
class Trial:
    """What llguidance makes of a grammar: what it has against it, or the tokens that each answer begins with."""

    error: str | None = None
    opening: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ranks:
    """A byte-level BPE as tiktoken has it.

    Attributes:
        ranks: the id of each token by its bytes; pairs with lower ids merge first.
        pattern: the regex that splits a text before it is encoded.
        special_tokens: text and id of each special token.
    """

    ranks: Mapping[bytes, int]
    pattern: str
    special_tokens: Mapping[str, int]

    def matchable(self, size: int | None, end: int | None) -> LLTokenizer:
        make: Callable[..., LLTokenizer] = getattr(LLTokenizer, "from_tiktoken")  # noqa: B009 - its stubs lack it
        return make(
            encoder=self.ranks,
            special_tokens=self.special_tokens,
            pattern=self.pattern,
            n_vocab=size,
            eos_token=end,
        )


@dataclass(frozen=True)
class Vocabulary:
    """Attributes:

    source: the JSON of a Hugging Face tokenizer, "byte": one token a byte, or what else can be made matchable.
    size: how many logits the model has; None: as many as the tokenizer has entries.
    ends: the token that ends an answer.
    special_tokens: text and id of each special token: one that ordinary text never becomes.
    """

    source: str | Ranks
    size: int | None = None
    ends: int | None = None
    special_tokens: Mapping[str, int] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        """The fields: what is made of them is made again."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @cached_property
    def matchable(self) -> LLTokenizer:
        """Takes a second for a large vocabulary."""
        if not isinstance(self.source, str):
            return self.source.matchable(self.size, self.ends)
        return LLTokenizer(self.source, n_vocab=self.size, eos_token=self.ends)

    def trial(self, grammar: str) -> Trial:
        """Compiles the grammar, llguidance Lark. Takes seconds for a large one."""
        matcher = LLMatcher(self.matchable, grammar)
        if matcher.is_error():
            return Trial(matcher.get_error())
        return Trial(opening=tuple(matcher.compute_ff_tokens()))
