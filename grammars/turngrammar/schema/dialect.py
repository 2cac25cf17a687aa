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


def _address(uri: str) -> str:
    """What identifies a meta-schema, in the variants that tools write: `http` or `https`, with or without `#`."""
    return uri.strip().removeprefix("http://").removeprefix("https://").rstrip("#/")


_BY_ADDRESS: Mapping[str, Dialect] = {
    **{_address(dialect.uri): dialect for dialect in DIALECTS.values()},
    # Supersets of their drafts, whose further keywords are about links and assert nothing.
    "json-schema.org/draft-04/hyper-schema": DIALECTS["draft4"],
    "json-schema.org/draft-06/hyper-schema": DIALECTS["draft6"],
    "json-schema.org/draft-07/hyper-schema": DIALECTS["draft7"],
    "json-schema.org/draft/2019-09/hyper-schema": DIALECTS["2019-09"],
    "json-schema.org/draft/2020-12/hyper-schema": DIALECTS["2020-12"],
    "json-schema.org/draft-05/schema": DIALECTS["draft4"],  # changed no keyword
    "spec.openapis.org/oas/3.1/dialect/base": DIALECTS["2020-12"],
}
# The latest draft, whichever that is, declares nothing. Nor does OpenAPI 3.0, which is no draft.
_UNDECLARED = ("", "json-schema.org/schema")
_OPENAPI_3_0 = "spec.openapis.org/oas/3.0/"  # followed by a date


def declares_dialect(schema: Any) -> bool:
    """Whether the schema names its draft."""
    uri = schema.get("$schema") if isinstance(schema, Mapping) else None
    return isinstance(uri, str) and _address(uri) not in _UNDECLARED and not _address(uri).startswith(_OPENAPI_3_0)


def dialect_of(schema: Any, default: Dialect, where: str = "") -> Dialect:
    """By `$schema`. Raises RefusedSchema for an unknown dialect of the subschema at that pointer."""
    if not declares_dialect(schema):
        return default
    uri = schema["$schema"]
    if _address(uri) not in _BY_ADDRESS:
        message = f"The dialect {shown(uri)} is unknown. Omit $schema, or use that of {', '.join(DIALECTS)}."
        raise RefusedSchema(message, pointer=f"{where}/$schema", keyword="$schema")
    return _BY_ADDRESS[_address(uri)]


def dialect_within(schema: Any, dialect: Dialect) -> Dialect:
    """That of a subschema: its `$schema` counts only if it has an identifier."""
    return dialect_of(schema, dialect) if is_resource(schema) else dialect


def is_resource(schema: Any) -> bool:
    """Whether a subschema has an identifier: it may have a dialect, and references in it are relative to it."""
    return isinstance(schema, dict) and (isinstance(schema.get("$id"), str) or isinstance(schema.get("id"), str))


def pointer(tokens: tuple[Any, ...]) -> str:
    """RFC 6901."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)
