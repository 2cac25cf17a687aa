"""What tools send that a keyword's draft doesn't have, and how it is read: a table by keyword.

A reading gets the site of a keyword. If it applies, it rewrites the keyword, leaves every subschema at its place, and
notes for the report what was read how.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from turngrammar.errors import shown
from turngrammar.scan import load_json
from turngrammar.schema.contradictions import read_format
from turngrammar.schema.dialect import Dialect
from turngrammar.schema.forms import is_anchor, is_number
from turngrammar.schema.lost_definitions import enclosing_copy
from turngrammar.schema.sites import Site
from turngrammar.schema.type_names import named_types

Reading = Callable[[Site], bool]  # whether it applies


def read_null(site: Site) -> bool:
    """Serializers of Go, Java, C#, Kotlin and Python write the fields that were not set."""
    return site.value is None and site.vanishes("null")


def read_annotation(site: Site) -> bool:
    """It asserts nothing, whatever its value."""
    del site.schema[site.keyword]
    return site.note("asserts nothing, whatever its value")


def read_type(site: Site) -> bool:
    """The types of Gemini's API, in upper case, those of programming languages, and draft 3's "any"."""
    types = named_types(site.value)
    if types is None:
        return False
    if not types:
        return site.vanishes(shown(site.value))
    if "enum" in site.schema and types in (["integer"], ["number"]):
        _read_numbers(site.sibling("enum"))
    return site.becomes(types[0] if len(types) == 1 else types)


def _read_numbers(enum: Site) -> bool:
    """In Gemini's API the values of every enum are strings: `{"type": "INTEGER", "enum": ["101", "201"]}`."""
    numbers = [_read_number(value) for value in enum.value] if isinstance(enum.value, list) else [None]
    return None not in numbers and enum.becomes(numbers, "strings are read as the numbers in them")


def read_number(site: Site) -> bool:
    """Protocol Buffers write 64-bit integers as strings. In draft 4, `2.0` is not an integer."""
    value = site.value
    number = int(value) if isinstance(value, float) and value.is_integer() else _read_number(value)
    return number is not None and site.becomes(number)


def _read_number(value: Any) -> Any:
    """The number in a string, or None."""
    return load_json(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def read_exclusive_bound(site: Site) -> bool:
    """A flag in draft 4 and OpenAPI 3.0, a number in other drafts."""
    inclusive, tighter = _INCLUSIVE[site.keyword]
    bound = site.schema.get(inclusive)
    if is_number(site.value, site.dialect):
        return _read_exclusive_number(site, inclusive, site.value if bound is None else tighter(bound, site.value))
    if site.value is not True or bound is None:
        return isinstance(site.value, bool) and site.vanishes(shown(site.value))
    site.sibling(inclusive).moves(site.keyword, bound)
    return site.note(f"true is read as the value of `{inclusive}`", site.keyword)


def _read_exclusive_number(site: Site, inclusive: str, bound: Any) -> bool:
    """In draft 4."""
    excluded = bound == site.value
    site.schema[inclusive] = bound
    return site.becomes(excluded, f"a number is read as a flag beside `{inclusive}`: {bound}")


def read_boolean(site: Site) -> bool:
    word = _BOOLEANS.get(site.value) if isinstance(site.value, str) else None
    return word is not None and site.becomes(word)


def read_required(site: Site) -> bool:
    """A flag of a property in draft 3. Lua writes an empty object for an empty list."""
    value = _BOOLEANS.get(site.value, [site.value]) if isinstance(site.value, str) else site.value
    if value is True:
        return _require_property(site)
    if value is False or value in ({}, []):
        return site.vanishes(shown(value))
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return False
    properties = site.schema.get("properties")
    known = isinstance(site.value, list) or (isinstance(properties, Mapping) and site.value in properties)
    return known and site.becomes(list(dict.fromkeys(value)))


def _require_property(site: Site) -> bool:
    owner = site.place.owner
    if owner is None or not isinstance(required := owner.schema.get("required", []), list):
        return False
    names = [*required, site.place.path[-1]]
    return site.moves("required", list(dict.fromkeys(names)), owner)


def read_schema(site: Site) -> bool:
    read = _as_schema(site.value, site.dialect)
    return read is not site.value and site.becomes(read)


def _as_schema(value: Any, dialect: Dialect) -> Any:
    """PHP writes an empty array for an empty object. Draft 4 has no boolean schemas."""
    if value == []:
        return {}
    if isinstance(value, bool) and not dialect.boolean_schemas:
        return {} if value else {"not": {}}
    return value


def _as_dependency(value: Any, dialect: Dialect) -> Any:
    """In draft 3, one name may stand without a list."""
    return [value] if isinstance(value, str) else _as_schema(value, dialect)


def _read_each(read: Callable[[Any, Dialect], Any]) -> Reading:
    """Of what stands in a list or, by name, in an object."""

    def reading(site: Site) -> bool:
        old = site.value
        if isinstance(old, list):
            new: Any = [read(value, site.dialect) for value in old]
        else:
            new = {name: read(value, site.dialect) for name, value in old.items()} if isinstance(old, dict) else old
        return new != old and site.becomes(new, "its values are read as in other drafts")

    return reading


def read_empty_object(site: Site) -> bool:
    """PHP's."""
    return site.value == [] and site.becomes({})


def read_empty_list(site: Site) -> bool:
    """No draft allows it, but what it asserts is clear: nothing. It is zod's tuple without items."""
    return site.value == [] and site.vanishes("[]")


def read_items(site: Site) -> bool:
    """An empty list is PHP's empty object or, beside `additionalItems`, TypeBox's tuple without items."""
    if site.value != [] or "additionalItems" not in site.schema:
        return read_schema(site)
    rest = site.schema["additionalItems"]
    if not isinstance(rest, bool):
        return False
    site.sibling("additionalItems").moves("items", _as_schema(rest, site.dialect))
    return site.note("the rest follows no items", "items")


def read_reference(site: Site) -> bool:
    """LiteLLM writes JSON pointers without `#`, and removes definitions that are in use."""
    copy = enclosing_copy(site.place)
    if copy is not None:
        return site.becomes("#" + quote(copy))
    return isinstance(site.value, str) and site.becomes("#" + site.value)


def read_id(site: Site) -> bool:
    """Draft 6 writes an anchor as the fragment of an `$id`. A pointer, as some generators write, identifies nothing."""
    if not isinstance(site.value, str) or not site.value.startswith("#"):
        return False
    anchor = site.value[1:]
    return site.moves("$anchor", anchor) if is_anchor(anchor, site.dialect) else site.vanishes(shown(site.value))


def read_draft4_id(site: Site) -> bool:
    """It identifies its subschema if a reference has it, as in what Jackson generates; often it is a mere name."""
    value = site.value.rstrip("#") if isinstance(site.value, str) else ""
    if value not in site.targets:
        return False
    if value.startswith("#") and site.dialect.overriding is None:
        return is_anchor(value[1:], site.dialect) and site.moves("$anchor", value[1:])
    return site.moves("$id", value)


def read_additional_items(site: Site) -> bool:
    """Beside `prefixItems` it can only mean the rest."""
    rest = "prefixItems" in site.schema and "items" not in site.schema and isinstance(site.value, bool)
    return rest and site.moves("items", site.value)


_BOOLEANS: Mapping[Any, bool] = {"true": True, "false": False, "True": True, "False": False}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_INCLUSIVE: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "exclusiveMinimum": ("minimum", max),
    "exclusiveMaximum": ("maximum", min),
}

# In the order in which the keywords of a subschema are read. Each reading is tried until one applies.
_READINGS: tuple[tuple[str, tuple[Reading, ...]], ...] = (
    ("type", (read_type,)),
    ("minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains", (read_number,)),
    ("minimum maximum multipleOf", (read_number,)),
    ("exclusiveMinimum exclusiveMaximum", (read_exclusive_bound,)),
    ("properties patternProperties $defs definitions dependentSchemas", (read_empty_object, _read_each(_as_schema))),
    ("dependencies", (read_empty_object, _read_each(_as_dependency))),
    ("dependentRequired", (read_empty_object,)),
    ("allOf prefixItems", (read_empty_list, _read_each(_as_schema))),
    ("anyOf oneOf", (_read_each(_as_schema),)),
    ("items", (read_items, _read_each(_as_schema))),
    ("additionalProperties unevaluatedProperties", (read_schema, read_boolean)),
    ("additionalItems unevaluatedItems not if then else contains propertyNames", (read_schema,)),
    ("required", (read_required,)),
    ("uniqueItems", (read_boolean,)),
    ("format", (read_format,)),
    ("$id", (read_id,)),
    ("$ref", (read_reference,)),
    ("title description $comment examples deprecated readOnly writeOnly", (read_annotation,)),
    ("contentEncoding contentMediaType contentSchema", (read_annotation,)),
)
READINGS: Mapping[str, tuple[Reading, ...]] = {name: read for names, read in _READINGS for name in names.split()}

# Keywords that the dialect doesn't have, in a schema that doesn't say which it is.
FOREIGN: Mapping[str, Reading] = {"id": read_draft4_id, "additionalItems": read_additional_items}
