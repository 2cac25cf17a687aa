"""The forms that keywords' values may have, as the meta-schemas of the drafts have them.

Meta-validation by jsonschema would take longer than the rest of a compilation. Each `is_*` and `are_*` takes a
keyword's value and the dialect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from turngrammar import exact
from turngrammar.schema.dialect import Dialect
from turngrammar.schema.keyword_table import Holds, Keyword, KeywordTable

Form = Callable[[Any, Dialect], bool]

TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))
_ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._:]*")


def malformed(schema: Any, dialect: Dialect, keywords: KeywordTable) -> list[str]:
    """The keywords of a subschema that have a value that the dialect doesn't allow."""
    if not isinstance(schema, dict):
        return []
    forms = _forms_of_dialect(dialect.name, keywords)
    found = [name for name, value in schema.items() if name in forms and not forms[name](value, dialect)]
    if dialect.name == "draft4":
        lone = (name for name, beside in _needed(keywords) if name in schema and beside not in schema)
        found.extend(name for name in lone if name not in found)
    return found


@lru_cache(maxsize=32)
def _forms_of_dialect(dialect: str, keywords: KeywordTable) -> Mapping[str, Form]:
    rows = ((name, row, form_of(row)) for name, row in keywords.rows.items())
    return {name: form for name, row, form in rows if form is not None and row.defined(dialect)}


@lru_cache(maxsize=8)
def _needed(keywords: KeywordTable) -> tuple[tuple[str, str], ...]:
    return tuple((name, row.only_beside) for name, row in keywords.rows.items() if row.only_beside)


def form_of(keyword: Keyword) -> Form | None:
    """None for a keyword whose value may be anything."""
    return keyword.form or _FORMS.get(keyword.holds)


def is_string(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, str)


def is_boolean(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, bool)


def is_number(value: Any, dialect: Dialect) -> bool:
    return exact.is_number(value)


def is_count(value: Any, dialect: Dialect) -> bool:
    """`2.0` is an integer since draft 6."""
    whole = isinstance(value, int) or (dialect.name != "draft4" and isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and value >= 0


def is_positive(value: Any, dialect: Dialect) -> bool:
    return is_number(value, dialect) and value > 0


def is_exclusive_bound(value: Any, dialect: Dialect) -> bool:
    """A flag in draft 4."""
    return isinstance(value, bool) == (dialect.name == "draft4") and (isinstance(value, bool) or exact.is_number(value))


def is_type(value: Any, dialect: Dialect) -> bool:
    if isinstance(value, str):
        return value in TYPES
    return are_names(value, dialect) and set(value) <= TYPES and value != []


def are_names(value: Any, dialect: Dialect) -> bool:
    distinct = (
        isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)
    )
    return distinct and (bool(value) or dialect.name != "draft4")


def is_schema(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, dict) or (isinstance(value, bool) and dialect.boolean_schemas)


def is_schema_or_boolean(value: Any, dialect: Dialect) -> bool:
    """Booleans are allowed in draft 4, too."""
    return isinstance(value, dict | bool)


def are_schemas(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, list) and bool(value) and all(is_schema(schema, dialect) for schema in value)


def is_schema_or_list(value: Any, dialect: Dialect) -> bool:
    if isinstance(value, list):
        return dialect.listed_items and are_schemas(value, dialect)
    return is_schema(value, dialect)


def are_schemas_by_name(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, dict) and all(is_schema(schema, dialect) for schema in value.values())


def are_dependencies(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, dict) and all(
        is_schema(needed, dialect) or are_names(needed, dialect) for needed in value.values()
    )


def are_names_by_name(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, dict) and all(are_names(needed, dialect) for needed in value.values())


def is_enum(value: Any, dialect: Dialect) -> bool:
    """In draft 4 not empty. It also forbids repeated values, which change nothing."""
    return isinstance(value, list) and (bool(value) or dialect.name != "draft4")


def is_list(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, list)


def is_id(value: Any, dialect: Dialect) -> bool:
    """It may have a fragment up to draft 7."""
    return isinstance(value, str) and (dialect.overriding is not None or "#" not in value.removesuffix("#"))


def is_anchor(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, str) and _ANCHOR.fullmatch(value) is not None


def is_vocabulary(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, dict) and all(isinstance(needed, bool) for needed in value.values())


@dataclass(frozen=True)
class Misfit:
    """What is wrong in a keyword's value: `path` leads to it from the subschema."""

    path: tuple[str, ...]
    value: Any
    requirement: str


def misfit(name: str, keyword: Keyword, value: Any, dialect: Dialect) -> Misfit:
    """Of a malformed keyword: a subschema or an item of its value, or else the value."""
    form = form_of(keyword) or is_schema
    fits = is_schema if keyword.holds else _ITEMS.get(form)
    wrong = next((item for item in _items(value) if fits is not None and not fits(item[1], dialect)), None)
    required = _REQUIRED[is_schema if wrong is not None and keyword.holds else form]
    if wrong is not None:
        return Misfit((name, wrong[0]), wrong[1], f"{'A schema' if keyword.holds else name} must be {required}")
    if keyword.only_beside is not None and dialect.name == "draft4":
        required = f"true or false, beside {keyword.only_beside}"
    return Misfit((name,), value, f"{name} must be {required}")


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        return value.items()
    return ((str(index), item) for index, item in enumerate(value)) if isinstance(value, list) else ()


_FORMS: Mapping[Holds | None, Form] = {
    "schema": is_schema,
    "schemas": are_schemas,
    "schema or schemas": is_schema_or_list,
    "schemas by name": are_schemas_by_name,
}
_REQUIRED: Mapping[Form, str] = {
    is_string: "a string",
    is_boolean: "true or false",
    is_number: "a number",
    is_count: "a whole number, at least 0",
    is_positive: "a number greater than 0",
    is_exclusive_bound: "a number (true or false in draft 4)",
    is_type: f"one of {', '.join(sorted(TYPES))}, or a list of different ones",
    are_names: "a list of different strings",
    is_schema: "an object, true or false",
    is_schema_or_boolean: "a schema: an object, true or false",
    are_schemas: "a list of schemas, at least one",
    is_schema_or_list: "a schema, or a list of schemas",
    are_schemas_by_name: "an object of schemas",
    are_names_by_name: "an object of lists of different strings",
    are_dependencies: "an object of schemas or lists of different strings",
    is_enum: "a list (in draft 4 of at least one value)",
    is_list: "a list",
    is_id: "a URI without a fragment",
    is_anchor: "a name of letters, digits and _.-, not starting with a digit",
    is_vocabulary: "an object of true or false",
}
_ITEMS: Mapping[Form, Form] = {is_type: is_type, are_names: is_string}
