"""The base of every engine's tokenizer, whichever library reads its files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from latticework.engines.encoder import Encoder
from latticework.engines.markup import cut_within, starts
from latticework.engines.vocabulary import Trial, Vocabulary, VocabularySource
from turngrammar.cache import Cache

# Of the texts of grammars whose trials are kept, together.
MOST_LETTERS = 32 * 2**20


class ModelTokenizer(ABC):
    """The protocol `Tokenizer`, and what else engines need.

    Attributes:
        vocabulary_size: the number of the model's logits, which may exceed the tokenizer's entries.
        ends: the tokens that end a turn, the tokenizer's own first.
    """

    def __init__(self, vocabulary_size: int, ends: tuple[int, ...]) -> None:
        self.vocabulary_size = vocabulary_size
        self.ends = ends
        self._tried: Cache[str, Trial] = Cache(MOST_LETTERS, lambda grammar, trial: len(grammar))

    @property
    @abstractmethod
    def chat_template(self) -> str | None: ...

    @property
    def response_template(self) -> Mapping[str, Any] | None:
        """The checkpoint's response template, as transformers has it."""
        return None

    @property
    @abstractmethod
    def named_tokens(self) -> Mapping[str, str]: ...

    @property
    @abstractmethod
    def special_tokens(self) -> Mapping[str, int]: ...

    @property
    def added_tokens(self) -> Mapping[str, bool]:
        """Text of each token added to the model's vocabulary, and whether it is flagged special."""
        return dict.fromkeys(self.special_tokens, True)

    @property
    @abstractmethod
    def vocabulary(self) -> Vocabulary: ...

    def vocabulary_of(self, source: VocabularySource, eos: int | None) -> Vocabulary:
        """`eos`: the tokenizer's own end of sequence."""
        others = tuple(end for end in self.ends if end != eos)
        return Vocabulary(source, self.vocabulary_size, eos, others, self.special_tokens)

    @abstractmethod
    def encode(self, text: str, special: bool = False) -> list[int]:
        """Safe in any thread, as are the other methods."""

    @abstractmethod
    def decode(self, token_ids: Sequence[int]) -> str: ...

    @abstractmethod
    def token_strings(self, token_ids: Sequence[int]) -> list[str]: ...

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        """Segments at odd places are markup. The others are encoded apart, and cut within what looks like markup."""
        begin = _starts(markup)
        token_ids: list[int] = []
        for place, segment in enumerate(segments):
            parts = [segment] if place % 2 else cut_within(begin, segment)
            token_ids += [token_id for part in parts for token_id in self.encode(part)]
        return token_ids

    @property
    def encoder(self) -> Encoder | None:
        """None: it can't be used in another process."""
        return None

    @cached_property
    def token_bytes(self) -> Sequence[bytes]:
        """The bytes of each token, perhaps part of a character; of a special token, those of its name."""
        return [self.vocabulary.matchable.decode_bytes([token_id]) for token_id in range(self.vocabulary_size)]

    def tried(self, grammar: str) -> Trial:
        """Each grammar is compiled once at most: not here, if `remember` has had its trial."""
        return self._tried.get(grammar, lambda: self.vocabulary.trial(grammar))

    def remember(self, grammar: str, trial: Trial) -> None:
        self._tried.put(grammar, trial)


_starts = lru_cache(maxsize=16)(starts)
