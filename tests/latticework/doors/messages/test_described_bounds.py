"""Bounds that clients have written into descriptions are read back, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latticework.doors.messages.bound_notations import NOTATIONS_IN_TOOLS
from latticework.doors.messages.described_bounds import read_described_bounds
from tests.latticework.doors.messages.client_transforms import TRANSFORMS, Schema, anthropic_rb
from turngrammar.audit import audit_schema
from turngrammar.schema.keywords import KEYWORDS

# What the clients have sent, each in its own environment: one sample a line.
SAMPLES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "described_bounds.json").read_text())
each_sample = pytest.mark.parametrize(
    "sample", SAMPLES, ids=[f"{sample['client']}-{sample['version']}-{sample['name']}" for sample in SAMPLES]
)
KNOWN_FORMATS = {"date", "date-time", "email"}


def asserted(schema: Any) -> Any:
    """What it asserts, in the form that all clients leave: no annotations, and types only where they say something."""
    if not isinstance(schema, dict):
        return schema
    kept = {keyword: value for keyword, value in schema.items() if keyword in KEYWORDS.rows}
    kept = {keyword: value for keyword, value in kept.items() if keyword not in ("title", "description", "default")}
    kept.pop("$schema", None)
    if kept.get("format") not in KNOWN_FORMATS:
        kept.pop("format", None)
    if kept.get("uniqueItems") is False:
        kept.pop("uniqueItems")
    for keyword in ("examples", "contentEncoding", "additionalItems"):
        kept.pop(keyword, None)
    if "const" in kept or "enum" in kept:
        kept.pop("type", None)
    if "oneOf" in kept:
        kept["anyOf"] = kept.pop("oneOf")
    for keyword, value in kept.items():
        if keyword in ("properties", "$defs", "definitions", "patternProperties"):
            kept[keyword] = {name: asserted(child) for name, child in value.items()}
        elif isinstance(value, list) and keyword in ("anyOf", "allOf", "prefixItems", "items"):
            kept[keyword] = [asserted(child) for child in value]
        else:
            kept[keyword] = asserted(value) if keyword not in ("const", "enum") else value
    return kept


def closed(schema: Any) -> Any:
    """The schema as clients close its objects; what only a description has, they leave."""
    found = deepcopy(schema)
    pending = [found]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if part.get("type") == "object":
                part["additionalProperties"] = False
            pending += [child for path, child in KEYWORDS.subschemas(part) if path[0] != "prefixItems"]
    return found


@each_sample
def test_what_real_clients_describe_is_read_back(sample: Mapping[str, Any]) -> None:
    read = read_described_bounds(sample["sent"], "/schema")
    assert asserted(read.schema) == asserted(closed(sample["original"]))


@each_sample
def test_the_pointers_are_those_of_what_was_added(sample: Mapping[str, Any]) -> None:
    read = read_described_bounds(sample["sent"], "/schema")
    assert read.pointers
    assert len(set(read.pointers)) == len(read.pointers)
    for pointer in read.pointers:
        assert _at(sample["sent"], pointer) is None
        assert _at(read.schema, pointer) is not None


def _at(schema: Any, pointer: str) -> Any:
    for token in pointer.removeprefix("/schema/").split("/"):
        schema = schema[int(token)] if isinstance(schema, list) else schema.get(token.replace("~1", "/"))
    return schema


@each_sample
def test_the_transforms_of_these_tests_do_what_the_clients_do(sample: Mapping[str, Any]) -> None:
    transform = TRANSFORMS[f"{sample['client']} {sample['version']}"]
    assert transform(sample["original"]) == sample["sent"]


PATTERNS = [
    "^\\d{5}$",
    '^(?:"[^"]*", |\\d{1,3}\\})$',
    "^a; b.$",
    "^x\\}$",
    "^[a-z, ]+\\.$",
    "^\\{\\}\\n$",
    "x+, y: *$",
    "^é\\u0041|ü$",
]
TEXTS = st.sampled_from(
    ["", "A text.", "One\n\nTwo", "Ends with {braces}", "{x: 1}", "Note: this.", "a\nminimum.", "!"]
)
VALUES = st.sampled_from(["a", "it's", 'say "x"', "a: b, c", "ü\n", "True", "5", ""])


def _bounded(draw: st.DrawFn, kind: str) -> Schema:
    bounds: Mapping[str, st.SearchStrategy[Any]] = {
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(3, 10**20),
        "pattern": st.sampled_from(PATTERNS[:5]),
        "minimum": st.sampled_from([0, -1.5, 1e-07, -(10**20)]),
        "maximum": st.sampled_from([150, 1e16, 2.25]),
        "exclusiveMinimum": st.sampled_from([-2, 0.1]),
        "exclusiveMaximum": st.sampled_from([151, 1e300]),
        "multipleOf": st.sampled_from([1, 0.25]),
        "minItems": st.integers(0, 3),
        "maxItems": st.integers(3, 9),
        "uniqueItems": st.just(True),
        "minProperties": st.integers(1, 2),
        "maxProperties": st.integers(2, 9),
    }
    own = [name for name in bounds if KEYWORDS.rows[name].type == kind or (name, kind) in _UNTYPED]
    return {name: draw(bounds[name]) for name in draw(st.lists(st.sampled_from(own), unique=True))}


_UNTYPED = {("uniqueItems", "array")}  # lowered by a function of its own


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2) -> Schema:
    """As helpers make them from classes: closed objects, arrays, unions, literals, bounds."""
    kinds = ["string", "number", "integer", "literal"] + (["array", "object", "union"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    made: Schema = {"description": draw(TEXTS)} if draw(st.booleans()) else {}
    if kind == "union":
        return {**made, "anyOf": draw(st.lists(schemas(depth - 1), min_size=1, max_size=2))}
    if kind == "literal":
        literal = draw(VALUES)
        return {**made, **draw(st.sampled_from([{"const": literal}, {"enum": [literal, "z"]}])), "type": "string"}
    made |= {"type": kind, **_bounded(draw, "number" if kind == "integer" else kind)}
    if kind == "array":
        made["items"] = draw(schemas(depth - 1))
    if kind == "object":
        names = draw(st.lists(st.sampled_from(["a", "b/c", "description"]), unique=True))
        made |= {"properties": {name: draw(schemas(depth - 1)) for name in names}, "additionalProperties": False}
    return made


@pytest.mark.parametrize("name", [*TRANSFORMS, "anthropic-rb"])
@settings(max_examples=120, deadline=None, derandomize=True)
@given(schema=schemas())
def test_what_is_described_is_what_is_read(name: str, schema: Schema) -> None:
    """For any schema, what the client describes is read to the same assertions, and so to the same values."""
    whole = {"type": "object", "properties": {"x": schema}, "additionalProperties": False}
    sent = {**TRANSFORMS, "anthropic-rb": anthropic_rb}[name](whole)
    before = deepcopy(sent)
    assert asserted(read_described_bounds(sent).schema) == asserted(whole)
    assert sent == before


def document(**schema: Any) -> Schema:
    return {"type": "object", "properties": {"x": schema}, "required": ["x"], "additionalProperties": False}


def added(notations: Any = None, **schema: Any) -> Schema:
    """What is read from the description of a property."""
    options = {} if notations is None else {"notations": notations}
    read = read_described_bounds(document(**schema), **options).schema["properties"]["x"]
    assert {keyword: read[keyword] for keyword in schema} == schema
    return {keyword: value for keyword, value in read.items() if keyword not in schema}


WRITTEN: list[tuple[str, str, Schema]] = [
    ("string", "ZIP\n\n{pattern: ^\\d{5}$}", {"pattern": "^\\d{5}$"}),
    ("string", '{pattern: "^\\\\d{5}$", maxLength: 5}', {"pattern": "^\\d{5}$", "maxLength": 5}),
    ("string", "{default: hello, maxLength: 9}", {"maxLength": 9}),
    ("string", "{default: None, minLength: 2, x-unit: cm, pattern: ^a}", {"minLength": 2, "pattern": "^a"}),
    ("string", '{enum: ["a","b"]}', {"enum": ["a", "b"]}),
    ("string", "{const: 5}", {"const": "5"}),
    ("string", '{const: "5"}', {"const": "5"}),
    ("integer", "{const: 5, default: 5}", {"const": 5}),
    (
        "array",
        "{uniqueItems: True, prefixItems: [{'type': 'null'}]}",
        {"uniqueItems": True, "prefixItems": [{"type": "null"}]},
    ),
    ("string", 'ZIP\n\n{"minLength":2,"maxLength":5,"format":"zip"}', {"minLength": 2, "maxLength": 5}),
    (
        "object",
        "{patternProperties: {'^a': {'type': 'string', 'default': \"it's\"}}}",
        {"patternProperties": {"^a": {"type": "string", "default": "it's"}}},
    ),
    ("string", "Please also conform to these set of constraints: maxLength=3", {"maxLength": 3}),
    (
        "string",
        'dog\nPlease also conform to these set of constraints: pattern="^a, b=",minLength=1',
        {"pattern": "^a, b=", "minLength": 1},
    ),
    ("string", "Name. Note: maximum length: 9.", {"maxLength": 9}),
    (
        "array",
        "Note: minimum number of items: 2, all array items must be unique.",
        {"minItems": 2, "uniqueItems": True},
    ),
    ("string", "max length: 9.", {"maxLength": 9}),
    ("integer", "Age\nminimum: 0; maximum: 150.", {"minimum": 0, "maximum": 150}),
    ("string", "ZIP\npattern: ^\\d{5}$; format: zip.", {"pattern": "^\\d{5}$"}),
    ("string", "pattern: ^a; b: [.]$.", {"pattern": "^a; b: [.]$"}),
]


@pytest.mark.parametrize(("kind", "description", "bounds"), WRITTEN)
def test_a_notation(kind: str, description: str, bounds: Schema) -> None:
    assert added(type=kind, description=description) == bounds


ORDINARY = [
    "the minimum: see docs",
    "The minimum: 3.",
    "Between minimum: 0; maximum: 150.",
    "minimum: 0; maximum: many.",
    "minimum: 0, maximum: 150.",
    "maximum: 150",
    "pattern: see above.",
    "Use {maximum: 9}",
    "Use\n{maximum: 9}",
    "{maximum: 9}.",
    "{maximum: 9} or\n\nless",
    "{maximum: nine}",
    "{maximum: 9, maximum: 8}",
    "{maximum: 9; minimum: 8}",
    "{maximum: 9,minimum: 8}",
    "{maximum = 9}",
    "{maximum: NaN}",
    "{maximum: inf}",
    "{maximum: True}",
    '{maximum: "9"}',
    "{type: integer, maximum: 9}",
    "{title: a, maximum: 9}",
    "{name: string, pattern: string}",
    "{}",
    "{maximum}",
    "{maximum: }",
    '{"maximum": 9}',
    '{"maximum":9,"unit":"cm"}',
    "Example:\n\n{'maximum': 9}",
    "Note: the maximum value: 9.",
    "Note: maximum value: 9, or so.",
    "Footnote: maximum value: 9.",
    "Please also conform to these set of constraints: maximum=9 or so",
    "{maxLength: 9}",
    "max length: 9.",
    "",
]


@pytest.mark.parametrize("description", ORDINARY)
def test_other_descriptions_of_a_number_say_nothing(description: str) -> None:
    assert added(type="integer", description=description) == {}


@pytest.mark.parametrize(
    "description",
    [
        "{pattern: (}",
        "{pattern: [[:alpha:]]}",
        "{pattern: ^a$, unit: cm}",
        "{name: string, pattern: string}",
        "{maxLength: 2.5}",
        "{maxLength: -1}",
        "{enum: []}",
        "{not: a bound}",
        "{format: date}",
        "{pattern: " + "a" * 20_000 + "}",
        "{" + ", ".join(f"x-{n}: a" for n in range(30)) + ", maxLength: 3}",
        "pattern: see above.",
        "Glob.\npattern: camelCase.",
    ],
)
def test_what_no_client_writes_or_no_engine_can_hold_is_left(description: str) -> None:
    assert added(type="string", description=description) == {}


def test_a_keyword_of_the_schema_stays() -> None:
    read = added(type="string", maxLength=3, description="{maxLength: 9, minLength: 1}")
    assert read == {"minLength": 1}


def test_strings_in_plain_words_count_only_where_the_client_can_have_written_them() -> None:
    """It leaves no bounds, and closes each object."""
    described = {"type": "string", "description": "pattern: ^a$."}
    whole = document(**described)
    assert read_described_bounds(whole).pointers == ("/properties/x/pattern",)
    bounded = {"type": "integer", "minimum": 1}
    assert read_described_bounds({**whole, "properties": {"x": described, "y": bounded}}).pointers == ()
    assert read_described_bounds({**whole, "additionalProperties": True}).pointers == ()


def test_every_subschema_is_read() -> None:
    bound = {"type": "string", "description": "{maxLength: 9}"}
    schema = {
        "$defs": {"a": bound},
        "definitions": {"b~/": bound},
        "type": "object",
        "properties": {"description": bound, "p": {"anyOf": [bound, {"allOf": [{"oneOf": [bound]}]}]}},
        "additionalProperties": bound,
        "patternProperties": {"^x": {"type": "array", "items": bound, "prefixItems": [bound]}},
        "dependentSchemas": {"d": {"not": bound}},
        "if": {"items": [bound]},
        "const": {"description": "{maxLength: 9}"},
        "default": bound,
        "examples": [bound],
    }
    assert read_described_bounds(schema, "/f").pointers == tuple(
        f"/f/{path}/maxLength"
        for path in (
            "$defs/a",
            "definitions/b~0~1",
            "properties/description",
            "properties/p/anyOf/0",
            "properties/p/anyOf/1/allOf/0/oneOf/0",
            "additionalProperties",
            "patternProperties/^x/items",
            "patternProperties/^x/prefixItems/0",
            "dependentSchemas/d/not",
            "if/items/0",
        )
    )


def test_in_tools_only_what_their_clients_write_is_read() -> None:
    assert added(NOTATIONS_IN_TOOLS, type="integer", description="maximum: 9.") == {}
    assert added(NOTATIONS_IN_TOOLS, type="integer", description="Age\n\n{maximum: 9}") == {"maximum": 9}


def test_answers_that_the_client_would_refuse_are_not_generated() -> None:
    """From the schema as it is sent to the grammar: of the SDK for Python."""
    sent = document(type="string", description="ZIP\n\n{pattern: ^\\d{5}$}")
    valid, invalid = [{"x": "01234"}], [{"x": "0123"}, {"x": "01234 "}, {"x": "a1234"}]
    assert audit_schema(sent, valid, invalid).outcome == "under"
    assert audit_schema(read_described_bounds(sent).schema, valid, invalid).outcome == "exact"


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.lists(
        st.sampled_from(
            [
                "{",
                "}",
                "\n\n",
                "Note: ",
                "maximum",
                ": ",
                ", ",
                "; ",
                ".",
                "9",
                "[",
                "'",
                '"',
                "\\",
                "pattern: ",
                "x",
                "\\x",
            ]
        ),
        max_size=12,
    ).map("".join),
    st.sampled_from(["string", "integer", "array", None, ["string", "null"], [1], 5]),
)
def test_no_description_breaks_it(description: str, kind: Any) -> None:
    schema = {"type": kind, "description": description}
    read = read_described_bounds(schema)
    assert {keyword: read.schema[keyword] for keyword in schema} == schema
