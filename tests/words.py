"""A vocabulary with tokens of several bytes, as models have: a mask looks as many bytes ahead."""

from __future__ import annotations

import itertools
import string
from functools import cache

from llguidance import LLTokenizer, TokenizerWrapper

END = 256


class _Tokens:
    """The attributes that llguidance's wrapper reads."""

    bos_token_id = None
    eos_token_id = END
    special_token_ids = (END,)

    def __init__(self) -> None:
        words = map("".join, itertools.product(string.ascii_lowercase + " ", repeat=3))
        self.tokens = [*(bytes([byte]) for byte in range(256)), b"<end>", *(word.encode() for word in words)]

    def __call__(self, text: str) -> list[int]:
        return list(text.encode())


@cache
def words() -> LLTokenizer:
    """A token for each byte, which is its id, the end, and one for each three small letters or blanks."""
    return LLTokenizer(TokenizerWrapper(_Tokens()))
