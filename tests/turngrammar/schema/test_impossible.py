"""A schema that no document fits: the error names its innermost impossible part and the keywords that contradict."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests import shared
from turngrammar.errors import GrammarError, ImpossibleSchema
from turngrammar.schema import compile_schema, impossible

D7 = "http://json-schema.org/draft-07/schema#"
OBJECT = {"type": "object"}
AGE = {"type": "integer", "minimum": 10, "maximum": 5}
CHAIN = {**OBJECT, "properties": {"next": {"$ref": "#/$defs/chain"}}, "required": ["next"]}
DEFINITIONS = {"$defs": {"chain": CHAIN}}
ENDLESS = "Its $ref leads back to itself without end"


def holding(value: Any, **others: Any) -> dict[str, Any]:
    """An object that requires this property."""
    return {**OBJECT, "properties": {"a": value, "b": {"type": "string"}}, "required": ["a"], **others}


CONTRADICTIONS: list[tuple[Any, str, str, str]] = [
    # schema, pointer, keyword, a part of the message
    (False, "", "", "It is false"),
    (AGE, "", "minimum", "minimum 10 exceeds maximum 5"),
    (holding(AGE), "/properties/a", "minimum", "minimum 10 exceeds maximum 5"),
    (holding(holding(AGE)), "/properties/a/properties/a", "minimum", "minimum 10 exceeds maximum 5"),
    (holding({"multipleOf": 10, "type": "integer", "minimum": 1, "maximum": 9}), "/properties/a", "multipleOf", "No "),
    (holding({"multipleOf": 1.5, "type": "integer", "minimum": 1, "maximum": 2}), "/properties/a", "multipleOf", "No "),
    (
        holding({"type": "number", "multipleOf": 0.5, "exclusiveMinimum": 1, "exclusiveMaximum": 1.5}),
        "/properties/a",
        "multipleOf",
        "No number fits multipleOf 0.5, exclusiveMinimum 1 and exclusiveMaximum 1.5",
    ),
    (holding(False), "/properties/a", "properties", "It is false"),
    (holding({"not": {}}), "/properties/a", "not", "Nothing fits not {}"),
    (holding({"enum": []}), "/properties/a", "enum", "Nothing fits enum []"),
    (holding({"type": "string", "enum": [1, 2]}), "/properties/a", "enum", "No string fits enum [1, 2]"),
    (holding({"pattern": "^ab$", "type": "string", "minLength": 3}), "/properties/a", "pattern", "'^ab$' and min"),
    (holding({"type": "array", "items": AGE, "minItems": 1}), "/properties/a/items", "minimum", "exceeds"),
    (holding({"type": "array", "minItems": 3, "maxItems": 2}), "/properties/a", "minItems", "minItems 3 exceeds"),
    (holding({"type": "array", "items": False, "minItems": 1}), "/properties/a", "items", "items false and minItems 1"),
    (holding({}, required=["a", "x"], additionalProperties=False), "", "required", 'required ["x"] and additional'),
    (holding({}, minProperties=3, additionalProperties=False), "", "minProperties", "additionalProperties false"),
    (holding({}, maxProperties=0), "", "required", 'required ["a"] and maxProperties 0'),
    ({"allOf": [{"type": "string"}, {}, {"enum": ["a"]}, {"enum": ["b"]}]}, "", "allOf", "allOf/2 and allOf/3"),
    ({"allOf": [{}, holding(AGE)]}, "/allOf/1/properties/a", "minimum", "exceeds"),
    (holding({"const": "x"}, allOf=[holding({"const": "y"})]), "", "properties", "properties/a and allOf/0"),
    ({"type": "string", "anyOf": [{"type": "null"}, {"type": "integer"}]}, "", "anyOf", "No string fits anyOf"),
    ({"if": {}, "then": False}, "", "if", "if {} and then false"),
    (holding({"$ref": "#"}), "/properties/a", "$ref", ENDLESS),
    (holding({"$ref": "#/$defs/chain"}, **DEFINITIONS), "/$defs/chain/properties/next", "$ref", ENDLESS),
    (
        {"$schema": D7, "definitions": {"A": holding(AGE)}, "$ref": "#/definitions/A", "type": "string"},
        "/definitions/A/properties/a",
        "minimum",
        "exceeds",
    ),
]  # fmt: skip


def contradiction(schema: Any) -> ImpossibleSchema:
    with pytest.raises(ImpossibleSchema) as caught:
        compile_schema(schema)
    return caught.value


@pytest.mark.parametrize(("schema", "pointer", "keyword", "message"), CONTRADICTIONS)
def test_the_error_names_the_innermost_part_and_its_keywords(
    schema: Any, pointer: str, keyword: str, message: str
) -> None:
    error = contradiction(schema)
    assert (error.pointer, error.keyword) == (pointer, keyword)
    assert message in error.message
    assert ", so no document can fit this schema. " in error.message


@pytest.mark.parametrize("size", [50, 1000])
def test_one_bad_property_among_many_is_found(size: int) -> None:
    names = [f"p{index}" for index in range(size)]
    properties = {name: {"type": "string"} for name in names}
    error = contradiction({**OBJECT, "properties": {**properties, "bad": AGE}, "required": [*names, "bad"]})
    assert error.pointer == "/properties/bad"


def test_when_the_time_is_up_the_error_has_the_part_that_was_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impossible, "SECONDS", 0.0)
    error = contradiction(holding(AGE))
    assert (error.pointer, error.keyword) == ("", "")
    assert "Its keywords contradict each other" in error.message


def test_what_the_error_names_is_impossible_by_itself() -> None:
    """In real schemas with one required subschema replaced by an impossible one."""
    rng = random.Random(5)
    found = 0
    for row in shared.rows("jsonschemabench_dev"):
        schema = json.loads(json.dumps(row["schema"]))
        properties, required = schema.get("properties"), schema.get("required")
        if not isinstance(properties, dict) or not required or len(json.dumps(schema)) > 3000:
            continue
        name = rng.choice([name for name in required if name in properties] or [""])
        if not name or schema.get("type") != "object":
            continue
        properties[name] = AGE
        try:
            compile_schema(schema)
        except ImpossibleSchema as error:
            assert error.pointer == f"/properties/{name.replace('~', '~0').replace('/', '~1')}"
            found += 1
        except GrammarError:
            continue
    assert found > 50


def test_an_impossible_optional_part_is_reported() -> None:
    schema = {"properties": {"a": AGE, "b": False, "c": {"anyOf": [AGE, {"type": "string"}]}}, "type": "object"}
    reasons = {(row.pointer, row.keyword): row.reason for row in compile_schema(schema).report}
    never = "no value fits; the property is never generated"
    assert reasons["/properties/a", "minimum"] == reasons["/properties/a", "type"] == never
    assert reasons["/properties/c/anyOf/0", "maximum"] == "no value fits; the branch is never generated"
    assert [pointer for (pointer, _), reason in reasons.items() if "never" in reason].count("/properties/c") == 0
    assert reasons["/properties/c/anyOf/1", "type"] == "the grammar generates nothing else"


def test_a_recursive_optional_property_is_not_reported() -> None:
    schema = {**CHAIN, "required": [], "$defs": {"chain": {**CHAIN, "required": []}}}
    assert not any("never" in row.reason for row in compile_schema(schema).report)
