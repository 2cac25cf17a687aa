"""Schemas and instances with few names, few values and every keyword, so that they interact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c", "x1"])
KEYS = NAMES | st.sampled_from(["ab", "y"])
PATTERNS = st.sampled_from(["^a", "b$", "^[a-c]+$", "x", r"^x\d$", "^(?!a)", "^(?=.*b)a", "[^b]", "^a|b$"])
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object", "object"])
NUMBERS = st.sampled_from([0, 1, 2, 3, 4, 6, 7, 10, -1, -3, 0.5, 1.5, 2.5, -0.5])
COUNTS = st.integers(0, 3)

SCALARS = st.none() | st.booleans() | NUMBERS | st.sampled_from(["", "a", "b", "ab", "abc", "x1", "xx", "ba", "é", '"'])
INSTANCES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.sampled_from(["ab", "y"]), inner, max_size=3)
    ),
    max_leaves=6,
)

# Keywords without subschemas.
SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "minimum": NUMBERS,
    "maximum": NUMBERS,
    "exclusiveMinimum": NUMBERS,
    "exclusiveMaximum": NUMBERS,
    "multipleOf": st.sampled_from([1, 2, 3, 0.5, 2.5]),
    "minLength": COUNTS,
    "maxLength": COUNTS,
    "pattern": PATTERNS,
    "minItems": COUNTS,
    "maxItems": COUNTS,
    "uniqueItems": st.booleans(),
    "required": st.lists(NAMES, max_size=2, unique=True),
    "minProperties": COUNTS,
    "maxProperties": COUNTS,
    "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
    "enum": st.lists(INSTANCES, min_size=1, max_size=4),
    "const": INSTANCES,
}
LOCATIONS = ["#", "#/$defs/d"]


def _deep(inner: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """Keywords with subschemas."""
    several = st.lists(inner, min_size=1, max_size=3)
    return {
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
        **dict.fromkeys(("additionalProperties", "propertyNames", "unevaluatedProperties"), inner),
        **dict.fromkeys(("items", "contains", "unevaluatedItems", "not", "if", "then", "else"), inner),
        **dict.fromkeys(("prefixItems", "allOf", "anyOf", "oneOf"), several),
        "dependentSchemas": st.dictionaries(NAMES, inner, max_size=2),
    }


def _some(keywords: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Schemas of up to four of the keywords."""
    chosen = st.lists(st.sampled_from(sorted(keywords)), max_size=4, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))


def _grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return _some({**SIMPLE, **_deep(inner)})


SCHEMAS: st.SearchStrategy[Any] = st.recursive(st.booleans() | _some(SIMPLE), _grow, max_leaves=5)
_NESTED = st.recursive(
    st.sampled_from(LOCATIONS).map(lambda where: {"$ref": where}) | _some(SIMPLE),
    lambda inner: _some({**SIMPLE, "$ref": st.sampled_from(LOCATIONS[1:]), **_deep(inner)}),
    max_leaves=4,
)


def _guarded(inner: dict[str, Any]) -> dict[str, Any]:
    """A definition that refers to itself only from items and properties; in place, recursion has no meaning."""
    return {"type": ["object", "array", "string"], "properties": {"a": inner}, "items": inner}


RECURSIVE: st.SearchStrategy[Any] = st.tuples(_NESTED, _NESTED).map(
    lambda pair: {"properties": {"b": pair[0]}, "$defs": {"d": _guarded(pair[1])}}
)


def likely(schema: Any, root: Any, depth: int = 4) -> st.SearchStrategy[Any]:
    """Values that fit the schema, or nearly: each keyword is heeded alone, and now and then a member is left out."""
    if not isinstance(schema, Mapping) or depth == 0:
        return SCALARS
    keyword = next((keyword for keyword in _LIKELY if keyword in schema), None)
    return SCALARS if keyword is None else _LIKELY[keyword](schema, root, depth)


def _likely_target(schema: Any, root: Any, depth: int) -> st.SearchStrategy[Any]:
    name = schema["$ref"].rpartition("/")[2]
    return likely(root["$defs"][name] if name != "#" else root, root, depth)


def _likely_branch(keyword: str) -> Callable[..., st.SearchStrategy[Any]]:
    def branch(schema: Any, root: Any, depth: int) -> st.SearchStrategy[Any]:
        beside = {name: value for name, value in schema.items() if name != keyword}
        return st.one_of(*(_joined(likely(option, root, depth), beside, root, depth) for option in schema[keyword]))

    return branch


def _joined(values: st.SearchStrategy[Any], beside: Any, root: Any, depth: int) -> st.SearchStrategy[Any]:
    """With the members that the keywords beside a branch list."""
    if "properties" not in beside:
        return values
    return st.tuples(values, likely(beside, root, depth)).map(
        lambda pair: {**pair[1], **pair[0]} if all(isinstance(part, dict) for part in pair) else pair[0]
    )


def _likely_object(schema: Any, root: Any, depth: int) -> st.SearchStrategy[Any]:
    members = {name: likely(value, root, depth - 1) for name, value in schema.get("properties", {}).items()}
    members |= {name: SCALARS for name in schema.get("required", ()) if name not in members}
    whole = st.fixed_dictionaries(
        {name: value for name, value in members.items() if name in schema.get("required", ())}
    )
    some = st.fixed_dictionaries({}, optional=members)
    return st.tuples(whole, some).map(lambda pair: {**pair[1], **pair[0]}) | some


def _likely_array(schema: Any, root: Any, depth: int) -> st.SearchStrategy[Any]:
    first = [likely(item, root, depth - 1) for item in schema.get("prefixItems", ())]
    others = [likely(schema[keyword], root, depth - 1) for keyword in ("items", "contains") if keyword in schema]
    more = st.lists(st.one_of(*others) if others else SCALARS, max_size=4)
    return st.tuples(st.tuples(*first), more).map(lambda pair: [*pair[0], *pair[1]])


_LIKELY: dict[str, Callable[..., st.SearchStrategy[Any]]] = {
    "$ref": _likely_target,
    "const": lambda schema, root, depth: st.just(schema["const"]),
    "enum": lambda schema, root, depth: st.sampled_from(schema["enum"]),
    **{keyword: _likely_branch(keyword) for keyword in ("oneOf", "anyOf", "allOf")},
    **dict.fromkeys(("properties", "required"), _likely_object),
    **dict.fromkeys(("prefixItems", "items", "contains"), _likely_array),
}
