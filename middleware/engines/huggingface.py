"""A Hugging Face fast tokenizer as the layer above needs it: templates, ids, and llguidance's view of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import llguidance.hf
from llguidance import LLMatcher, LLTokenizer


class HuggingFaceTokenizer:
    """Wraps a `PreTrainedTokenizerFast`.

    `vocabulary_size` counts the model's logits, which may be more than the tokenizer's entries.
    """

    def __init__(self, tokenizer: Any, vocabulary_size: int) -> None:
        self._tokenizer = tokenizer
        self.vocabulary_size = max(vocabulary_size, len(tokenizer))

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

    def token_bytes(self, token_id: int) -> bytes:
        """What a token stands for: part of a character, sometimes. A special token stands for its name."""
        return self._matchable.decode_bytes([token_id])

    def grammar_error(self, grammar: str) -> str | None:
        return LLMatcher.validate_grammar(grammar, self._matchable) or None

    @cached_property
    def _matchable(self) -> LLTokenizer:
        return llguidance.hf.from_tokenizer(self._tokenizer, self.vocabulary_size)
