"""The dialects (drafts) of JSON Schema, as values."""

from __future__ import annotations

from collections.abc import Mapping
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

from turngrammar.errors import RefusedSchema, shown


@dataclass(frozen=True)
class Dialect:
    """A draft.

    Attributes:
        name: as in `Options.dialect`.
        validator: jsonschema's class for it.
        specification: how `referencing` finds its identifiers.
        overriding: the keyword that disables its siblings: `$ref` in drafts 4 to 7.
        listed_items: `items` may be a list, with `additionalItems` beyond it (up to 2019-09).
    """

    name: str
    validator: type[Validator]
    specification: Specification[Any]
    overriding: str | None = None
    listed_items: bool = True

    @property
    def uri(self) -> str:
        return str(self.specification.id_of(self.validator.META_SCHEMA) or "").rstrip("#")

    @property
    def boolean_schemas(self) -> bool:
        return self.name != "draft4"


DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect("draft4", Draft4Validator, DRAFT4, overriding="$ref"),
        Dialect("draft6", Draft6Validator, DRAFT6, overriding="$ref"),
        Dialect("draft7", Draft7Validator, DRAFT7, overriding="$ref"),
        Dialect("2019-09", Draft201909Validator, DRAFT201909),
        Dialect("2020-12", Draft202012Validator, DRAFT202012, listed_items=False),
    )
}
LATEST = "2020-12"
_BY_URI = {dialect.uri: dialect for dialect in DIALECTS.values()}


def declares_dialect(schema: Any) -> bool:
    """Whether the schema has `$schema`."""
    return isinstance(schema, Mapping) and "$schema" in schema


def dialect_of(schema: Any, default: Dialect) -> Dialect:
    """By `$schema`. Raises RefusedSchema for an unknown dialect."""
    uri = schema.get("$schema") if isinstance(schema, Mapping) else None
    if not isinstance(uri, str):
        return default
    dialect = _BY_URI.get(uri.rstrip("#").replace("https://json-schema.org/draft-0", "http://json-schema.org/draft-0"))
    if dialect is None and uri.rstrip("#") != "http://json-schema.org/schema":
        message = f"The dialect {shown(uri)} is unknown. Omit $schema, or use that of {', '.join(DIALECTS)}."
        raise RefusedSchema(message, pointer="/$schema", keyword="$schema")
    return dialect or default


def pointer(tokens: tuple[Any, ...]) -> str:
    """RFC 6901."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)
