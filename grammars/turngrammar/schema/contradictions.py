"""Keywords that no value can fit beside others, so that they can only be read as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turngrammar.regex import RegexError, compile_pattern, intersection, is_empty
from turngrammar.schema.sites import Site
from turngrammar.schema.type_names import named_types
from turngrammar.string_formats import FORMATS


def contradicted(schema: Mapping[str, Any], *, patterns: bool) -> list[str]:
    """The keywords with which nothing fits others beside them. `patterns`: also if one has to be compiled."""
    found = ["const"] if "const" in schema and _is_unset_constant(schema) else []
    return [*found, "format"] if patterns and "format" in schema and _is_contradicted_format(schema) else found


def _is_unset_constant(schema: Mapping[str, Any]) -> bool:
    """Null beside other types: a field that was not set."""
    types = named_types(schema.get("type")) or ["null"]
    return schema["const"] is None and "null" not in types and schema.get("nullable") is not True


def _is_contradicted_format(schema: Mapping[str, Any]) -> bool:
    """Whether no string fits both the format and the pattern beside it."""
    name, pattern = schema.get("format"), schema.get("pattern")
    if not (isinstance(name, str) and name in FORMATS and isinstance(pattern, str)):
        return False
    try:
        language = compile_pattern(pattern)
    except RegexError:
        return False
    return is_empty(intersection(FORMATS[name].language, language)) is True


def read_format(site: Site) -> bool:
    """Up to version 4.2, zod writes `time` beside the pattern that it checks, of times without an offset."""
    return _is_contradicted_format(site.schema) and site.vanishes(f"{site.value}, which contradicts the pattern,")
