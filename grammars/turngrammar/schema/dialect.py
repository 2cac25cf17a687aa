"""The dialects of JSON Schema, as values, and where each keyword keeps its subschemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema.protocols import Validator
from jsonschema.validators import (
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
)
from referencing import Specification
from referencing.jsonschema import DRAFT4, DRAFT6, DRAFT7, DRAFT201909, DRAFT202012

from turngrammar.errors import RefusedSchema

# keyword -> where its subschemas are: the value itself, each of a list, each value of a mapping
ONE = frozenset(("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not"))
ONE |= {"propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"}
EACH = frozenset(("allOf", "anyOf", "oneOf", "prefixItems", "items"))
NAMED = frozenset(("$defs", "definitions", "properties", "patternProperties", "dependentSchemas", "dependencies"))


@dataclass(frozen=True)
class Dialect:
    """A draft.

    Attributes:
        name: how `Options.dialect` calls it.
        validator: jsonschema's class for it; its table of keywords is the dialect's.
        specification: how `referencing` finds its identifiers.
        lone_ref: `$ref` makes its siblings void (drafts 4 to 7).
        listed_items: `items` may be a list, with `additionalItems` beyond it (up to 2019-09).
    """

    name: str
    validator: type[Validator]
    specification: Specification[Any]
    lone_ref: bool = False
    listed_items: bool = True

    @property
    def uri(self) -> str:
        return str(self.specification.id_of(self.validator.META_SCHEMA) or "").rstrip("#")

    def knows(self, keyword: str) -> bool:
        """Whether the keyword asserts anything in this dialect."""
        return keyword in self.validator.VALIDATORS or _READ_BY_OTHERS.get(keyword) in self.validator.VALIDATORS

    @property
    def boolean_schemas(self) -> bool:
        return self.name != "draft4"


# Keywords that jsonschema reads while it handles their neighbours, each with one that the same drafts have.
_READ_BY_OTHERS = {
    **dict.fromkeys(("then", "else"), "if"),
    **dict.fromkeys(("minContains", "maxContains"), "dependentRequired"),
    **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), "minimum"),
}

DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect("draft4", Draft4Validator, DRAFT4, lone_ref=True),
        Dialect("draft6", Draft6Validator, DRAFT6, lone_ref=True),
        Dialect("draft7", Draft7Validator, DRAFT7, lone_ref=True),
        Dialect("2019-09", Draft201909Validator, DRAFT201909),
        Dialect("2020-12", Draft202012Validator, DRAFT202012, listed_items=False),
    )
}
_BY_URI = {dialect.uri: dialect for dialect in DIALECTS.values()}


def dialect_of(schema: Any, default: Dialect) -> Dialect:
    """By `$schema`. Raises RefusedSchema for one that is not known here."""
    uri = schema.get("$schema") if isinstance(schema, Mapping) else None
    if not isinstance(uri, str):
        return default
    found = _BY_URI.get(uri.rstrip("#").replace("https://json-schema.org/draft-0", "http://json-schema.org/draft-0"))
    if found is None and uri.rstrip("#") != "http://json-schema.org/schema":
        raise RefusedSchema(f"the dialect {uri!r} is not known", pointer="/$schema", keyword="$schema")
    return found or default


def subschemas(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Direct subschemas, with the pointer tokens that lead to each."""
    for keyword, value in schema.items():
        if keyword in ONE and isinstance(value, Mapping | bool):
            yield (keyword,), value
        elif keyword in EACH and isinstance(value, list):
            yield from (((keyword, str(index)), item) for index, item in enumerate(value))
        elif keyword in NAMED and isinstance(value, Mapping):
            lists = keyword == "dependencies"  # of names, not schemas
            yield from (
                ((keyword, name), item) for name, item in value.items() if not (lists and isinstance(item, list))
            )


def pointer(tokens: tuple[Any, ...]) -> str:
    """RFC 6901."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)
