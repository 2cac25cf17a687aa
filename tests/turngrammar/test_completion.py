"""Completing documents: every beginning of a valid document is completed briefly, and added values are reported."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher

from tests.turngrammar.laws import sample
from tests.turngrammar.schema.strategies import RECURSIVE, SCHEMAS
from turngrammar.completion import AddedValues, ShortestCompletion, added_values
from turngrammar.completion.matcher import consumes, schema_matcher
from turngrammar.errors import RefusedSchema
from turngrammar.lark import schema_grammar
from turngrammar.schema import compile_schema

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
LAWS = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=SLOW)

ITEM = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "note": {"type": "string"}, "price": {"type": "number"}},
    "required": ["name", "price"],
    "additionalProperties": False,
}
ORDER = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "items": {"type": "array", "items": ITEM}, "paid": {"type": "boolean"}},
    "required": ["id", "items", "paid"],
    "additionalProperties": False,
}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"value": {"type": ["integer", "null"]}, "left": {"$ref": "#/$defs/node"}},
            "required": ["value"],
            "additionalProperties": False,
        }
    },
}
KINDS = {
    "anyOf": [
        {
            "type": "object",
            "properties": {"kind": {"const": kind}, kind: of},
            "required": ["kind", kind],
            "additionalProperties": False,
        }
        for kind, of in (("circle", {"type": "number"}), ("square", ITEM), ("none", {"type": "null"}))
    ]
}


def completion(schema: Any, begun: str = "") -> ShortestCompletion:
    document = ShortestCompletion(compile_schema(schema))
    assert document.feed(begun)
    return document


COMPLETED = [
    ({"type": "array", "contains": {"const": "abcdef"}, "minContains": 2}, '["x"', ', "abcdef", "abcdef"]'),
    ({"type": "array", "contains": {"const": "abcdef"}}, '["abcdef", "', '"]'),
    ({"items": {"enum": ["ab", "cd"]}, "uniqueItems": True, "minItems": 2, "type": "array"}, '["cd"', ', "ab"]'),
    (ORDER, "", '{"id": 0, "items": [], "paid": false}'),
    (ORDER, '{"i', 'd": 0, "items": [], "paid": false}'),
    (ORDER, '{"id": 12', ', "items": [], "paid": false}'),
    (ORDER, '{"id": -', '1, "items": [], "paid": false}'),
    (ORDER, '{"id": 1,', ' "items": [], "paid": false}'),
    (ORDER, '{"id": 1, "items": [{"name": "x', '", "price": 0}], "paid": false}'),
    (ORDER, '{"id": 1, "items": [{"name": "x\\', '"", "price": 0}], "paid": false}'),
    (ORDER, '{"id": 1, "items": [{"name": "x", "', 'price": 0}], "paid": false}'),
    (ORDER, '{"id": 1, "items": [{"name": "x", "n', 'ote": "", "price": 0}], "paid": false}'),
    (ORDER, '{"id": 1, "items": [], "paid": t', "rue}"),
    (TREE, "", '{"value": null}'),
    (TREE, '{"value": 1, "left": {"value": 2', "}}"),
    (TREE, '{"value": 1, "left":', ' {"value": null}}'),
    (KINDS, "", '{"kind": "none", "none": null}'),
    (KINDS, '{"kind": "sq', 'uare", "square": {"name": "", "price": 0}}'),
    (KINDS, '{"kind": "circle"', ', "circle": 0}'),
    ({"enum": ["alpha", "alpine", [1, {"a": 2}]]}, '"alp', 'ha"'),
    ({"enum": ["alpha", [1, {"a": 2}]]}, '[1, {"', 'a": 2}]'),
    ({"type": "string", "minLength": 5}, "", '"-----"'),
    ({"type": "string", "minLength": 5}, '"ab', '---"'),
    ({"type": "string", "pattern": "^[a-c]{30}$"}, '"b', "a" * 29 + '"'),
    ({"type": "string", "format": "date"}, "", '"1111-11-11"'),
    ({"type": "string", "format": "date"}, '"2024-02-3', None),
    ({"type": "string", "format": "uuid"}, '"12', '111111-1111-1111-1111-111111111111"'),
    ({"type": "string", "format": "email"}, '"ada', '@1"'),
    ({"type": "string", "pattern": "[0-9]{2}-[a-z]{3}"}, '"x1', '1-aaa"'),
    ({"type": "string", "pattern": "^é{2}$"}, '"', 'éé"'),
    ({"type": "string", "pattern": "^\\D{3}$", "maxLength": 3}, '"\\', '"--"'),
    ({"type": "integer", "minimum": 300}, "", "300"),
    ({"type": "integer", "minimum": 1000001, "multipleOf": 7919}, "", "1005713"),
    ({"type": "number", "minimum": 2.1, "multipleOf": 0.25}, "", "3"),
    ({"type": "integer", "minimum": 300}, "3", "00"),
    ({"type": "integer", "minimum": 300}, "2", "000"),
    ({"type": "number", "exclusiveMinimum": 0.95, "maximum": 0.96}, "", "0.96"),
    ({"type": "number", "exclusiveMinimum": 0.95, "maximum": 0.96}, "0.95", "1"),
    ({"type": "number", "maximum": 1e-6, "exclusiveMinimum": 0}, "", "1e-6"),
    ({"type": "number", "maximum": -0.01}, "-0.0", "1"),
    ({"type": "number", "multipleOf": 0.25}, "7.7", "5"),
    ({"type": "number", "multipleOf": 0.25}, "7.3", None),
    ({"type": "integer", "multipleOf": 12}, "-10", "8"),
    ({"type": "integer", "not": {"multipleOf": 3}}, "3", "1"),
    ({"type": "number"}, "6.02e", "0"),
    ({"type": "number", "maximum": 10}, "6.02e+", "0"),
    ({"type": "integer", "minimum": 10**25}, "", f"1{'0' * 25}"),
    ({"const": 123456789012345678901234567890}, "12345678901234567890", "1234567890"),
    ({"type": "array", "items": {"type": "boolean"}, "minItems": 3}, "[true", ", false, false]"),
    ({"type": "array", "prefixItems": [{"type": "null"}, {"const": 7}], "minItems": 2}, "", "[null, 7]"),
    ({"type": "object", "minProperties": 1}, "", '{"": null}'),
    ({"type": "object"}, '{"a": 1, ', '"": null}'),
    ({"type": "object", "patternProperties": {"^x": {"const": 1}}, "additionalProperties": False}, '{"', 'x": 1}'),
    ({"type": "object", "patternProperties": {"^(a+)+$": {"const": 1}}}, '{"%s!": ' % ("a" * 64), "null}"),
    ({}, "", "null"),
    ({}, '[{"a', '": null}]'),
]


@pytest.mark.parametrize(("schema", "begun", "end"), COMPLETED)
def test_the_shortest_end(schema: Any, begun: str, end: str | None) -> None:
    if end is None:
        assert not ShortestCompletion(compile_schema(schema)).feed(begun)
    else:
        assert completion(schema, begun).shortest() == end


FROM_PRICE = ("/items/1/price", "/paid")
ADDED = [
    (ORDER, "", AddedValues(None, ("",))),
    (ORDER, "{", AddedValues("", ("/id", "/items", "/paid"))),
    (ORDER, '{"id', AddedValues("", ("/id", "/items", "/paid"))),
    (ORDER, '{"id": ', AddedValues("", ("/id", "/items", "/paid"))),
    (ORDER, '{"id": 1', AddedValues("/id", ("/items", "/paid"))),
    (ORDER, '{"id": 1, "items": [', AddedValues("/items", ("/paid",))),
    (ORDER, '{"id": 1, "items": [{"name": "x", "price": 2}, {"name": ""', AddedValues("/items/1", FROM_PRICE)),
    (ORDER, '{"id": 1, "items": [], "paid": true', AddedValues("", ())),
    (ORDER, '{"id": 1, "items": [], "paid": true}', AddedValues(None, ())),
    ({"type": "array", "minItems": 3, "items": {"type": "null"}}, "[null, ", AddedValues("", ("/1", "/2"))),
    ({"const": {"a/b": [{"~": 1}]}}, '{"a/b": [{"', AddedValues("/a~1b/0", ("/a~1b/0/~0",))),
    ({"type": "string"}, '"x', AddedValues("", ())),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "begun", "added"), ADDED)
def test_added_values_are_reported(schema: Any, begun: str, added: AddedValues) -> None:
    document = completion(schema, begun)
    end = document.shortest()
    assert end is not None
    assert added_values(document.outline, end) == added


def prefixes_are_completed(schema: Any, text: str) -> None:
    """Every beginning of `text` can be completed, never at greater cost than as `text` goes on."""
    plan = compile_schema(schema)
    document = ShortestCompletion(plan)
    for at in range(len(text) + 1):
        end = document.shortest()
        assert end is not None, f"{text[:at]} of {plan.lowered}"
        assert len(_leveled(end)) <= len(_leveled(text[at:])), f"{text[:at]} is not completed by the shortest: {end}"
        instance = json.loads(text[:at] + end)
        assert not plan.exact or plan.violations(instance) == ()
        added = added_values(document.outline, end)
        assert (added == AddedValues(None, ())) == document.outline.done
        assert at == len(text) or document.feed(text[at])


def _leveled(text: str) -> str:
    """With literals that cost as much as a letter."""
    for literal in ("null", "false", "true"):
        text = text.replace(literal, "0")
    return text


def generated(schema: Any, seed: int) -> str | None:
    """A document that a random model writes; None where it comes to no end, or nothing fits the schema."""
    try:
        plan = compile_schema(schema)
    except RefusedSchema:
        return None
    text, ended = sample(schema_grammar(plan.lowered), random.Random(seed), 120)
    return text if ended and text.isprintable() and "�" not in text else None


@LAWS
@given(SCHEMAS, st.integers(0, 9))
def test_every_prefix_of_a_document_is_completed(schema: Any, seed: int) -> None:
    if (text := generated(schema, seed)) is not None:
        prefixes_are_completed(schema, text)


@LAWS
@given(RECURSIVE, st.integers(0, 9))
def test_where_schemas_refer_to_themselves_too(schema: Any, seed: int) -> None:
    if (text := generated(schema, seed)) is not None:
        prefixes_are_completed(schema, text)


@pytest.mark.parametrize("schema", [ORDER, TREE, KINDS])
@pytest.mark.parametrize("seed", range(8))
def test_realistic_schemas(schema: Any, seed: int) -> None:
    text = generated(schema, seed)
    if text is not None:
        prefixes_are_completed(schema, text)


SMALL = [
    {"type": "array", "items": {"enum": ["a", "bb", 7]}, "minItems": 2, "maxItems": 3},
    {
        "anyOf": [
            {"type": "array", "prefixItems": [{"const": 1}, {"const": 22}], "minItems": 2, "items": False},
            {"const": [12]},
        ]
    },
    {
        "type": "object",
        "properties": {"a": {"const": "x"}, "b": {"enum": [1, 23]}, "c": {"type": "array", "maxItems": 0}},
        "required": ["b"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"a": {"const": 123}, "b": {"const": 5}, "c": {"const": "ccc"}},
        "minProperties": 2,
        "additionalProperties": False,
    },
    {"type": "string", "pattern": "^(ab|abcd?)*x$"},
    {"type": "integer", "minimum": 15, "maximum": 113},
]


@pytest.mark.parametrize("schema", SMALL)
def test_nothing_shorter_completes(schema: Any) -> None:
    """Against all ends there are, by brute force."""
    plan = compile_schema(schema)
    texts = list(_all(schema_matcher(plan.lowered), 36))
    for begun in sorted({text[:at] for text in texts for at in range(len(text) + 1)}):
        end = completion(schema, begun).shortest()
        assert end is not None
        assert len(end) == min(len(text) - len(begun) for text in texts if text.startswith(begun)), begun


def _all(origin: LLMatcher, most: int) -> Iterator[str]:
    """All texts of a grammar up to some length; a pattern's star turns a few times only."""
    ways = [""]
    for _ in range(most):
        further = []
        for text in ways:
            matcher = origin.deep_copy()
            consumes(matcher, text)
            if matcher.is_accepting():
                yield text
            if not matcher.is_stopped():
                mask = matcher.compute_bitmask()
                further += [text + chr(byte) for byte in range(128) if mask[byte // 8] >> byte % 8 & 1]
        ways = further[:300]


def test_what_grows_without_bounds_is_left_open() -> None:
    doubled: dict[str, Any] = {f"d{n}": _two(f"d{n + 1}") for n in range(40)}
    schema = {"$ref": "#/$defs/d0", "$defs": {**doubled, "d40": {"type": "string"}}}
    assert ShortestCompletion(compile_schema(schema)).shortest() is None


def _two(name: str) -> Any:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}, "minItems": 2, "maxItems": 2}
