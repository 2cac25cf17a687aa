"""The tokens of a text that a grammar forces: they have exactly its bytes, and none of them is special.

llguidance asks the tokenizer for them, and allows nothing else. A tokenizer reads the name of a special token in a text
as that token, and may normalize the text; the grammar would refuse both, and the answer would end there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from llguidance import LLTokenizer, TokenizerWrapper

from latticework.engines.markup import cut_within, pattern, starts
from turngrammar.cache import Cache

# Characters of the texts whose tokens are kept: the same pieces of a schema are forced again and again.
KEPT = 2**20


class TextTokens:
    """The attributes that llguidance's wrapper reads, of a tokenizer that reads no special token in a text."""

    bos_token_id = None

    def __init__(self, tokenizer: LLTokenizer, special: Collection[str]) -> None:
        size = tokenizer.vocab_size
        self._tokenizer = tokenizer
        self._special = starts(special)
        self._kept: Cache[str, list[int]] = Cache(KEPT, lambda text, tokens: len(text))
        self.eos_token_id = tokenizer.eos_token
        self.tokens = [tokenizer.decode_bytes([token_id]) for token_id in range(size)]
        self.special_token_ids = [token_id for token_id in range(size) if tokenizer.is_special_token(token_id)]

    def __call__(self, text: str) -> list[int]:
        return self._kept.get(text, lambda: self._tokens_of(text))

    def _tokens_of(self, text: str) -> list[int]:
        return [token for part in cut_within(self._special, text) for token in self._exactly(part)]

    def _exactly(self, text: str) -> list[int]:
        tokens = self._tokenizer.tokenize_str(text)
        exact = self._tokenizer.decode_bytes(tokens) == text.encode()
        return tokens if exact else self._tokenizer.greedy_tokenize(text)


def of_text(tokenizer: LLTokenizer, special: Collection[str]) -> LLTokenizer:
    """The same vocabulary, of which a text has no special tokens. `special`: their names."""
    return LLTokenizer(
        TokenizerWrapper(TextTokens(tokenizer, special)), n_vocab=tokenizer.vocab_size, eos_token=tokenizer.eos_tokens
    )


class Markup:
    """Tokens of texts in which the names of special tokens stand for them, as in a prompt."""

    def __init__(self, tokenizer: LLTokenizer, special: Mapping[str, int]) -> None:
        self._tokenizer = tokenizer
        self._special = {name.encode(): token_id for name, token_id in special.items()}
        self._names = re.compile(f"({pattern(special)})".encode()) if special else None

    def tokens(self, text: bytes) -> list[int]:
        pieces = self._names.split(text) if self._names else [text]
        return [token for piece in pieces for token in self._of(piece)]

    def _of(self, piece: bytes) -> list[int]:
        special = self._special.get(piece)
        return self._tokenizer.tokenize_bytes(piece) if special is None else [special]
