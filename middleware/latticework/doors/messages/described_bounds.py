"""Bounds that clients have written into descriptions, read back into the schema.

The client validates the answer with the bounds that it has deleted from the schema that it sends, and raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from latticework.doors.messages.bound_notations import NOTATIONS, NOTATIONS_IN_TOOLS, BoundNotation
from latticework.doors.messages.described_members import BOUNDS
from turngrammar.regex import RegexError, readings
from turngrammar.schema.dialect import pointer as json_pointer
from turngrammar.schema.keywords import KEYWORDS
from turngrammar.schema.places import value_at

_TYPES = {"integer": "number"}
_DELETED = BOUNDS.keys() - {"const", "enum", "definitions", "additionalProperties"}
_SIGNS = re.compile(r"[\\^$*+|(\[{]")  # that a regex has, but hardly a sentence


@dataclass(frozen=True)
class DescribedBounds:
    """A schema with the bounds that its descriptions have; `pointers` are those of the keywords that were added."""

    schema: Mapping[str, Any]
    pointers: tuple[str, ...] = ()


class BoundsReader:
    """Reads the schemas of one request.

    Attributes:
        pointers: those of all keywords that were added.
    """

    def __init__(self, *, enabled: bool) -> None:
        self.pointers: list[str] = []
        self._enabled = enabled

    def document(self, schema: Mapping[str, Any], pointer: str) -> Mapping[str, Any]:
        return self._read(schema, pointer, NOTATIONS)

    def tool(self, schema: Mapping[str, Any], pointer: str) -> Mapping[str, Any]:
        """Few clients delete the bounds of tools."""
        return self._read(schema, pointer, NOTATIONS_IN_TOOLS)

    def _read(self, schema: Mapping[str, Any], pointer: str, notations: Sequence[BoundNotation]) -> Mapping[str, Any]:
        if not self._enabled:
            return schema
        described = read_described_bounds(schema, pointer, notations)
        self.pointers += described.pointers
        return described.schema


@dataclass(frozen=True)
class _Subschema:
    path: tuple[str, ...]
    schema: Mapping[str, Any]

    @property
    def types(self) -> frozenset[str]:
        """Those that it declares, `number` for `integer`; none if it doesn't."""
        declared = self.schema.get("type")
        names = [declared] if isinstance(declared, str) else declared if isinstance(declared, list) else []
        return frozenset(_TYPES.get(name, name) for name in names if isinstance(name, str))


def read_described_bounds(
    schema: Mapping[str, Any], pointer: str = "", notations: Sequence[BoundNotation] = NOTATIONS
) -> DescribedBounds:
    """The schema with the keywords that clients have deleted and described, in these notations only.

    Descriptions stay as they are, no keyword that the schema has changes, and the schema that is given does not either.

    Args:
        schema: of a document. For one of a tool, `notations` are NOTATIONS_IN_TOOLS. A megabyte of
            descriptions that are made for it takes about a second.
        pointer: the JSON pointer of the schema, with which those of the result begin.
    """
    subschemas = list(_subschemas(schema))
    is_left_over = all(map(_is_left_over, subschemas))
    added = [(part, bounds) for part in subschemas if (bounds := _bounds(part, notations, is_left_over))]
    if not added:
        return DescribedBounds(schema)
    read = deepcopy(dict(schema))
    for part, bounds in added:
        value_at(read, part.path).update(bounds)
    keywords = (json_pointer((*part.path, keyword)) for part, bounds in added for keyword in bounds)
    return DescribedBounds(read, tuple(pointer + keyword for keyword in keywords))


def _subschemas(schema: Any) -> Iterator[_Subschema]:
    """In document order."""
    pending: list[tuple[tuple[str, ...], Any]] = [((), schema)]
    while pending:
        path, found = pending.pop()
        if isinstance(found, Mapping):
            yield _Subschema(path, found)
            pending += [((*path, *below), child) for below, child in reversed(list(KEYWORDS.subschemas(found)))]


def _bounds(part: _Subschema, notations: Sequence[BoundNotation], is_left_over: bool) -> Mapping[str, Any]:
    """What the description has, the subschema lacks, and can have."""
    description = part.schema.get("description")
    if not isinstance(description, str):
        return {}
    for notation in notations:
        if found := notation.read(description, part.types):
            fitting = {keyword: value for keyword, value in found.items() if _fits(keyword, value, part)}
            if notation.in_plain_words and not (is_left_over and _SIGNS.search(fitting.get("pattern", ""))):
                fitting.pop("pattern", None)
            return fitting
    return {}


def _fits(keyword: str, value: Any, part: _Subschema) -> bool:
    kind, types = BOUNDS[keyword], part.types
    if keyword in part.schema or (types and kind != "any" and kind not in types):
        return False
    return keyword != "pattern" or _is_pattern(value)


def _is_pattern(text: str) -> bool:
    """Whether it can be parsed, which takes linear time, unlike compiling it."""
    try:
        readings(text)
    except (RegexError, RecursionError):
        return False
    return True


def _is_left_over(part: _Subschema) -> bool:
    """Whether a client that deletes bounds and closes objects may have left this subschema."""
    is_object = "object" in part.types or "properties" in part.schema
    closed = not is_object or part.schema.get("additionalProperties") is False
    return closed and _DELETED.isdisjoint(part.schema)
