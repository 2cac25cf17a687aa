"""What every engine's tokenizer can do, whichever library reads its files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property

from grammars.cache import Cache
from middleware.engines.vocabulary import Trial, Vocabulary

# What is remembered of grammars that were tried: the weight of their texts together, in letters.
MOST_LETTERS = 32 * 2**20


class ModelTokenizer(ABC):
    """The protocol `Tokenizer`, and what engines need besides.

    Attributes:
        vocabulary_size: how many logits the model has, which may be more than the tokenizer's entries.
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
    @abstractmethod
    def named_tokens(self) -> Mapping[str, str]: ...

    @property
    @abstractmethod
    def special_tokens(self) -> Mapping[str, int]: ...

    @property
    @abstractmethod
    def vocabulary(self) -> Vocabulary: ...

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Safe in any thread."""

    @cached_property
    def token_bytes(self) -> Sequence[bytes]:
        """What each token stands for: part of a character, sometimes. A special token stands for its name."""
        return [self.vocabulary.matchable.decode_bytes([token_id]) for token_id in range(self.vocabulary_size)]

    def tried(self, grammar: str) -> Trial:
        """Each text is compiled once, or never, where somebody else has."""
        return self._tried.get(grammar, lambda: self.vocabulary.trial(grammar))

    def remember(self, grammar: str, trial: Trial) -> None:
        self._tried.put(grammar, trial)
