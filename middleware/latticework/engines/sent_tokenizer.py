"""A tokenizer as another process has it: what its files say, and what encodes. It imports no engine, and no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latticework.engines.encoder import BackendEncoder
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vocabulary import Vocabulary


@dataclass(frozen=True)
class TokenizerFacts:
    """What `Tokenizer` has beside its methods, under the same names."""

    chat_template: str | None
    response_template: Mapping[str, Any] | None
    named_tokens: Mapping[str, str]
    special_tokens: Mapping[str, int]
    added_tokens: Mapping[str, bool]
    vocabulary: Vocabulary
    vocabulary_size: int
    ends: tuple[int, ...]


def facts_of(tokenizer: ModelTokenizer) -> TokenizerFacts:
    return TokenizerFacts(**{name: getattr(tokenizer, name) for name in TokenizerFacts.__dataclass_fields__})


class SentTokenizer(ModelTokenizer):
    """Made from the facts of the original, which writes the same tokens."""

    def __init__(self, facts: TokenizerFacts, encoder: BackendEncoder) -> None:
        super().__init__(facts.vocabulary_size, facts.ends)
        self._facts = facts
        self._encoder = encoder

    def __reduce__(self) -> tuple[Any, ...]:
        return sent_tokenizer, (self._facts, self._encoder)

    @property
    def chat_template(self) -> str | None:
        return self._facts.chat_template

    @property
    def response_template(self) -> Mapping[str, Any] | None:
        return self._facts.response_template

    @property
    def named_tokens(self) -> Mapping[str, str]:
        return self._facts.named_tokens

    @property
    def special_tokens(self) -> Mapping[str, int]:
        return self._facts.special_tokens

    @property
    def added_tokens(self) -> Mapping[str, bool]:
        return self._facts.added_tokens

    @property
    def vocabulary(self) -> Vocabulary:
        return self._facts.vocabulary

    @property
    def encoder(self) -> BackendEncoder:
        return self._encoder

    def encode(self, text: str, special: bool = False) -> list[int]:
        return self._encoder.encode(text, special)

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        return self._encoder.encode_segments(segments, markup)

    def decode(self, token_ids: Sequence[int]) -> str:
        return self._encoder.decode(token_ids)

    def token_strings(self, token_ids: Sequence[int]) -> list[str]:
        return self._encoder.token_strings(token_ids)


def sent_tokenizer(facts: TokenizerFacts, encoder: BackendEncoder) -> SentTokenizer:
    """What unpickling calls."""
    return SentTokenizer(facts, encoder)
