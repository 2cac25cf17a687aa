"""Styles of JSON text: the separators of items and of keys, and perhaps the order of the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from turngrammar.scan import dump_json


@dataclass(frozen=True)
class JsonStyle:
    """A style without any other whitespace.

    Attributes:
        item_separator: between two items or members.
        key_separator: between a key and its value.
        sort_keys: whether the keys of each object are in alphabetical order, and not in that of the schema.
    """

    item_separator: str = ", "
    key_separator: str = ": "
    sort_keys: bool = False

    def encode(self, value: Any) -> str:
        """The text of a JSON value."""
        return dump_json(value, self.item_separator, self.key_separator, sort_keys=self.sort_keys)


CANONICAL = JsonStyle()
"""The style of json.dumps and of most chat templates."""

_UNSORTED = (CANONICAL, JsonStyle(",", ":"), JsonStyle(", ", ":"), JsonStyle(",", ": "))
JSON_STYLES: Sequence[JsonStyle] = (*_UNSORTED, *(replace(style, sort_keys=True) for style in _UNSORTED))
"""The styles that chat templates use, the most common first."""


def sort_properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A lowered schema with its own properties in alphabetical order."""
    properties = schema.get("properties")
    return {**schema, "properties": dict(sorted(properties.items()))} if isinstance(properties, dict) else schema
