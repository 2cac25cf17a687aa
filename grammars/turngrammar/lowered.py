"""What `SchemaPlan.lowered` says, for those who spell values in another way than JSON.

They are in normal form: each node is `{}`, `$ref`, `anyOf`, `const` or `enum`, or one `type` with its keywords.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Lowered = Mapping[str, Any] | bool

EVERY_TYPE = ("null", "boolean", "number", "string", "array", "object")
ANY_TYPES = frozenset(EVERY_TYPE)
STRING_ONLY = frozenset(("string",))


def branches(schema: Lowered, root: Lowered) -> Iterator[Mapping[str, Any]]:
    """`schema` as alternatives of one type each. `root` holds the definitions."""
    if isinstance(schema, bool):
        if schema:
            yield from ({"type": name} for name in EVERY_TYPE)
    elif "$ref" in schema:
        yield from branches(definition(schema["$ref"], root), root)
    elif "anyOf" in schema:
        for option in schema["anyOf"]:
            yield from branches(option, root)
    elif "const" in schema or "enum" in schema:
        yield from _branch_per_type(schema.get("enum", [schema.get("const")]))
    elif "type" in schema:
        yield schema
    else:
        yield from ({"type": name} for name in EVERY_TYPE)


def definition(reference: str, root: Lowered) -> Lowered:
    """What a `$ref` of a lowered schema refers to."""
    found: Any = root
    for part in reference.split("/")[1:]:
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found  # type: ignore[no-any-return]


def _branch_per_type(values: list[Any]) -> Iterator[Mapping[str, Any]]:
    for name in EVERY_TYPE:
        if fitting := [value for value in values if json_type(value) == name]:
            yield {"type": name, "enum": fitting}


def json_type(value: Any) -> str:
    """The JSON type of a value; whole numbers are numbers."""
    return next(name for kind, name in _TYPES if isinstance(value, kind))


_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "null"),
    (bool, "boolean"),
    ((int, float), "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def allowed_types(schema: Lowered, root: Lowered) -> frozenset[str]:
    """The JSON types that `schema` allows; whole numbers are numbers."""
    return frozenset("number" if one["type"] == "integer" else one["type"] for one in branches(schema, root))


def argument_types(root: Lowered, key: str) -> frozenset[str]:
    """The JSON types that an argument of this name may have; every type where nothing is said of it."""
    found = [_member_types(one, key, root) for one in branches(root, root) if one["type"] == "object"]
    return frozenset().union(*found) or ANY_TYPES


def _member_types(schema: Mapping[str, Any], key: str, root: Lowered) -> frozenset[str]:
    if key in schema.get("properties", {}):
        return allowed_types(schema["properties"][key], root)
    others = [schema.get("additionalProperties", True), *schema.get("patternProperties", {}).values()]
    return frozenset().union(*(allowed_types(other, root) for other in others))


def member_schema(schema: Lowered, key: str, root: Lowered) -> Lowered:
    """What `schema` says of the member of this name, wherever it is an object."""
    found = [_member_schemas(one, key) for one in branches(schema, root) if one["type"] == "object"]
    return {"anyOf": [option for options in found for option in options]}


def _member_schemas(branch: Mapping[str, Any], key: str) -> list[Lowered]:
    if "enum" in branch:
        return [{"enum": [value[key] for value in branch["enum"] if key in value]}]
    if key in branch.get("properties", {}):
        return [branch["properties"][key]]
    return [branch.get("additionalProperties", True), *branch.get("patternProperties", {}).values()]


def item_schema(schema: Lowered, index: int, root: Lowered) -> Lowered:
    """What `schema` says of the item at `index`, wherever it is an array."""
    return {"anyOf": [_item_schema(one, index) for one in branches(schema, root) if one["type"] == "array"]}


def _item_schema(branch: Mapping[str, Any], index: int) -> Lowered:
    if "enum" in branch:
        return {"enum": [value[index] for value in branch["enum"] if index < len(value)]}
    prefix: list[Lowered] = branch.get("prefixItems", [])
    return prefix[index] if index < len(prefix) else branch.get("items", True)
