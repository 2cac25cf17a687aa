"""Mistral's own tokenizers: the vocabulary that mistral_common ships, cut, with each version's special tokens."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

# Of 150,000: so many are quick to load, and spell everything.
ENTRIES = 6000
SPECIAL = 1000
# From version 11 on, where mistral_common wants them listed. The ids are Mistral Small 3.2's and Magistral's.
NEWER = {32: "[ARGS]", 33: "[CALL_ID]", 34: "[THINK]", 35: "[/THINK]", 36: "[MODEL_SETTINGS]", 37: "[/MODEL_SETTINGS]"}
THINKING = 13
# Versions with settings name which efforts a request may ask for.
SETTINGS = {"reasoning_effort": {"values": ["none", "high"], "default": "none", "type": "enum", "accepts_none": True}}
WITH_SETTINGS = 15


@cache
def _shipped() -> dict[str, Any]:
    pytest.importorskip("mistral_common")
    return dict(json.loads((files("mistral_common") / "data" / "tekken_240911.json").read_bytes()))


def write_tekken(directory: Path, version: int) -> Path:
    """tekken.json of a version, with the special tokens that its models have."""
    told = {name: value for name, value in _shipped().items() if name != "image"}
    config = {**told["config"], "version": f"v{version}", "default_vocab_size": ENTRIES + SPECIAL}
    model = {**told, "config": config, "vocab": told["vocab"][:ENTRIES], "special_tokens": _special(version)}
    if version >= WITH_SETTINGS:
        model["model_settings_builder"] = SETTINGS
    file = directory / "tekken.json"
    file.write_text(json.dumps(model))
    return file


def _special(version: int) -> list[dict[str, Any]]:
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    names = {one["rank"]: str(one["token_str"]) for one in Tekkenizer.DEPRECATED_SPECIAL_TOKENS}
    names |= {rank: name for rank, name in NEWER.items() if version >= _since(name)}
    return [
        {"rank": rank, "token_str": names.get(rank, f"<SPECIAL_{rank}>"), "is_control": True} for rank in range(SPECIAL)
    ]


def _since(name: str) -> int:
    if "SETTINGS" in name:
        return WITH_SETTINGS
    return THINKING if "THINK" in name else 11
