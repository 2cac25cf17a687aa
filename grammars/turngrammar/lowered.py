"""Reading lowered schemas, for notations other than JSON.

Their normal form: each node is `{}`, `$ref`, `anyOf`, `const` or `enum`, or one `type` with its keywords.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    """The target of a `$ref` of a lowered schema."""
    target: Any = root
    for part in reference.split("/")[1:]:
        target = target[part.replace("~1", "/").replace("~0", "~")]
    return target  # type: ignore[no-any-return]


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
    return frozenset("number" if branch["type"] == "integer" else branch["type"] for branch in branches(schema, root))


def argument_types(root: Lowered, key: str) -> frozenset[str]:
    """The JSON types that an argument of this name may have; every type where the schema is silent."""
    per_branch = [_member_types(branch, key, root) for branch in branches(root, root) if branch["type"] == "object"]
    return frozenset().union(*per_branch) or ANY_TYPES


def _member_types(schema: Mapping[str, Any], key: str, root: Lowered) -> frozenset[str]:
    if key in schema.get("properties", {}):
        return allowed_types(schema["properties"][key], root)
    others = [schema.get("additionalProperties", True), *schema.get("patternProperties", {}).values()]
    return frozenset().union(*(allowed_types(other, root) for other in others))


def member_schema(schema: Lowered, key: str, root: Lowered) -> Lowered:
    """The schema of the member of this name, wherever `schema` allows an object."""
    objects = (branch for branch in branches(schema, root) if branch["type"] == "object")
    return _any_of(option for branch in objects for option in _member_schemas(branch, key))


def _any_of(options: Iterable[Lowered]) -> Lowered:
    """Each once: the branches of a recursive schema have the same members, and would double with each level."""
    return {"anyOf": [*{id(option): option for option in options}.values()]}


def _member_schemas(branch: Mapping[str, Any], key: str) -> list[Lowered]:
    if "enum" in branch:
        return [{"enum": [value[key] for value in branch["enum"] if key in value]}]
    if key in branch.get("properties", {}):
        return [branch["properties"][key]]
    return [branch.get("additionalProperties", True), *branch.get("patternProperties", {}).values()]


def item_schema(schema: Lowered, index: int, root: Lowered) -> Lowered:
    """The schema of the item at `index`, wherever `schema` allows an array."""
    arrays = (branch for branch in branches(schema, root) if branch["type"] == "array")
    return _any_of(branch_item(branch, index) for branch in arrays)


def branch_item(branch: Mapping[str, Any], index: int) -> Lowered:
    """The schema of the item at `index` in one branch, an array."""
    if "enum" in branch:
        return {"enum": [value[index] for value in branch["enum"] if index < len(value)]}
    prefix: list[Lowered] = branch.get("prefixItems", [])
    return prefix[index] if index < len(prefix) else branch.get("items", True)
