"""Objects closed by default: tables of compositions, and the laws on generated schemas."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.turngrammar.laws import sample
from tests.turngrammar.schema.strategies import INSTANCES, RECURSIVE, SCHEMAS
from turngrammar.audit import Acceptor
from turngrammar.errors import ImpossibleSchema, RefusedSchema
from turngrammar.json_style import CANONICAL
from turngrammar.lark import schema_grammar
from turngrammar.scan import load_json
from turngrammar.schema import Options, SchemaPlan, compile_schema
from turngrammar.schema.report import CLOSED

CLOSING = Options(open_objects=False)
TEXT, WHOLE = {"type": "string"}, {"type": "integer"}


def listing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


ADDRESS = {**listing(street=TEXT, city=TEXT), "required": ["city"]}
CAT = {**listing(kind={"const": "cat"}, lives=WHOLE), "required": ["kind"]}
DOG = {**listing(kind={"const": "dog"}, good={"type": "boolean"}), "required": ["kind"]}
PETS = {"Cat": CAT, "Dog": DOG}
MODEL = {  # as Pydantic writes it
    "$defs": {"Address": ADDRESS, **PETS},
    **listing(
        home={"$ref": "#/$defs/Address"},
        work={"anyOf": [{"$ref": "#/$defs/Address"}, {"type": "null"}], "default": None},
        pets={
            "type": "array",
            "items": {
                "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/$defs/Cat", "dog": "#/$defs/Dog"}},
                "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
            },
        },
    ),
    "required": ["home"],
}
TREE = {
    "$defs": {"Node": listing(label=TEXT, kids={"type": "array", "items": {"$ref": "#/$defs/Node"}})},
    "$ref": "#/$defs/Node",
}
BASE = {"$defs": {"Base": {**listing(id=WHOLE), "required": ["id"]}}}
KINDS = {**listing(kind={"enum": ["a", "b"]}), "required": ["kind"]}

# A schema, what its grammar generates, and what it generates only with open objects.
CASES: list[tuple[str, Any, Sequence[Any], Sequence[Any]]] = [
    ("listed", listing(a=TEXT), [{}, {"a": "x"}], [{"a": "x", "b": 1}, {"b": 1}]),
    ("no property listed", listing(), [{}], [{"a": 1}]),
    ("nothing stated", {"type": "object"}, [{}, {"a": 1}], []),
    ("without a type", {"properties": {"a": TEXT}}, [1, None, {"a": "x"}], [{"b": 1}]),
    ("nullable", {**listing(a=TEXT), "nullable": True}, [None, {"a": "x"}], [{"b": 1}]),
    ("additionalProperties", {**listing(a=TEXT), "additionalProperties": True}, [{"a": "x", "b": 1}], []),
    ("additionalProperties {}", {**listing(a=TEXT), "additionalProperties": {}}, [{"b": 1}], []),
    ("a schema of others", {**listing(a=TEXT), "additionalProperties": WHOLE}, [{"b": 1}], []),
    ("null is absent", {**listing(a=TEXT), "additionalProperties": None}, [{"a": "x"}], [{"b": 1}]),
    ("patternProperties", {**listing(a=TEXT), "patternProperties": {"^x": WHOLE}}, [{"x": 1, "b": 1}], []),
    ("unevaluatedProperties", {**listing(a=TEXT), "unevaluatedProperties": True}, [{"b": 1}], []),
    ("unevaluated schema", {**listing(a=TEXT), "unevaluatedProperties": WHOLE}, [{"b": 1}], []),
    ("propertyNames", {**listing(a=TEXT), "propertyNames": {"pattern": "^."}}, [{"b": 1}], []),
    ("propertyNames {}", {**listing(a=TEXT), "propertyNames": {}}, [{"b": 1}], []),
    ("names of a branch", {"allOf": [listing(ab=TEXT), {"propertyNames": {"minLength": 2}}]}, [{"bb": 1}], []),
    ("nested", listing(a=listing(b=TEXT)), [{"a": {"b": "x"}}], [{"a": {"c": 1}}]),
    ("in items", {"type": "array", "items": listing(a=TEXT)}, [[{"a": "x"}, {}]], [[{"b": 1}]]),
    ("in values", {"additionalProperties": listing(a=TEXT)}, [{"n": {"a": "x"}}], [{"n": {"b": 1}}]),
    ("required and not listed", {**listing(a=TEXT), "required": ["b"]}, [{"a": "x", "b": 1}], [{"b": 1, "c": 1}]),
    ("too few are listed", {**listing(a=TEXT), "minProperties": 2}, [{"a": "x", "b": 1}], []),
    ("enough are listed", {**listing(a=TEXT, b=TEXT), "minProperties": 2}, [{"a": "", "b": ""}], [{"a": "", "c": 1}]),
    ("allOf", {"allOf": [listing(a=TEXT), listing(b=WHOLE)]}, [{"a": "x", "b": 1}, {"b": 1}], [{"a": "x", "c": 1}]),
    ("allOf beside", {**listing(a=TEXT), "allOf": [{"required": ["b"]}]}, [{"a": "x", "b": 1}], [{"b": 1, "c": 1}]),
    ("allOf, open", {"allOf": [listing(a=TEXT), {"additionalProperties": True}]}, [{"b": 1}], []),
    (
        "allOf in members",
        {"allOf": [listing(o=listing(a=TEXT)), listing(o={**listing(b=WHOLE), "required": ["b"]})]},
        [{"o": {"a": "x", "b": 1}}],
        [{"o": {"b": 1, "c": 1}}],
    ),
    ("$ref beside", {**BASE, "$ref": "#/$defs/Base", **listing(n=TEXT)}, [{"id": 1, "n": "x"}], [{"id": 1, "m": 1}]),
    (
        "inherited",
        {**BASE, "allOf": [{"$ref": "#/$defs/Base"}, listing(n=TEXT)]},
        [{"id": 1, "n": "x"}, {"id": 1}],
        [{"id": 1, "m": 1}],
    ),
    (
        "anyOf",
        {"anyOf": [{**listing(a=TEXT), "required": ["a"]}, {**listing(b=WHOLE), "required": ["b"]}]},
        [{"a": "x"}, {"b": 1}],
        [{"a": "x", "b": 1}, {"a": "x", "c": 1}],
    ),
    (
        "anyOf beside properties",
        {**listing(a=TEXT, b=TEXT), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        [{"a": "x"}, {"b": "x"}, {"a": "x", "b": "x"}],
        [{"a": "x", "c": 1}],
    ),
    (
        "anyOf adds to properties",
        {**listing(k=TEXT), "anyOf": [listing(a=TEXT), listing(b=WHOLE)]},
        [{"k": "x", "a": "x"}, {"k": "x", "b": 1}],
        [{"k": "x", "c": 1}],
    ),
    (
        "oneOf",
        {"oneOf": [{**listing(a=TEXT), "required": ["a"]}, {**listing(b=WHOLE), "required": ["b"]}]},
        [{"a": "x"}, {"b": 1}],
        [{"a": "x", "b": "no number"}, {"a": "x", "c": 1}],
    ),
    # Either may be empty, so only a misfit for the other one tells them apart.
    (
        "oneOf, none required",
        {"type": "object", "oneOf": [listing(a=TEXT), listing(b=TEXT)]},
        [{"a": "x", "b": 1}, {"b": "x", "a": 1}],
        [{"a": "x", "b": 1, "c": 1}],
    ),
    ("discriminated", {"oneOf": [CAT, DOG]}, [{"kind": "cat", "lives": 9}], [{"kind": "cat", "good": 1}]),
    ("not", {**listing(a=TEXT), "not": {"required": ["b"]}}, [{"a": "x"}], [{"a": "x", "c": 1}]),
    # What a negation lists is not what the schema lists, and it isn't closed before it is subtracted.
    ("only a negation lists", {"type": "object", "not": listing(a=WHOLE)}, [{"a": "x", "b": 1}], []),
    ("negated", {**listing(a=TEXT, b=TEXT), "not": listing(a=TEXT, b=WHOLE)}, [{"b": "x"}], [{"b": "x", "c": 1}]),
    (
        "if",
        {**KINDS, "if": {"properties": {"kind": {"const": "a"}}}, "then": {**listing(n=WHOLE), "required": ["n"]}},
        [{"kind": "a", "n": 1}, {"kind": "b"}],
        [{"kind": "b", "n": 1}, {"kind": "a", "n": 1, "c": 1}],
    ),
    (
        "else",
        {**KINDS, "if": {"properties": {"kind": {"const": "a"}}}, "else": {"required": ["m"]}},
        [{"kind": "a"}, {"kind": "b", "m": 1}],
        [{"kind": "a", "m": 1}],
    ),
    (
        "only a condition lists",
        {"type": "object", "if": listing(a=TEXT), "then": {"required": ["b"]}},
        [{"b": 1, "c": 1}],
        [],
    ),
    ("dependentRequired", {**listing(a=TEXT), "dependentRequired": {"a": ["b"]}}, [{}, {"a": "x", "b": 1}], [{"c": 1}]),
    (
        "dependentSchemas",
        {**listing(a=TEXT), "dependentSchemas": {"a": {**listing(b=WHOLE), "required": ["b"]}}},
        [{}, {"a": "x", "b": 1}],
        [{"a": "x", "b": 1, "c": 1}, {"b": 1}],
    ),
    ("const", {**listing(a=TEXT), "const": {"a": "x", "b": 1}}, [{"a": "x", "b": 1}], []),
    ("enum", {**listing(a=TEXT), "enum": [{"a": "x"}, {"a": "y", "b": 1}]}, [{"a": "x"}, {"a": "y", "b": 1}], []),
    (
        "a model",
        MODEL,
        [{"home": {"city": "x"}, "work": None, "pets": [{"kind": "cat", "lives": 9}, {"kind": "dog"}]}],
        [
            {"home": {"city": "x", "zip": 1}},
            {"home": {"city": "x"}, "age": 1},
            {"home": {"city": "x"}, "pets": [{"kind": "dog", "lives": 9}]},
        ],
    ),
    ("recursive", TREE, [{"kids": [{"label": "x", "kids": []}]}], [{"kids": [{"kids": [{"name": "x"}]}]}]),
    (
        "recursive, extended",
        {**TREE, "allOf": [{**listing(top=WHOLE), "required": ["top"]}]},
        [{"label": "x", "kids": [{"label": "y"}], "top": 1}],
        [{"top": 1, "kids": [{"top": 1}]}],
    ),
]


def _accepts(plan: SchemaPlan, instance: Any) -> bool:
    return Acceptor(schema_grammar(plan.lowered)).accepts(CANONICAL.encode(plan.arrange(instance)))


@pytest.mark.parametrize(("name", "schema", "closed", "opened"), CASES, ids=[case[0] for case in CASES])
def test_closed_objects(name: str, schema: Any, closed: Sequence[Any], opened: Sequence[Any]) -> None:
    plans = compile_schema(schema), compile_schema(schema, CLOSING)
    for instance in (*closed, *opened):
        assert [_accepts(plan, instance) for plan in plans] == [True, instance in closed], instance
        assert [plan.violations(instance) for plan in plans] == [(), ()], "the check stays with the schema"


def test_a_meet_that_no_shape_has_leaves_all_objects_open() -> None:
    """Nobody knows then which names a valid document needs, even farther in."""
    names = [(f"a{index}", f"b{index}") for index in range(9)]
    parts = [{"anyOf": [{**listing(**{name: WHOLE}), "required": [name]} for name in pair]} for pair in names]
    schema = {"type": "object", "allOf": parts, **listing(o=listing(p=TEXT))}
    plan = compile_schema(schema, CLOSING)
    assert not plan.exact
    assert plan.options.open_objects
    assert _accepts(plan, {"o": {"q": 1}, **{first: 1 for first, _ in names}})
    assert not any(CLOSED in row.reason for row in plan.report)


REPORTED = [
    (listing(a=listing(b=TEXT)), ["", "/properties/a"]),
    ({**listing(a=TEXT), "additionalProperties": True}, []),
    ({**listing(a=TEXT), "minProperties": 2}, []),
    ({"allOf": [listing(a=TEXT), listing(b=TEXT)]}, ["/allOf/0", "/allOf/1"]),
    ({"allOf": [listing(a=TEXT), {"additionalProperties": True}]}, []),
    ({**listing(a=TEXT), "not": listing(b=TEXT), "if": listing(a=TEXT), "then": listing(c=TEXT)}, ["", "/then"]),
    (TREE, ["/$defs/Node"]),
]


@pytest.mark.parametrize(("schema", "pointers"), REPORTED)
def test_the_report_says_what_is_closed(schema: Any, pointers: list[str]) -> None:
    rows = compile_schema(schema, CLOSING).report
    assert [row.pointer for row in rows if CLOSED in row.reason] == pointers
    assert {row.keyword for row in rows if CLOSED in row.reason} <= {"properties"}
    assert not any(CLOSED in row.reason for row in compile_schema(schema).report)


SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
LAWS = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=SLOW)
MANY = st.lists(INSTANCES, min_size=12, max_size=24)


def _compiled(schema: Any, options: Options) -> SchemaPlan | None:
    """None if no document fits it."""
    try:
        return compile_schema(schema, options)
    except RefusedSchema as refusal:
        assert isinstance(refusal, ImpossibleSchema)
        return None


@LAWS
@given(SCHEMAS | RECURSIVE, MANY, st.integers(0, 2**32))
def test_closed_grammars_are_narrower_and_never_empty(schema: Any, instances: list[Any], seed: int) -> None:
    opened, closed = _compiled(schema, Options()), _compiled(schema, CLOSING)
    assert (opened is None) == (closed is None)
    if opened is None or closed is None:
        return
    grammars = [Acceptor(schema_grammar(plan.lowered)) for plan in (opened, closed)]
    assert not any(grammar.error for grammar in grammars)
    for instance in instances:
        wide, narrow = (grammar.accepts(CANONICAL.encode(opened.arrange(instance))) for grammar in grammars)
        assert wide or not narrow, f"only the closed grammar accepts {CANONICAL.encode(instance)}"
    document, ended = sample(schema_grammar(closed.lowered), random.Random(seed), 200)
    if ended and closed.exact:
        assert closed.violations(load_json(document)) == (), document
