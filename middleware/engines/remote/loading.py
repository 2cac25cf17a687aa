"""The tokenizer of the remotes' model, out of its files: transformers reads them, and no torch is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from middleware.engines.tokenizer import ModelTokenizer
from middleware.engines.wrapping import wrapped


def load(source: str, *, trust_remote_code: bool = False) -> ModelTokenizer:
    """The tokenizer in a directory, or of a model on a hub. Takes seconds. Raises OSError and ValueError."""
    from transformers import AutoTokenizer, PreTrainedConfig

    tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=trust_remote_code)
    try:
        config, _ = PreTrainedConfig.get_config_dict(source)
    except OSError:  # the tokenizer alone
        config = {}
    ends = _generation_config(source).get("eos_token_id")
    return wrapped(tokenizer, _logits(config), ends, stock_matcher=True)


def _generation_config(source: str) -> Mapping[str, Any]:
    """Nothing where the files have none. Read as JSON: transformers' own class needs torch."""
    from transformers.utils.hub import cached_file

    path = cached_file(source, "generation_config.json", _raise_exceptions_for_missing_entries=False)
    return dict(json.loads(Path(path).read_bytes())) if path else {}


def _logits(config: Mapping[str, Any]) -> int:
    """Of a model's config, which may be that of a model for more than text."""
    return int(config.get("vocab_size") or config.get("text_config", {}).get("vocab_size") or 0)
