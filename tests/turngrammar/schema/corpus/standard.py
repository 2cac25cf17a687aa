"""A schema in a dialect that it does not name, as JSON Schema 2020-12: for validators that read it as that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_latest(schema: Any) -> Any:
    """The schema with what is missing left out, and what older dialects write as 2020-12 does."""
    if isinstance(schema, list):
        return [as_latest(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    given = {name: as_latest(value) for name, value in schema.items() if not _is_absent(name, value)}
    return _nullable(_bounds(_tuple(_dependencies(_types(given)))))


def _is_absent(name: str, value: Any) -> bool:
    if value is None:
        return name not in ("const", "default")
    if isinstance(value, bool):
        return name == "required"
    return name == "$schema" or (value == [] and name in ("properties", "prefixItems"))


def _types(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    return {**schema, "type": kind.lower()} if isinstance(kind, str) else schema


def _tuple(schema: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(schema.get("items"), list):
        return schema
    others = {name: value for name, value in schema.items() if name not in ("items", "additionalItems")}
    prefix = {"prefixItems": schema["items"]} if schema["items"] else {}
    return {**others, **prefix, "items": schema.get("additionalItems", True)}


def _dependencies(schema: dict[str, Any]) -> dict[str, Any]:
    given = schema.pop("dependencies", None)
    if not isinstance(given, Mapping):
        return schema
    names = {name: value for name, value in given.items() if isinstance(value, list)}
    schemas = {name: value for name, value in given.items() if not isinstance(value, list)}
    return {**schema, "dependentRequired": names, "dependentSchemas": schemas}


def _bounds(schema: dict[str, Any]) -> dict[str, Any]:
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        flag = schema.get(exclusive)
        if isinstance(flag, bool):
            del schema[exclusive]
            schema |= {exclusive: schema.pop(bound)} if flag else {}
    return schema


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("nullable") is not True:
        return schema
    return {"anyOf": [{name: value for name, value in schema.items() if name != "nullable"}, {"type": "null"}]}
