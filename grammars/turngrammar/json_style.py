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

    @property
    def options(self) -> Mapping[str, Any]:
        """llguidance's options for JSON, the value of `x-guidance`."""
        return {
            "whitespace_flexible": False,
            "item_separator": self.item_separator,
            "key_separator": self.key_separator,
        }

    def encode(self, value: Any) -> str:
        """The text of a JSON value."""
        return dump_json(value, self.item_separator, self.key_separator, sort_keys=self.sort_keys)

    def schema(self, lowered: Mapping[str, Any]) -> str:
        """The text after `%json ` in an llguidance Lark grammar, of a lowered schema."""
        ordered = in_order(lowered) if self.sort_keys else lowered
        return dump_json({"x-guidance": self.options, **ordered})


CANONICAL = JsonStyle()
"""The style of json.dumps and of most chat templates."""

_UNSORTED = (CANONICAL, JsonStyle(",", ":"), JsonStyle(", ", ":"), JsonStyle(",", ": "))
JSON_STYLES: Sequence[JsonStyle] = (*_UNSORTED, *(replace(style, sort_keys=True) for style in _UNSORTED))
"""The styles that chat templates use, the most common first."""


def in_order(schema: Any) -> Any:
    """A lowered schema with the properties of all its objects in alphabetical order, which the grammar follows."""
    if isinstance(schema, list):
        return [in_order(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return sort_properties({key: value if key in _VALUES else in_order(value) for key, value in schema.items()})


def sort_properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A lowered schema with its own properties in alphabetical order."""
    properties = schema.get("properties")
    return {**schema, "properties": dict(sorted(properties.items()))} if isinstance(properties, dict) else schema


_VALUES = frozenset(("const", "enum"))  # keywords whose values are data, not schemas
