"""A quick look that recognises schemas which surely are valid.

jsonschema's meta-validation takes longer than all the rest of a compilation. Most schemas are plainly well formed, and
this says so in a tenth of the time; whatever it doesn't recognise is left to meta-validation, whose word counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from turngrammar.errors import RefusedSchema
from turngrammar.schema.dialect import Dialect, subschemas

MAX_DEPTH = 64  # subschemas within each other; references don't count
# Where draft 4, too, has booleans, though it has no boolean schemas.
_OPEN = ("additionalItems", "additionalProperties")
_LIMITED = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
_TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))


def surely_valid(schema: Any, dialect: Dialect) -> bool:
    """True only if meta-validation would pass. False says nothing. Raises RefusedSchema for absurd depth."""
    queue = [("", schema, 0)]
    for keyword, node, depth in queue:
        if depth > MAX_DEPTH:
            raise RefusedSchema(f"its subschemas are nested more than {MAX_DEPTH} deep")
        if isinstance(node, bool):
            if not dialect.boolean_schemas and keyword not in _OPEN:
                return False
        elif not isinstance(node, dict) or not _plain(node, dialect):
            return False
        else:
            queue.extend((tokens[0], child, depth + 1) for tokens, child in subschemas(node))
    return True


def _plain(schema: dict[str, Any], dialect: Dialect) -> bool:
    if dialect.name == "draft4" and not all(limit in schema for limited, limit in _LIMITED if limited in schema):
        return False
    for keyword, value in schema.items():
        check = _CHECKS.get(keyword, _anything if keyword not in _SUSPECT else _nothing)
        if not check(value, dialect):
            return False
    return True


def _anything(value: Any, dialect: Dialect) -> bool:
    return True


def _nothing(value: Any, dialect: Dialect) -> bool:
    return False


def _string(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, str)


def _is_bool(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, bool)


def _number(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _step(value: Any, dialect: Dialect) -> bool:
    return _number(value, dialect) and value > 0


def _limit(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, bool) == (dialect.name == "draft4") and isinstance(value, int | float)


def _type(value: Any, dialect: Dialect) -> bool:
    return (
        value in _TYPES if isinstance(value, str) else _names(value, dialect) and set(value) <= _TYPES and value != []
    )


def _names(value: Any, dialect: Dialect) -> bool:
    distinct = (
        isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)
    )
    return distinct and (bool(value) or dialect.name != "draft4")


def _schema(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, dict | bool)


def _schemas(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, list) and bool(value)


def _items(value: Any, dialect: Dialect) -> bool:
    return _schemas(value, dialect) and dialect.listed_items if isinstance(value, list) else _schema(value, dialect)


def _map(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, dict)


def _dependencies(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, dict) and all(
        _names(item, dialect) for item in value.values() if not isinstance(item, dict)
    )


def _enum(value: Any, dialect: Dialect) -> bool:
    """Repeated values are an error in draft 4 to 6 only, but telling them apart is meta-validation's business."""
    return (
        isinstance(value, list) and bool(value) and _names([v for v in value if isinstance(v, str)] or ["-"], dialect)
    )


# Rare keywords with intricate values.
_SUSPECT = frozenset(("$vocabulary", "$recursiveAnchor", "$recursiveRef", "$dynamicRef", "$dynamicAnchor", "$anchor"))

_CHECKS: Mapping[str, Callable[[Any, Dialect], bool]] = {
    **dict.fromkeys(("$schema", "$comment", "title", "description", "format", "pattern", "$ref"), _string),
    **dict.fromkeys(("contentEncoding", "contentMediaType"), _string),
    **dict.fromkeys(("uniqueItems", "readOnly", "writeOnly", "deprecated"), _is_bool),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _count),
    **dict.fromkeys(("minContains", "maxContains"), _count),
    **dict.fromkeys(("minimum", "maximum"), _number),
    **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), _limit),
    **dict.fromkeys(("not", "if", "then", "else", "contains", "propertyNames"), _schema),
    **dict.fromkeys(("unevaluatedItems", "unevaluatedProperties", "contentSchema"), _schema),
    **dict.fromkeys(_OPEN, _schema),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _schemas),
    **dict.fromkeys(("$defs", "definitions", "properties", "patternProperties", "dependentSchemas"), _map),
    "items": _items,
    "type": _type,
    "required": _names,
    "enum": _enum,
    "multipleOf": _step,
    "dependencies": _dependencies,
    "dependentRequired": _dependencies,
    "examples": lambda value, dialect: isinstance(value, list),
    "id": lambda value, dialect: dialect.name != "draft4" or isinstance(value, str),
    "$id": lambda value, dialect: isinstance(value, str) and (dialect.lone_ref or "#" not in value),
}
