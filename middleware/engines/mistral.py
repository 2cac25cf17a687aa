"""Mistral's own tokenizers, tekken.json and `tokenizer.model.v*`, as mistral_common reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from middleware.engines.mistral_template import mistral_template
from middleware.engines.tokenizer import ModelTokenizer
from middleware.engines.vocabulary import EndTokens, Ranks, Vocabulary, all_ends

# What chat templates call the tokens, and mistral_common's names of their ids.
NAMED: Mapping[str, str] = {"bos_token": "bos_id", "eos_token": "eos_id"}
BEGIN_THINK, END_THINK = "[THINK]", "[/THINK]"


def tekkenizer(tokenizer: Any) -> Any | None:
    """mistral_common's `Tekkenizer` in vLLM's `MistralTokenizer` or transformers' `MistralCommonBackend`, if any."""
    common = getattr(tokenizer, "mistral", None) or getattr(tokenizer, "tokenizer", None)
    inner = getattr(getattr(common, "instruct_tokenizer", None), "tokenizer", None)
    return inner if hasattr(inner, "_tekken_token2id_nospecial") else None


class MistralTokenizer(ModelTokenizer):
    """Wraps a `Tekkenizer`: byte-level BPE behind a block of special tokens, which have the lowest ids."""

    def __init__(self, tekken: Any, vocabulary_size: int, ends: EndTokens = None) -> None:
        super().__init__(max(vocabulary_size, tekken.n_words), all_ends(tekken.eos_id, ends))
        self._tekken = tekken

    @cached_property
    def chat_template(self) -> str | None:
        version = int(self._tekken.version.value.removeprefix("v").split("m")[0])
        thinks = {BEGIN_THINK, END_THINK} <= self.special_tokens.keys()
        effort = getattr(getattr(self._tekken.model_settings_builder, "reasoning_effort", None), "default", None)
        return mistral_template(version, thinks=thinks, effort=effort and str(effort))

    @cached_property
    def named_tokens(self) -> Mapping[str, str]:
        return {name: self._tekken.id_to_piece(getattr(self._tekken, token_id)) for name, token_id in NAMED.items()}

    @cached_property
    def special_tokens(self) -> Mapping[str, int]:
        return {self._tekken.id_to_piece(token_id): token_id for token_id in range(self._tekken.num_special_tokens)}

    def encode(self, text: str) -> list[int]:
        """Safe in any thread. What is between two special tokens is encoded by itself, as mistral_common does."""
        token_ids: list[int] = []
        for part in self._marks.split(text):
            special = self.special_tokens.get(part)
            token_ids += self._tekken.encode(part, bos=False, eos=False) if special is None else [special]
        return token_ids

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        """Special tokens; the look-ahead spares ordinary text a thousand comparisons a character."""
        longest_first = sorted(self.special_tokens, key=len, reverse=True)
        first = "".join(re.escape(letter) for letter in sorted({token[0] for token in longest_first}))
        return re.compile(f"((?=[{first}])(?:{'|'.join(map(re.escape, longest_first))}))")

    @cached_property
    def vocabulary(self) -> Vocabulary:
        shift = self._tekken.num_special_tokens
        ranks = {spelled: shift + rank for spelled, rank in self._tekken._tekken_token2id_nospecial.items()}
        source = Ranks(ranks, self._tekken._model._pat_str, self.special_tokens)
        return Vocabulary(source, self.vocabulary_size, self._tekken.eos_id, self.special_tokens)
