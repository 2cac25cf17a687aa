"""Each rewriting alone: whether it is exact, and that jsonschema accepts the same instances before and after it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from tests.turngrammar.schema.strategies import INSTANCES
from turngrammar.audit import Acceptor
from turngrammar.json_style import CANONICAL
from turngrammar.lark.json_values import schema_grammar
from turngrammar.schema import Options, compile_schema

D4 = {"$schema": "http://json-schema.org/draft-04/schema#"}
D7 = {"$schema": "http://json-schema.org/draft-07/schema#"}
ABC = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {}}}
CLOSED = {**ABC, "additionalProperties": False}

EXACT: dict[str, Any] = {
    "oneOf by type": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    "oneOf by range": {"oneOf": [{"type": "number", "maximum": 2}, {"type": "number", "minimum": 2}]},
    "oneOf by discriminator": {
        "oneOf": [{"required": ["a"], "properties": {"a": {"const": value}}} for value in ("a", "b")],
        "type": "object",
    },
    "oneOf by required": {**CLOSED, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "oneOf that overlaps": {"oneOf": [{"type": "string", "minLength": 1}, {"type": "string", "pattern": "^a"}]},
    "if, then, else": {
        **ABC,
        "if": {"properties": {"a": {"minimum": 3}}},
        "then": {"required": ["b"]},
        "else": {"required": ["c"]},
    },
    "if without else": {"if": {"type": "string"}, "then": {"minLength": 2}},
    "dependencies": {**D7, **ABC, "dependencies": {"a": ["b"], "b": {"required": ["c"]}}},
    "dependentRequired": {**ABC, "dependentRequired": {"a": ["b"], "b": ["c"]}},
    "dependentSchemas": {**ABC, "dependentSchemas": {"a": {"properties": {"b": {"minLength": 1}}, "required": ["b"]}}},
    "not type": {"not": {"type": ["string", "null"]}},
    "not enum": {"type": ["integer", "string"], "minimum": 0, "maximum": 5, "not": {"enum": [1, "a", None]}},
    "not const": {"type": "string", "not": {"const": "ab"}},
    "not required": {**ABC, "not": {"required": ["a", "b"]}},
    "not properties": {**ABC, "not": {"properties": {"b": {"const": "a"}}}},
    "not pattern": {"type": "string", "not": {"pattern": "^a"}},
    "not anyOf": {"not": {"anyOf": [{"type": "string"}, {"type": "array"}]}},
    "not not": {"not": {"not": {"type": "string", "minLength": 1}}},
    "not items": {"type": "array", "maxItems": 3, "not": {"items": {"type": "string"}}},
    "propertyNames pattern": {"propertyNames": {"pattern": "^[ab]"}},
    "propertyNames enum": {"propertyNames": {"enum": ["a", "b"]}},
    "propertyNames length": {"type": "object", "propertyNames": {"maxLength": 1}},
    "minProperties": {**CLOSED, "minProperties": 2},
    "maxProperties": {**ABC, "maxProperties": 1},
    "patternProperties that overlap": {"patternProperties": {"^a": {"type": "integer"}, "b$": {"minimum": 2}}},
    "patternProperties beside properties": {**CLOSED, "patternProperties": {"^a": {"minimum": 2}, "x": True}},
    "uniqueItems of an enum": {"type": "array", "items": {"enum": ["a", "b", 1]}, "uniqueItems": True},
    "uniqueItems with bounds": {"items": {"enum": ["a", 1, None]}, "uniqueItems": True, "minItems": 1, "maxItems": 2},
    "uniqueItems of booleans": {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True},
    "contains in a short array": {"type": "array", "maxItems": 3, "contains": {"type": "string"}},
    "contains in any array": {"type": "array", "contains": {"type": "string"}},
    "contains, counted": {"type": "array", "contains": {"const": "a"}, "minContains": 1, "maxContains": 2},
    "contains and minItems": {"type": "array", "contains": {"const": "a"}, "minItems": 2},
    "contains behind others": {"type": "array", "prefixItems": [{"type": "null"}], "contains": {"const": "a"}},
    "contains nothing": {"type": "array", "items": {"type": ["string", "null"]}, "not": {"contains": {"const": "a"}}},
    "contains what all are": {"type": "array", "items": {"type": "string"}, "contains": {"type": "string"}},
    "items and additionalItems": {**D7, "items": [{"type": "string"}], "additionalItems": {"type": "integer"}},
    "unevaluatedProperties": {"type": "object", "allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
    "unevaluatedProperties with anyOf": {
        **ABC,
        "anyOf": [{"properties": {"x1": {"const": 1}}, "required": ["x1"]}, {"required": ["a"]}],
        "unevaluatedProperties": False,
    },
    "unevaluatedItems": {"type": "array", "allOf": [{"prefixItems": [True]}], "unevaluatedItems": {"type": "string"}},
    "siblings of $ref": {"$ref": "#/$defs/s", "minLength": 2, "$defs": {"s": {"type": ["string", "null"]}}},
    "draft 4 limits": {**D4, "type": "number", "minimum": 1, "exclusiveMinimum": True, "maximum": 3},
    "not a multiple": {"type": "integer", "not": {"multipleOf": 3}},
    "multiples of one of two": {"type": "integer", "oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]},
    "oneOf of whole and other numbers": {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 2}]},
    "numbers that are not whole": {"type": "number", "not": {"type": "integer"}},
    "not not a multiple": {"type": "integer", "not": {"not": {"multipleOf": 2}}},
    "const with siblings": {"const": {"a": [1, None]}, "type": "object"},
    "enum with type": {"enum": ["a", 1, None, [1], {"a": 1}], "type": ["string", "array", "object"]},
    "deep allOf": {"allOf": [{"allOf": [{"type": "string"}, {"minLength": 1}]}, {"allOf": [{"pattern": "a"}]}]},
    "look-ahead": {"type": "string", "pattern": "^(?=.*a)(?!.*b)"},
    "word boundaries": {"type": "string", "pattern": r"\ba\b"},
    "a tree whose nodes exclude alternatives": {
        "$ref": "#/$defs/n",
        "$defs": {
            "n": {
                "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"$ref": "#/$defs/n"}},
                "oneOf": [{"required": ["a"]}, {"required": ["b"]}, {"maxProperties": 0}],
                "type": "object",
                "additionalProperties": False,
            }
        },
    },
    "recursion that meets itself": {
        "allOf": [{"$ref": "#/$defs/l"}, {"$ref": "#/$defs/r"}],
        "$defs": {
            "l": {"properties": {"a": {"$ref": "#/$defs/l"}, "b": {"type": "string"}}},
            "r": {"properties": {"a": {"$ref": "#/$defs/r"}, "b": {"minLength": 1}}},
        },
    },
}  # fmt: skip
CHECKED: dict[str, tuple[Any, set[str]]] = {
    "uniqueItems of strings": ({"items": {"type": "string"}, "uniqueItems": True}, {"uniqueItems"}),
    "not a multiple of a large prime": ({"type": "integer", "not": {"multipleOf": 7}}, {"not"}),
    "contains beside lengths": (
        {"contains": {"type": "string"}, "minContains": 2, "maxItems": 9},
        {"contains", "minContains"},
    ),
    "two kinds of matching items": ({"allOf": [{"contains": {"const": value}} for value in "ab"]}, {"allOf"}),
    "a back reference": ({"type": "string", "pattern": r"^(a+)-\1$"}, {"pattern"}),
    "negative multiples of a large prime": ({"type": "integer", "multipleOf": 7}, {"multipleOf"}),
    "at least two of any names": ({"type": "object", "minProperties": 2}, {"minProperties"}),
    "some value under any name": ({"not": {"additionalProperties": {"type": "string"}}, "type": "object"}, {"not"}),
}


@settings(max_examples=40, deadline=None, derandomize=True)
@pytest.mark.parametrize("name", EXACT)
@given(instances=st.lists(INSTANCES, min_size=8, max_size=16))
def test_exact(name: str, instances: list[Any]) -> None:
    schema = EXACT[name]
    plan = compile_schema(schema)
    assert plan.exact
    source = validator_for(schema, default=Draft202012Validator)(schema)
    lowered, acceptor = Draft202012Validator(plan.lowered), Acceptor(schema_grammar(plan.lowered))
    for instance in instances:
        accepted = acceptor.accepts(CANONICAL.encode(plan.arrange(instance)))
        assert source.is_valid(instance) == lowered.is_valid(instance) == accepted, instance


@pytest.mark.parametrize("name", CHECKED)
def test_checked(name: str) -> None:
    schema, keywords = CHECKED[name]
    plan = compile_schema(schema)
    assert not plan.exact
    assert {finding.keyword for finding in plan.report if finding.status == "checked"} == keywords


@pytest.mark.parametrize(
    ("schema", "lowered"),
    [
        ({"type": "string", "title": "x", "default": 1}, {"type": "string"}),
        ({"properties": {"z": True, "a": {}}, "type": "object"}, {"type": "object", "properties": {"z": {}, "a": {}}}),
        ({"enum": ["b", "a", "b", 1]}, {"enum": ["b", "a", 1]}),
        ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": "integer", "minimum": 1, "maximum": 9}, {"type": "integer", "minimum": 1, "maximum": 9}),
        ({"type": "integer"}, {"type": "integer"}),
        ({"type": "string", "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": "string", "nullable": True, **D7}, {"type": "string"}),
        (True, {}),
    ],
)  # fmt: skip
def test_normal_form(schema: Any, lowered: Any) -> None:
    assert compile_schema(schema).lowered == lowered


def test_the_limit_of_digits_is_an_option() -> None:
    lowered = compile_schema({"type": "integer", "minimum": 0}, Options(digits=3)).lowered
    assert lowered == {"type": "integer", "minimum": 0, "maximum": 999}


def test_the_check_knows_nullable() -> None:
    plan = compile_schema({"type": "string", "nullable": True, "enum": ["a"]})
    assert plan.violations(None) == ()
    assert plan.lowered == {"anyOf": [{"const": "a"}, {"type": "null"}]}
