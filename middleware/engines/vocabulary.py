"""A model's vocabulary as llguidance needs it. It can be sent to another process, and imports nothing heavy there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def is_special(token: str, *, flagged: bool) -> bool:
    """Whether llguidance takes an added token for special: any `<...>` is, whatever its flag."""
    return flagged or (token.startswith("<") and token.endswith(">"))


@dataclass(frozen=True)
class Vocabulary:
    """Attributes:

    source: the JSON of a Hugging Face tokenizer, or "byte": one token a byte.
    size: how many logits the model has; None: as many as the tokenizer has entries.
    eos: the tokenizer's own end of sequence, which ends an answer.
    ends: the ids of the other tokens that may end one.
    special_tokens: text and id of each token that the matcher takes for special: no text of a grammar matches it.
    """

    source: str
    size: int | None = None
    eos: int | None = None
    ends: tuple[int, ...] = ()
    special_tokens: Mapping[str, int] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        """The fields: what is made of them is made again."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @cached_property
    def matchable(self) -> LLTokenizer:
        """Takes a second for a large vocabulary."""
        return LLTokenizer(self.source, n_vocab=self.size, eos_token=self.eos)

    def trial(self, grammar: str) -> Trial:
        """Compiles the grammar, llguidance Lark. Takes seconds for a large one."""
        matcher = LLMatcher(self.matchable, grammar)
        if matcher.is_error():
            return Trial(matcher.get_error())
        return Trial(opening=tuple(matcher.compute_ff_tokens()))
