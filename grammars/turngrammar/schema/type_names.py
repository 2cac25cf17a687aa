"""The types that a schema names, in the words of drafts, of Gemini's API and of programming languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turngrammar.schema.forms import TYPES

_ANY = "any"
_TYPE_WORDS: Mapping[str, str] = {
    **{name: name for name in TYPES},
    **dict.fromkeys((_ANY, "type_unspecified"), _ANY),
    **dict.fromkeys(("dict", "dictionary", "map", "hashmap", "hashtable"), "object"),
    **dict.fromkeys(("list", "tuple", "arraylist"), "array"),
    **dict.fromkeys(("int", "int32", "int64", "long", "short", "bigint"), "integer"),
    **dict.fromkeys(("float", "double", "decimal"), "number"),
    **dict.fromkeys(("str", "char"), "string"),
    "bool": "boolean",
    "none": "null",
}


def named_types(value: Any) -> list[str] | None:
    """The different types that the value of `type` names, [] for any of them; None if it names something else."""
    words = value if isinstance(value, list) else [value]
    if not words or not all(isinstance(word, str) for word in words):
        return None
    types = [_TYPE_WORDS.get(name.strip().lower(), "") for word in words for name in word.split("|")]
    if "" in types:
        return None
    return [] if _ANY in types else list(dict.fromkeys(types))
