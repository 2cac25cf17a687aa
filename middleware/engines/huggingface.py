"""A Hugging Face fast tokenizer as the layer above needs it: templates, ids, and llguidance's view of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import llguidance.hf
from llguidance import LLMatcher, LLTokenizer

from grammars.cache import Cache

# What is remembered of grammars that were tried: the weight of their texts together, in letters.
MOST_LETTERS = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Trial:
    """What llguidance makes of a grammar: what it has against it, or the tokens that each answer begins with."""

    error: str | None = None
    opening: tuple[int, ...] = ()


class HuggingFaceTokenizer:
    """Wraps a `PreTrainedTokenizerFast`.

    `vocabulary_size` counts the model's logits, which may be more than the tokenizer's entries.
    """

    def __init__(self, tokenizer: Any, vocabulary_size: int) -> None:
        self._tokenizer = tokenizer
        self.vocabulary_size = max(vocabulary_size, len(tokenizer))
        self._tried: Cache[str, Trial] = Cache(MOST_LETTERS, lambda grammar, trial: len(grammar))

    @property
    def chat_template(self) -> str:
        return str(self._tokenizer.get_chat_template())

    @property
    def named_tokens(self) -> Mapping[str, str]:
        return {
            name: str(token) for name, token in self._tokenizer.special_tokens_map.items() if isinstance(token, str)
        }

    @cached_property
    def special_tokens(self) -> Mapping[str, int]:
        added = self._tokenizer.added_tokens_decoder.items()
        return {token.content: token_id for token_id, token in added if token.special}

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    @cached_property
    def token_bytes(self) -> Sequence[bytes]:
        """What each token stands for: part of a character, sometimes. A special token stands for its name."""
        return [self._matchable.decode_bytes([token_id]) for token_id in range(self.vocabulary_size)]

    def grammar_error(self, grammar: str) -> str | None:
        return self.tried(grammar).error

    def tried(self, grammar: str) -> Trial:
        """Each text is compiled once."""
        return self._tried.get(grammar, lambda: self._trial(grammar))

    def _trial(self, grammar: str) -> Trial:
        matcher = LLMatcher(self._matchable, grammar)
        if matcher.is_error():
            return Trial(matcher.get_error())
        return Trial(opening=tuple(matcher.compute_ff_tokens()))

    @cached_property
    def _matchable(self) -> LLTokenizer:
        return llguidance.hf.from_tokenizer(self._tokenizer, self.vocabulary_size)
