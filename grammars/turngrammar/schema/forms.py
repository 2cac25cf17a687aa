"""A fast check that recognizes most valid schemas.

Meta-validation by jsonschema takes longer than the rest of a compilation. This takes a tenth of that; schemas that it
doesn't recognize go through meta-validation. Each function takes a keyword's value and dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from turngrammar.errors import RefusedSchema
from turngrammar.schema.dialect import Dialect
from turngrammar.schema.keyword_table import Holds, Keyword, KeywordTable

MAX_DEPTH = 64  # of nested subschemas; references don't count
_TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))


def surely_valid(schema: Any, dialect: Dialect, keywords: KeywordTable) -> bool:
    """True only if meta-validation would pass; False proves nothing. Raises RefusedSchema for excessive nesting."""
    if isinstance(schema, bool):
        return dialect.boolean_schemas
    queue = [(schema, 0)]
    for node, depth in queue:
        if depth > MAX_DEPTH:
            raise RefusedSchema(f"Subschemas nest more than {MAX_DEPTH} deep. Move the inner ones to $defs.")
        if isinstance(node, bool):
            continue
        if not isinstance(node, dict) or not _well_formed(node, dialect, keywords):
            return False
        queue.extend((child, depth + 1) for _, child in keywords.subschemas(node))
    return True


def _well_formed(schema: dict[str, Any], dialect: Dialect, keywords: KeywordTable) -> bool:
    for name, value in schema.items():
        keyword = keywords.rows.get(name)
        if keyword is None:
            continue
        form = keyword.form or _FORMS.get(keyword.holds)
        if form is not None and not form(value, dialect):
            return False
        if keyword.only_beside is not None and dialect.name == "draft4" and keyword.only_beside not in schema:
            return False
    return True


def is_uncertain(value: Any, dialect: Dialect) -> bool:
    """For rare keywords with complex values: left to meta-validation."""
    return False


def is_string(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, str)


def is_boolean(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, bool)


def is_number(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_count(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_positive(value: Any, dialect: Dialect) -> bool:
    return is_number(value, dialect) and value > 0


def is_exclusive_bound(value: Any, dialect: Dialect) -> bool:
    """A flag in draft 4."""
    return isinstance(value, bool) == (dialect.name == "draft4") and isinstance(value, int | float)


def is_type(value: Any, dialect: Dialect) -> bool:
    if isinstance(value, str):
        return value in _TYPES
    return are_names(value, dialect) and set(value) <= _TYPES and value != []


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
        are_names(needed, dialect) for needed in value.values() if not isinstance(needed, dict)
    )


def is_enum(value: Any, dialect: Dialect) -> bool:
    """Repeated values are an error in drafts 4 to 6 only; all but strings are left to meta-validation."""
    if not isinstance(value, list) or not value:
        return False
    return are_names([word for word in value if isinstance(word, str)] or ["-"], dialect)


def is_list(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, list)


def is_draft4_id(value: Any, dialect: Dialect) -> bool:
    """In later drafts it is not a keyword."""
    return dialect.name != "draft4" or isinstance(value, str)


def is_id(value: Any, dialect: Dialect) -> bool:
    return isinstance(value, str) and (dialect.overriding is not None or "#" not in value)


def required_form(name: str, keyword: Keyword | None, rest: Sequence[str | int]) -> str:
    """What a keyword's value must be or, at the path `rest` within it, a subschema; "" for rare keywords.

    Without a keyword, the schema itself is meant.
    """
    if keyword is None or (rest and keyword.form is None):
        return f"A schema must be {_REQUIRED[is_schema]}"
    required = _REQUIRED.get(keyword.form or _FORMS.get(keyword.holds, is_uncertain))
    return f"{name} must be {required}" if required else ""


_FORMS: Mapping[Holds | None, Callable[[Any, Dialect], bool]] = {
    "schema": is_schema,
    "schemas": are_schemas,
    "schema or schemas": is_schema_or_list,
    "schemas by name": are_schemas_by_name,
}
_REQUIRED: Mapping[Callable[[Any, Dialect], bool], str] = {
    is_string: "a string",
    is_boolean: "true or false",
    is_number: "a number",
    is_count: "a whole number, at least 0",
    is_positive: "a number greater than 0",
    is_exclusive_bound: "a number (true or false in draft 4)",
    is_type: f"one of {', '.join(sorted(_TYPES))}, or a list of different ones",
    are_names: "a list of different strings (in draft 4 at least one)",
    is_schema: "an object, true or false (in draft 4 an object)",
    is_schema_or_boolean: "a schema: an object, true or false",
    are_schemas: "a list of schemas, at least one",
    is_schema_or_list: "a schema (up to draft 2019-09 also a list of schemas)",
    are_schemas_by_name: "an object of schemas",
    are_dependencies: "an object of schemas or lists of different strings",
    is_enum: "a list (up to draft 6 of at least one value, each once)",
    is_list: "a list",
    is_draft4_id: "a string",
    is_id: "a URI without a fragment",
}
