"""Tokenizers: what an engine has loaded, wrapped for the layer above, or read from a model's files without an engine.

transformers reads the files; no torch is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.engines.mistral import MistralTokenizer, mistral_common_tokenizer
from latticework.engines.slow import slow_tokenizer
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vocabulary import EndTokens


def wrap_tokenizer(
    tokenizer: Any, vocabulary_size: int, ends: EndTokens = None, *, stock_matcher: bool = False
) -> ModelTokenizer:
    """Of transformers' tokenizers, vLLM's `MistralTokenizer`, and mistral_common's within either.

    Raises EngineDead for a tokenizer whose tokens' bytes are unknown.
    """
    if hasattr(tokenizer, "backend_tokenizer"):
        return HuggingFaceTokenizer(tokenizer, vocabulary_size, ends, stock_matcher=stock_matcher)
    if (common := mistral_common_tokenizer(tokenizer)) is not None:
        return MistralTokenizer(common, vocabulary_size, ends)
    return slow_tokenizer(tokenizer, vocabulary_size, ends)


def load_tokenizer(
    source: str, *, trust_remote_code: bool = False, local: bool = False, stock_matcher: bool = False
) -> ModelTokenizer:
    """The tokenizer in a directory, or of a model on a hub; `local`: only if it has been downloaded.

    `stock_matcher`: whether an engine elsewhere enforces grammars. Takes seconds. Raises OSError and ValueError, and
    EngineDead for a tokenizer whose tokens' bytes are unknown.
    """
    from transformers import AutoTokenizer, PreTrainedConfig

    tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=trust_remote_code, local_files_only=local)
    try:
        config, _ = PreTrainedConfig.get_config_dict(source, local_files_only=local)
    except OSError:  # the tokenizer alone
        config = {}
    ends = _generation_config(source, local=local).get("eos_token_id")
    return wrap_tokenizer(tokenizer, _logits(config), ends, stock_matcher=stock_matcher)


def _generation_config(source: str, *, local: bool) -> Mapping[str, Any]:
    """Empty without one. Read as JSON: transformers' own class needs torch."""
    from transformers.utils.hub import cached_file

    path = cached_file(
        source, "generation_config.json", _raise_exceptions_for_missing_entries=False, local_files_only=local
    )
    return dict(json.loads(Path(path).read_bytes())) if path else {}


def _logits(config: Mapping[str, Any]) -> int:
    """How many a model has; 0 if its config does not say. A multimodal model's config has a text config."""
    return int(config.get("vocab_size") or config.get("text_config", {}).get("vocab_size") or 0)
