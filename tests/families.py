"""Real families of models: their tokenizers and chat templates."""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.prompt import ChatTemplate
from tests import shared


@dataclass(frozen=True)
class Family:
    """A row of families.json.

    Attributes:
        tokens: texts of markup that its chat template prints.
        ends: the texts of all tokens that end its turn.
        without: the added tokens that its tokenizer lacks, beside those of `tokenizer`.
    """

    name: str
    format: str
    real: bool
    tokenizer: str
    tokens: tuple[str, ...]
    ends: tuple[str, ...]
    without: tuple[str, ...]
    vocab_size: int
    rewrites: tuple[tuple[str, str, str], ...]
    skip: Mapping[str, str]


@cache
def families() -> Mapping[str, Family]:
    """All families by name; empty where the data is missing."""
    file = shared.DATA / "families" / "families.json"
    rows = json.loads(file.read_text()) if file.exists() else []
    return {row["name"]: _family(row) for row in rows}


def _family(row: Mapping[str, Any]) -> Family:
    return Family(
        name=row["name"],
        format=row["format"],
        real=row["real"],
        tokenizer=row["tokenizer"],
        tokens=tuple(row["tokens"]),
        ends=tuple(row["ends"]),
        without=tuple(row.get("without") or ()),
        vocab_size=row["vocab_size"],
        rewrites=tuple((pattern, text, why) for pattern, text, why in row.get("rewrites") or ()),
        skip=row.get("skip") or {},
    )


def write(family: Family, to: Path) -> Path:
    """Writes the family's tokenizer and chat template into the folder `to`, in the layout of a checkpoint."""
    folder = shared.DATA / "families"
    source = json.loads(lzma.decompress((folder / family.tokenizer / "tokenizer.json.xz").read_bytes()))
    source["added_tokens"] = [token for token in source["added_tokens"] if token["content"] not in family.without]
    to.mkdir(parents=True, exist_ok=True)
    (to / "tokenizer.json").write_text(json.dumps(source, ensure_ascii=False))
    for file in ("tokenizer_config.json", "chat_template.jinja"):
        (to / file).write_text((folder / family.name / file).read_text())
    return to


def loaded(family: Family, to: Path) -> HuggingFaceTokenizer:
    """The tokenizer as an engine loads it, with the `eos_token_id` of the model's generation config."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(write(family, to))
    ends = tuple(tokenizer.convert_tokens_to_ids(end) for end in family.ends)
    return HuggingFaceTokenizer(tokenizer, family.vocab_size, ends)


def template(tokenizer: HuggingFaceTokenizer) -> ChatTemplate:
    return ChatTemplate(tokenizer.chat_template or "", tokenizer.named_tokens)
