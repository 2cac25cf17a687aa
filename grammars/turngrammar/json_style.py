"""How JSON is spelled: the text between items, and between a key and its value; perhaps the order of the keys."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class JsonStyle:
    """A spelling without any other whitespace.

    Attributes:
        item: between two items or members.
        key: between a key and its value.
        sorts: whether the keys of each object are in alphabetical order, and not in that of the schema.
    """

    item: str = ", "
    key: str = ": "
    sorts: bool = False

    @property
    def options(self) -> Mapping[str, Any]:
        """llguidance's options for JSON, the value of `x-guidance`."""
        return {"whitespace_flexible": False, "item_separator": self.item, "key_separator": self.key}

    def encode(self, value: Any) -> str:
        """The text of a JSON value."""
        return json.dumps(value, ensure_ascii=False, separators=(self.item, self.key), sort_keys=self.sorts)

    def schema(self, lowered: Mapping[str, Any]) -> str:
        """The text after `%json ` in an llguidance Lark grammar, of a lowered schema."""
        ordered = in_order(lowered) if self.sorts else lowered
        return json.dumps({"x-guidance": self.options, **ordered}, ensure_ascii=False)


CANONICAL = JsonStyle()
"""json.dumps' own, and that of most chat templates."""

_PLAIN = (CANONICAL, JsonStyle(",", ":"), JsonStyle(", ", ":"), JsonStyle(",", ": "))
JSON_STYLES: Sequence[JsonStyle] = (*_PLAIN, *(replace(one, sorts=True) for one in _PLAIN))
"""Those that a chat template may be found to use, the usual ones first."""


def in_order(schema: Any) -> Any:
    """A lowered schema whose objects have their properties in alphabetical order: the grammar follows it."""
    if isinstance(schema, list):
        return [in_order(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return sort_properties({key: value if key in _VALUES else in_order(value) for key, value in schema.items()})


def sort_properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A lowered schema with its own properties in alphabetical order."""
    properties = schema.get("properties")
    return {**schema, "properties": dict(sorted(properties.items()))} if isinstance(properties, dict) else schema


_VALUES = frozenset(("const", "enum"))  # of these keywords, objects are no schemas
