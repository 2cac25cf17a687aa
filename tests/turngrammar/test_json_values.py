"""The grammar of JSON documents: every style, alternatives that begin alike, names that the schema doesn't list."""

from __future__ import annotations

from typing import Any

import pytest

from turngrammar.audit import Acceptor
from turngrammar.json_style import CANONICAL, JSON_STYLES, JsonStyle
from turngrammar.lark import schema_grammar
from turngrammar.lowered import Lowered
from turngrammar.schema import compile_schema

TREE: Lowered = {
    "$ref": "#/$defs/tree",
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
            },
            "required": ["value"],
            "additionalProperties": False,
        }
    },
}
NAMES: Lowered = {
    "type": "object",
    "properties": {"x_1": {"type": "boolean"}, "other": False},
    "patternProperties": {"^x_": {"type": "integer"}},
    "additionalProperties": {"type": "null"},
}
TAGGED: Lowered = {
    "anyOf": [
        {"type": "object", "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind", "n"]},
        {"type": "object", "properties": {"kind": {"type": "string", "pattern": "^b"}}, "required": ["kind"]},
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}],
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": 3,
        },
        {"enum": ["a", 7, None]},
        {"type": "number", "exclusiveMinimum": 10},
    ]
}
COUNTED: Lowered = {
    "type": "object",
    "properties": {"a": {"type": "null"}, "b": {"type": "null"}, "c": {"type": "null"}},
    "required": ["b"],
    "minProperties": 2,
    "maxProperties": 2,
    "additionalProperties": False,
}
CASES: list[tuple[Lowered, list[Any], list[Any]]] = [
    (
        TREE,
        [{"value": 1}, {"value": 1, "children": [{"value": 2, "children": []}]}],
        [{}, {"value": 1, "children": [{}]}],
    ),
    (
        NAMES,
        [{}, {"x_1": True, "x_2": 3}, {"x": None, "x_": 1}],
        [{"x_1": 1}, {"x_2": None}, {"other": None}, {"y": 1}],
    ),
    (
        TAGGED,
        [{"kind": "a", "n": 1}, {"kind": "b"}, [1, "x"], "a", 7, None, 10.5],
        [{"kind": "a"}, [], ["x"], "b", 8, 10],
    ),
    (COUNTED, [{"a": None, "b": None}, {"b": None, "c": None}], [{"b": None}, {"a": None, "b": None, "c": None}]),
    ({}, [None, True, -1.5e-7, "\n", [[], {}], {"": {"a": []}}], []),
    ({"type": "array", "items": {}, "minItems": 2}, [[1, "a"], [[], {}, None]], [[], [1]]),
]


@pytest.mark.parametrize("style", JSON_STYLES, ids=str)
@pytest.mark.parametrize(("lowered", "valid", "invalid"), CASES)
def test_documents(lowered: Lowered, valid: list[Any], invalid: list[Any], style: JsonStyle) -> None:
    accepts = Acceptor(schema_grammar(lowered, style)).accepts
    assert [value for value in valid if not accepts(style.encode(value))] == []
    assert [value for value in invalid if accepts(style.encode(value))] == []


def test_a_schema_that_nothing_fits_has_no_alternative() -> None:
    accepts = Acceptor(
        schema_grammar({"anyOf": [{"type": "array", "items": False, "minItems": 1}, {"type": "null"}]})
    ).accepts
    assert accepts("null")
    assert not accepts("[")


LOOP = {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/$defs/loop"}}}  # nothing fits
IMPOSSIBLE_ITEMS = [
    ({"prefixItems": [{"type": "integer"}, {"$ref": "#/$defs/loop"}]}, [[], [1]], ["[1, ]", "[1, , 2]", "[1, 2]"]),
    ({"prefixItems": [{"$ref": "#/$defs/loop"}, {"type": "null"}]}, [[]], ["[, null]", "[null]"]),
    (
        {
            "contains": {"$ref": "#/$defs/loop"},
            "minContains": 0,
            "maxContains": 1,
            "items": {"type": ["null", "object"]},
        },
        [[], [None], [None, {}]],
        ["[]]", "[, null]", "[null, ]"],
    ),
    (
        {"prefixItems": [{"$ref": "#/$defs/loop"}], "contains": {"type": "null"}, "minContains": 0, "maxContains": 1},
        [[]],
        ["[null]", "[, null]"],
    ),
]


@pytest.mark.parametrize(("keywords", "valid", "invalid"), IMPOSSIBLE_ITEMS)
def test_nothing_stands_in_place_of_an_impossible_item(
    keywords: dict[str, Any], valid: list[Any], invalid: list[str]
) -> None:
    schema = {"type": "array", **keywords, "$defs": {"loop": LOOP}}
    accepts = Acceptor(schema_grammar(compile_schema(schema).lowered)).accepts
    assert [value for value in valid if not accepts(CANONICAL.encode(value))] == []
    assert [text for text in invalid if accepts(text)] == []


def test_optional_properties_beyond_what_llguidance_can_order_have_no_order() -> None:
    names = [f"p{index}" for index in range(2_000)]
    properties = {name: {"type": "integer"} for name in names} | {"last": {"type": "null"}}
    grammar = schema_grammar(
        {"type": "object", "properties": properties, "required": ["last"], "additionalProperties": False}
    )
    accepts = Acceptor(grammar).accepts
    assert accepts('{"last": null, "p7": 1, "p1999": 2}')
    assert accepts('{"last": null, "p1999": 1, "p7": 2}')
    assert not accepts('{"p7": 1}')
    assert not accepts('{"last": null, "p7": null}')
    assert not accepts('{"last": null, "p2000": 1}')
