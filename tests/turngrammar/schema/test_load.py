"""Refused schemas and the pointers of their errors; the fast check never passes an invalid schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import FormatChecker

from tests.turngrammar.schema.strategies import SCHEMAS
from turngrammar.errors import GrammarError, ImpossibleSchema, InvalidSchema, RefusedSchema
from turngrammar.schema import compile_schema
from turngrammar.schema.dialect import DIALECTS
from turngrammar.schema.forms import MAX_DEPTH, surely_valid
from turngrammar.schema.keywords import KEYWORDS

D4 = "http://json-schema.org/draft-04/schema#"
D7 = "http://json-schema.org/draft-07/schema#"

ERRORS: list[tuple[Any, type[GrammarError], str, str]] = [
    ({"type": "strng"}, InvalidSchema, "/type", "type"),
    ({"properties": {"a/b": {"minLength": -1}}}, InvalidSchema, "/properties/a~1b/minLength", "minLength"),
    ({"items": [{"type": "string"}]}, InvalidSchema, "/items", "items"),
    ({"$schema": D4, "required": []}, InvalidSchema, "/required", "required"),
    ({"$schema": D4, "properties": {"a": True}}, InvalidSchema, "/properties/a", "properties"),
    ({"$ref": "#/$defs/none"}, InvalidSchema, "/$ref", "$ref"),
    ({"items": {"$ref": "#nowhere"}}, InvalidSchema, "/items/$ref", "$ref"),
    ({"properties": {"a": {"$ref": "https://example.com/s"}}}, RefusedSchema, "/properties/a/$ref", "$ref"),
    ({"anyOf": [{}, {"$ref": "other.json"}]}, RefusedSchema, "/anyOf/1/$ref", "$ref"),
    ({"$schema": "https://example.com/dialect"}, RefusedSchema, "/$schema", "$schema"),
    ({"properties": {"a": {"pattern": "(["}}}, InvalidSchema, "/properties/a/pattern", "pattern"),
    ({"patternProperties": {"a)": {}}}, InvalidSchema, "/patternProperties", "patternProperties"),
    (False, ImpossibleSchema, "", ""),
    ({"type": "string", "enum": [1]}, ImpossibleSchema, "", "enum"),
    (
        {"properties": {"a": {"$ref": "#"}}, "required": ["a"], "type": "object"},
        ImpossibleSchema,
        "/properties/a",
        "$ref",
    ),
    ({"$ref": "#"}, RefusedSchema, "", "$ref"),
]


@pytest.mark.parametrize(("schema", "kind", "pointer", "keyword"), ERRORS)
def test_errors_point(schema: Any, kind: type[GrammarError], pointer: str, keyword: str) -> None:
    with pytest.raises(kind) as caught:
        compile_schema(schema)
    assert (type(caught.value), caught.value.pointer, caught.value.keyword) == (kind, pointer, keyword)


def test_excessive_nesting_is_refused() -> None:
    schema: Any = True
    for _ in range(MAX_DEPTH + 2):
        schema = {"items": schema}
    with pytest.raises(RefusedSchema, match="deep"):
        compile_schema(schema)


def test_a_long_chain_of_definitions_is_not_nesting() -> None:
    chain = {f"d{i}": {"items": {"$ref": f"#/$defs/d{i + 1}"}} for i in range(400)}
    plan = compile_schema({"$ref": "#/$defs/d0", "$defs": {**chain, "d400": {"type": "string"}}})
    assert plan.exact
    assert plan.violations([[["a"]]]) == ()


RESOLVED: list[tuple[Any, Any, Any]] = [
    ({"$ref": "#/$defs/a%25b", "$defs": {"a%b": {"type": "null"}}}, None, 1),
    ({"$ref": "#x", "$defs": {"d": {"$anchor": "x", "type": "null"}}}, None, 1),
    ({"$ref": "http://x/y", "$defs": {"d": {"$id": "http://x/y", "type": "null"}}}, None, 1),
    ({"$schema": D4, "items": {"$ref": "#/definitions/d"}, "definitions": {"d": {"type": "null"}}}, [None], [1]),
    ({"$schema": D7, "$ref": "#/definitions/d", "type": "string", "definitions": {"d": {"type": "null"}}}, None, ""),
    ({"$ref": "http://json-schema.org/draft-07/schema#"}, {"type": "string"}, {"type": 1}),
    ({"$dynamicRef": "#n", "$defs": {"n": {"$dynamicAnchor": "n", "type": "null"}}}, None, 1),
]


@pytest.mark.parametrize(("schema", "valid", "invalid"), RESOLVED)
def test_references(schema: Any, valid: Any, invalid: Any) -> None:
    plan = compile_schema(schema)
    assert plan.violations(valid) == ()
    assert plan.violations(invalid)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SCHEMAS, st.sampled_from(sorted(DIALECTS)))
def test_the_fast_check_passes_nothing_invalid(schema: Any, name: str) -> None:
    dialect = DIALECTS[name]
    if surely_valid(schema, dialect, KEYWORDS):
        meta = dialect.validator(dialect.validator.META_SCHEMA, format_checker=FormatChecker(()))
        assert meta.is_valid(schema)


BROKEN = [
    ("minLength", -1), ("minLength", "1"), ("type", []), ("type", ["string", "string"]), ("required", ["a", "a"]),
    ("required", "a"), ("enum", "a"), ("multipleOf", 0), ("properties", []), ("properties", {"a": 1}), ("allOf", []),
    ("allOf", {}), ("not", 1), ("pattern", 1), ("$ref", 1), ("uniqueItems", 1), ("minimum", "1"), ("minimum", True),
    ("additionalProperties", 1), ("exclusiveMinimum", "x"), ("dependentRequired", {"a": "b"}), ("items", 1),
    ("patternProperties", {"a": None}), ("$defs", {"a": 0}), ("$id", 1), ("format", 1), ("title", 1), ("examples", 1),
]  # fmt: skip


@pytest.mark.parametrize(("keyword", "value"), BROKEN)
def test_the_fast_check_does_not_pass_broken_values(keyword: str, value: Any) -> None:
    assert not surely_valid({keyword: value}, DIALECTS["2020-12"], KEYWORDS)
    with pytest.raises(InvalidSchema):
        compile_schema({"items": {keyword: value}})
