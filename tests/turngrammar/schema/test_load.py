"""Refused schemas and the pointers of their errors; the forms of values are those of the meta-schemas."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import FormatChecker
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from tests import shared
from tests.mutation import mutated
from tests.turngrammar.schema.strategies import SCHEMAS
from turngrammar.errors import GrammarError, ImpossibleSchema, InvalidSchema, RefusedSchema
from turngrammar.schema import compile_schema
from turngrammar.schema.dialect import DIALECTS, Dialect
from turngrammar.schema.forms import malformed
from turngrammar.schema.keywords import KEYWORDS
from turngrammar.schema.places import MAX_DEPTH, places

D4 = "http://json-schema.org/draft-04/schema#"
D7 = "http://json-schema.org/draft-07/schema#"

ERRORS: list[tuple[Any, type[GrammarError], str, str]] = [
    ({"type": "strng"}, InvalidSchema, "/type", "type"),
    ({"properties": {"a/b": {"minLength": -1}}}, InvalidSchema, "/properties/a~1b/minLength", "minLength"),
    ({"anyOf": [{"type": "string"}, "null"]}, InvalidSchema, "/anyOf/1", "anyOf"),
    ({"type": ["string", "date"]}, InvalidSchema, "/type/1", "type"),
    ({"$schema": D7, "enum": "a"}, InvalidSchema, "/enum", "enum"),
    ({"$schema": D7, "$ref": "#/$defs/a", "$defs": {"a": {"type": 1}}}, InvalidSchema, "/$defs/a/type", "type"),
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


def well_formed(schema: Any, dialect: Dialect) -> bool:
    return not any(malformed(place.schema, place.dialect, KEYWORDS) for place in places(schema, dialect, KEYWORDS))


def meta_valid(schema: Any, dialect: Dialect) -> bool:
    meta = dialect.validator.META_SCHEMA
    return dialect.validator(meta, registry=REGISTRY, format_checker=FormatChecker(())).is_valid(schema)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(SCHEMAS, st.sampled_from(sorted(DIALECTS)))
def test_forms_are_those_of_the_meta_schemas(schema: Any, name: str) -> None:
    if isinstance(schema, dict):
        assert well_formed(schema, DIALECTS[name]) == meta_valid(schema, DIALECTS[name])


def test_forms_of_broken_schemas_are_those_of_the_meta_schemas() -> None:
    """Draft 4 has two exceptions: it forbids repeated values of an enum, and its meta-schema says nothing of `$ref`."""
    rng = random.Random(3)
    schemas = [row["schema"] for row in shared.rows("jsonschemabench_dev")]
    schemas = [schema for schema in schemas if len(json.dumps(schema)) < 600 and "$ref" not in json.dumps(schema)]
    for _ in range(150):
        schema = mutated(rng.choice(schemas), rng)
        schema.pop("$schema", None)
        for name in sorted(DIALECTS.keys() - {"draft4"}):
            assert well_formed(schema, DIALECTS[name]) == meta_valid(schema, DIALECTS[name]), (name, schema)


BROKEN = [
    ("minLength", -1), ("minLength", "a"), ("type", []), ("type", {}), ("required", [1]), ("required", "a"),
    ("required", True), ("enum", "a"), ("multipleOf", 0), ("multipleOf", "0"), ("properties", [{}]),
    ("properties", {"a": 1}), ("properties", {"a": None}), ("properties", "a"), ("anyOf", []), ("allOf", {}),
    ("not", 1), ("pattern", 1), ("$ref", 1), ("uniqueItems", 1), ("minimum", "a"), ("minimum", True),
    ("additionalProperties", 1), ("additionalProperties", "no"), ("exclusiveMinimum", "x"), ("items", 1),
    ("dependentRequired", {"a": "b"}), ("dependencies", {"a": 1}), ("patternProperties", {"a": None}),
    ("$defs", {"a": 0}), ("$id", 1), ("format", 1), ("$anchor", "1"), ("$vocabulary", {"a": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("keyword", "value"), BROKEN)
def test_what_can_mean_several_things_is_refused(keyword: str, value: Any) -> None:
    assert not well_formed({keyword: value}, DIALECTS["2020-12"])
    with pytest.raises(InvalidSchema) as caught:
        compile_schema({"items": {keyword: value}})
    assert caught.value.pointer.startswith(f"/items/{keyword}")
    assert caught.value.keyword == keyword
