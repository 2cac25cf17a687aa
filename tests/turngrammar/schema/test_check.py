"""The check of a finished document, with bounds on its time and its messages."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft201909Validator, Draft202012Validator

from turngrammar.errors import MESSAGE_LENGTH
from turngrammar.regex import BudgetExceeded, pattern_matcher, time_budget
from turngrammar.scan import load_json
from turngrammar.schema import Options, compile_schema
from turngrammar.schema.check import MOST_VIOLATIONS


def keywords(schema: Any, instance: Any, **options: Any) -> list[str]:
    return [violation.keyword for violation in compile_schema(schema, Options(**options)).violations(instance)]


def test_messages_and_violations_are_limited() -> None:
    enum = {"enum": [f"value {n}" for n in range(10_000)]}
    (violation,) = compile_schema(enum).violations("none of them")
    assert violation.message.startswith("'none of them' is not one of")
    assert len(violation.message) < MESSAGE_LENGTH + 10
    many = compile_schema({"items": {"type": "integer"}}).violations(["x"] * 5000)
    assert len(many) == MOST_VIOLATIONS


def test_endless_backtracking_is_stopped() -> None:
    pattern, text = r"^((a|aa)+)\1b$", "a" * 100 + "!"
    with pytest.raises(BudgetExceeded), time_budget(0.05):
        pattern_matcher(pattern)(text)
    assert keywords({"type": "string", "pattern": pattern}, text) == [""]


def test_endless_recursion_is_stopped() -> None:
    again = {"$ref": "#/$defs/list"}
    schema = {
        "$defs": {"list": {"type": "array", "items": {"oneOf": [again, {"allOf": [again, {"minItems": 9}]}]}}},
        **again,
    }
    instance: Any = []
    for _ in range(40):
        instance = [instance]
    assert keywords(schema, instance) == [""]


def test_an_automaton_respects_the_budget() -> None:
    with pytest.raises(BudgetExceeded), time_budget(0):
        pattern_matcher("^(?:ab|a.){3,9}$")("abac" * 3)


@pytest.mark.parametrize("reference", ["#/$defs/missing", "https://example.com/schema"])
def test_a_lone_condition_is_not_evaluated(reference: str) -> None:
    assert keywords({"type": "string", "if": {"$ref": reference}}, "a") == []


EVALUATED: list[tuple[dict[str, Any], Any]] = [
    ({"properties": {"a": {}}}, {"a": 1}),
    ({"properties": {"a": {}}}, {"b": 1}),
    ({"patternProperties": {"^a": {}}}, {"ab": 1, "b": 1}),
    ({"patternProperties": {r"\ba": {}}}, {"a": 1}),
    ({"additionalProperties": {"type": "integer"}}, {"a": 1}),
    (
        {"allOf": [{"properties": {"a": {}}}, {"$ref": "#/$defs/x"}], "$defs": {"x": {"properties": {"b": {}}}}},
        {"b": 1},
    ),
    ({"anyOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"properties": {"b": {}}}]}, {"a": 2, "b": 1}),
    ({"oneOf": [{"required": ["a"], "properties": {"a": {}}}, {"required": ["b"]}]}, {"a": 1, "c": 1}),
    ({"if": {"properties": {"a": {"const": 1}}}, "then": {"properties": {"b": {}}}}, {"a": 1, "b": 1}),
    ({"if": {"required": ["a"]}, "then": {}, "else": {"properties": {"b": {}}}}, {"b": 1}),
    ({"dependentSchemas": {"a": {"properties": {"a": {}, "b": {}}}}}, {"a": 1, "b": 1}),
    ({"dependentSchemas": {"a": {"properties": {"a": {}, "b": {}}}}}, {"b": 1}),
    ({"allOf": [{"unevaluatedProperties": {"type": "integer"}}]}, {"b": 1}),
    ({"not": {"not": {"properties": {"a": {}}}}}, {"a": 1}),
    ({}, {}),
    ({}, [1]),
]


@pytest.mark.parametrize(("schema", "instance"), EVALUATED)
@pytest.mark.parametrize(
    ("dialect", "validator"), [("2019-09", Draft201909Validator), ("2020-12", Draft202012Validator)]
)
@pytest.mark.parametrize("beyond", [False, {"type": "string"}])
def test_jsonschema_agrees_on_what_is_unevaluated(
    schema: dict[str, Any], instance: Any, dialect: str, validator: Any, beyond: Any
) -> None:
    closed = {**schema, "unevaluatedProperties": beyond}
    if dialect == "2019-09" and 'Properties": {"type' in json.dumps(schema):
        pytest.skip("jsonschema treats the keywords of a schema as names of properties there")
    assert (keywords(closed, instance, dialect=dialect) == []) == validator(closed).is_valid(instance)


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ([1, True, "1", None, [1], {"a": 1}], True),
        ([1, 1.0], False),
        ([0, False], True),
        ([[0], [False]], True),
        ([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], False),
        ([[], {}, ""], True),
        ([{"a": 1}, [["a", 1]]], True),
    ],
)
def test_items_are_unique_by_value(items: list[Any], unique: bool) -> None:
    assert Draft202012Validator({"uniqueItems": True}).is_valid(items) == unique
    assert (keywords({"uniqueItems": True}, items) == []) == unique


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        ({"multipleOf": 0.01}, ["19.99", "4.35", "1.15", "-0.07", "1e2", "0"], ["0.005", "19.999", "1e-3"]),
        ({"multipleOf": 3}, ["3e300", "-6.0"], ["1e300", "1e-999999999"]),
        ({"exclusiveMaximum": 1}, ["0.99999999999999999", "-1e999999999"], ["1.0", "1e999999999"]),
        ({"minimum": 0.1}, ["0.1", "0.10"], ["0.09999999999999999999"]),
        ({"maximum": 0.1}, ["0.1"], ["0.1000000000000000055511151231257827"]),
        ({"exclusiveMinimum": 9007199254740992}, ["9007199254740993"], ["9007199254740992.0", "9007199254740992"]),
        ({"maximum": float("inf")}, ["1e300"], []),
        (
            {"type": "integer"},
            ["1.0", "1e2", "1.5e1", "1e999999999", "-0.0"],
            ["1.5", "1e-1", "0.99999999999999999999"],
        ),
        ({"const": 0.1}, ["0.1", "1e-1"], ["0.1000000000000000055511151231257827", "0.11"]),
        ({"enum": [1, 2.5]}, ["1.0", "2.50", "25e-1"], ["true", "1.00000000000000000001"]),
        ({"const": [1, {"a": 2.0}]}, ['[1.0, {"a": 2}]'], ["[1, 2]", '[true, {"a": 2}]']),
        ({"uniqueItems": True}, ["[0.1, 0.1000000000000000055511151231257827]"], ["[0.1, 1e-1]", "[1e2, 100]"]),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer"}, ["1", "9" * 40], ["1.0", "1e2"]),
        (
            {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 0.5, "exclusiveMinimum": True},
            ["0.50000000000000000001"],
            ["0.5", "0.50"],
        ),
    ],
)
def test_numbers_are_decimals(schema: Any, valid: list[str], invalid: list[str]) -> None:
    plan = compile_schema(schema)
    assert {text: plan.violations(load_json(text)) for text in valid} == dict.fromkeys(valid, ())
    assert [text for text in invalid if not plan.violations(load_json(text))] == []


def test_floats_and_decimals_of_python_are_the_same_numbers() -> None:
    assert keywords({"multipleOf": 0.01}, 19.99) == keywords({"multipleOf": 0.01}, Decimal("19.99")) == []
    assert keywords({"maximum": Decimal("0.1")}, 0.1) == keywords({"maximum": 0.1}, Decimal("0.1")) == []
    assert keywords({"type": "number", "maximum": 5}, float("inf")) == ["maximum"]


def test_messages_have_the_digits_of_numbers() -> None:
    (violation,) = compile_schema({"maximum": 1}).violations(Decimal("1.00000000000000000001"))
    assert violation.message == "1.00000000000000000001 is greater than the maximum of 1"
