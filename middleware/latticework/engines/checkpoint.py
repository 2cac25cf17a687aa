"""A model's tokenizer out of its files, without an engine: transformers reads them, and no torch is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.wrapping import wrapped


def load(
    source: str, *, trust_remote_code: bool = False, local: bool = False, stock_matcher: bool = False
) -> ModelTokenizer:
    """The tokenizer in a directory, or of a model on a hub: if `local`, only where it has been downloaded.

    `stock_matcher`: whether an engine elsewhere holds answers to their grammars. Takes seconds. Raises OSError and
    ValueError, and EngineDead for a tokenizer whose tokens can't be told.
    """
    from transformers import AutoTokenizer, PreTrainedConfig

    tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=trust_remote_code, local_files_only=local)
    try:
        config, _ = PreTrainedConfig.get_config_dict(source, local_files_only=local)
    except OSError:  # the tokenizer alone
        config = {}
    ends = _generation_config(source, local=local).get("eos_token_id")
    return wrapped(tokenizer, _logits(config), ends, stock_matcher=stock_matcher)


def _generation_config(source: str, *, local: bool) -> Mapping[str, Any]:
    """Nothing where the files have none. Read as JSON: transformers' own class needs torch."""
    from transformers.utils.hub import cached_file

    path = cached_file(
        source, "generation_config.json", _raise_exceptions_for_missing_entries=False, local_files_only=local
    )
    return dict(json.loads(Path(path).read_bytes())) if path else {}


def _logits(config: Mapping[str, Any]) -> int:
    """Of a model's config, which may be that of a model for more than text."""
    return int(config.get("vocab_size") or config.get("text_config", {}).get("vocab_size") or 0)
