"""The tokenizer of the remotes' model, out of its files: transformers reads them, and no torch is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from middleware.engines.huggingface import HuggingFaceTokenizer


def load(source: str, *, trust_remote_code: bool = False) -> HuggingFaceTokenizer:
    """The tokenizer in a directory, or of a model on a hub. Takes seconds. Raises OSError and ValueError."""
    from transformers import AutoTokenizer, PreTrainedConfig

    tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=trust_remote_code)
    if not tokenizer.is_fast:
        raise ValueError(f"{source} has no fast tokenizer.")
    try:
        config, _ = PreTrainedConfig.get_config_dict(source)
    except OSError:  # the tokenizer alone
        config = {}
    return HuggingFaceTokenizer(tokenizer, _logits(config))


def _logits(config: Mapping[str, Any]) -> int:
    """Of a model's config, which may be that of a model for more than text."""
    return int(config.get("vocab_size") or config.get("text_config", {}).get("vocab_size") or 0)
