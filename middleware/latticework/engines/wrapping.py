"""Whatever an engine loads as its tokenizer, wrapped for the layer above."""

from __future__ import annotations

from typing import Any

from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.engines.mistral import MistralTokenizer, mistral_common_tokenizer
from latticework.engines.slow import slow_tokenizer
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vocabulary import EndTokens


def wrapped(
    tokenizer: Any, vocabulary_size: int, ends: EndTokens = None, *, stock_matcher: bool = False
) -> ModelTokenizer:
    """transformers' tokenizers, vLLM's `MistralTokenizer` and mistral_common's within either.

    Raises EngineDead for one whose tokens can't be told.
    """
    if hasattr(tokenizer, "backend_tokenizer"):
        return HuggingFaceTokenizer(tokenizer, vocabulary_size, ends, stock_matcher=stock_matcher)
    if (common := mistral_common_tokenizer(tokenizer)) is not None:
        return MistralTokenizer(common, vocabulary_size, ends)
    return slow_tokenizer(tokenizer, vocabulary_size, ends)
