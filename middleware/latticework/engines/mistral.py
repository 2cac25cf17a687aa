"""Mistral's own tokenizers, tekken.json and `tokenizer.model.v*`, as mistral_common reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from latticework.engines.encoder import Encoder
from latticework.engines.mistral_template import mistral_template
from latticework.engines.slow import sentencepiece_vocabulary
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vocabulary import EndTokens, SentencePieceVocabulary, TiktokenVocabulary, Vocabulary, all_ends

# What chat templates call the tokens, and mistral_common's names of their ids.
NAMED: Mapping[str, str] = {"bos_token": "bos_id", "eos_token": "eos_id"}
REASONING_TOKENS = {"[THINK]", "[/THINK]"}


def mistral_common_tokenizer(tokenizer: Any) -> Any | None:
    """mistral_common's tokenizer in vLLM's `MistralTokenizer` or transformers' `MistralCommonBackend`; else None."""
    common = getattr(tokenizer, "mistral", None) or getattr(tokenizer, "tokenizer", None)
    return getattr(getattr(common, "instruct_tokenizer", None), "tokenizer", None)


class MistralTokenizer(ModelTokenizer):
    """Wraps mistral_common's `Tekkenizer`, byte-level BPE, or its `SentencePieceTokenizer`."""

    def __init__(self, common: Any, vocabulary_size: int, ends: EndTokens = None) -> None:
        super().__init__(max(vocabulary_size, common.n_words), all_ends(common.eos_id, ends))
        self._common = common
        self._made = (common, vocabulary_size, ends)

    @cached_property
    def chat_template(self) -> str | None:
        version = int(self._common.version.value.removeprefix("v").split("m")[0])
        thinks = self.special_tokens.keys() >= REASONING_TOKENS
        effort = getattr(getattr(self._common.model_settings_builder, "reasoning_effort", None), "default", None)
        return mistral_template(version, thinks=thinks, effort=effort and str(effort))

    @cached_property
    def named_tokens(self) -> Mapping[str, str]:
        return {name: self._common.id_to_piece(getattr(self._common, token_id)) for name, token_id in NAMED.items()}

    @cached_property
    def special_tokens(self) -> Mapping[str, int]:
        common = self._common
        special = (token_id for token_id in range(common.n_words) if common.is_special(token_id))
        return {common.id_to_piece(token_id): token_id for token_id in special}

    def encode(self, text: str, special: bool = False) -> list[int]:
        """Text between two special tokens is encoded by itself, as mistral_common does. `special` adds BOS alone."""
        token_ids: list[int] = [self._common.bos_id] if special else []
        for part in self._marks.split(text):
            mark = self.special_tokens.get(part)
            if mark is not None:
                token_ids.append(mark)
            elif part:
                token_ids += self._common.encode(part, bos=False, eos=False)
        return token_ids

    @property
    def encoder(self) -> Encoder:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return MistralTokenizer, self._made

    def least_tokens(self, size: int) -> int:
        """SentencePiece's may have one for any number of unknown characters."""
        return size // self._longest if self._ranks is not None else 0

    @cached_property
    def _longest(self) -> int:
        """Bytes of a token, which stands for them alone, at most."""
        return max(map(len, [*(self._ranks or ()), *(text.encode() for text in self.special_tokens)]))

    def decode(self, token_ids: Sequence[int]) -> str:
        from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy

        known = [token_id for token_id in token_ids if token_id < self._common.n_words]
        return str(self._common.decode(known, SpecialTokenPolicy.KEEP))

    def token_strings(self, token_ids: Sequence[int]) -> list[str]:
        size = self._common.n_words
        return [str(self._common.id_to_piece(token_id)) if token_id < size else "" for token_id in token_ids]

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        """Special tokens; the look-ahead saves ordinary text a thousand comparisons per character."""
        longest_first = sorted(self.special_tokens, key=len, reverse=True)
        first = "".join(re.escape(letter) for letter in sorted({token[0] for token in longest_first}))
        return re.compile(f"((?=[{first}])(?:{'|'.join(map(re.escape, longest_first))}))")

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return self.vocabulary_of(self._source, self._common.eos_id)

    @property
    def _source(self) -> TiktokenVocabulary | SentencePieceVocabulary:
        ranks = self._ranks
        if ranks is None:
            return sentencepiece_vocabulary(self._common._model, self.special_tokens, {})
        shift = self._common.num_special_tokens  # they have the lowest ids
        shifted = {token: shift + rank for token, rank in ranks.items()}
        return TiktokenVocabulary(shifted, self._common._model._pat_str, self.special_tokens)

    @property
    def _ranks(self) -> Mapping[bytes, int] | None:
        """Of Tekken's ordinary tokens; None of SentencePiece's."""
        return getattr(self._common, "_tekken_token2id_nospecial", None)
