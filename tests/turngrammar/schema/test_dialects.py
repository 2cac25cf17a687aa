"""Schemas are read as the tools that send them mean them, and the report has how."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.turngrammar.schema.dialects import SENT, Sent
from tests.turngrammar.schema.strategies import SCHEMAS
from turngrammar.audit import audit_schema
from turngrammar.errors import GrammarError, InvalidSchema, RefusedSchema
from turngrammar.schema import compile_schema
from turngrammar.schema.dialect import DIALECTS, LATEST, dialect_of
from turngrammar.schema.keywords import KEYWORDS
from turngrammar.schema.normalize import normalize
from turngrammar.schema.places import places


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_read_as_meant(sent: Sent) -> None:
    result = audit_schema(sent.schema, sent.valid, sent.invalid)
    assert (result.outcome, result.detail) == ("exact", "")


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_the_report_has_what_was_read_how(sent: Sent) -> None:
    reasons = {f"{row.pointer}/{row.keyword}": row.reason for row in compile_schema(sent.schema).report}
    assert {at: reasons[at][: len(note)] for at, note in sent.notes.items()} == sent.notes


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_every_keyword_that_was_sent_is_in_the_report_once(sent: Sent) -> None:
    rows = [(row.pointer, row.keyword) for row in compile_schema(sent.schema).report]
    assert sorted(rows) == sorted(_keywords(sent.schema, ""))


def _keywords(schema: Any, at: str) -> Iterator[tuple[str, str]]:
    """Those of every object that a keyword leads to, or that `components` has."""
    if isinstance(schema, Mapping):
        yield from ((at, name) for name in schema)
        for path, child in KEYWORDS.subschemas(schema):
            yield from _keywords(child, "/".join((at, *path)))
        for name, child in schema.get("components", {}).get("schemas", {}).items():
            yield from _keywords(child, f"{at}/components/schemas/{name}")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SCHEMAS, st.randoms(use_true_random=False))
def test_slips_change_nothing(schema: Any, rng: random.Random) -> None:
    """A keyword set to null, a type in upper case, a count in quotes and PHP's empty objects."""
    if not isinstance(schema, dict):
        return
    slipped = copy.deepcopy(schema)
    for place in list(places(slipped, DIALECTS[LATEST], KEYWORDS)):
        if isinstance(place.schema, dict):
            _slip(place.schema, rng)
    try:
        meant = compile_schema(schema)
    except RefusedSchema as error:
        with pytest.raises(type(error)):
            compile_schema(slipped)
    else:
        assert compile_schema(slipped).lowered == meant.lowered


def _slip(schema: dict[str, Any], rng: random.Random) -> None:
    for keyword in rng.sample(["title", "maximum", "items", "properties", "$ref", "minItems", "not", "format"], 3):
        schema.setdefault(keyword, None)
    for keyword in ("type", "minItems", "maxLength", "minProperties"):
        if isinstance(schema.get(keyword), str | int) and rng.random() < 0.5:
            schema[keyword] = str(schema[keyword]).upper()
    for keyword in ("properties", "patternProperties", "items", "additionalProperties"):
        if schema.get(keyword) == {}:
            schema[keyword] = []


@settings(max_examples=100, deadline=None, derandomize=True)
@given(SCHEMAS, st.sampled_from(sorted(DIALECTS)))
def test_what_the_draft_allows_is_left_alone(schema: Any, name: str) -> None:
    try:
        normalized = normalize(schema, DIALECTS[name], KEYWORDS)
    except InvalidSchema:
        return
    if not normalized.notes:
        assert normalized.places[0].schema is schema


URIS = [
    ("http://json-schema.org/draft-07/schema", "draft7"),
    ("https://json-schema.org/draft-07/schema#", "draft7"),
    ("http://json-schema.org/draft/2020-12/schema", "2020-12"),
    ("https://json-schema.org/draft/2019-09/schema#", "2019-09"),
    ("http://json-schema.org/draft-04/hyper-schema#", "draft4"),
    ("https://spec.openapis.org/oas/3.1/dialect/base", "2020-12"),
    ("http://json-schema.org/schema#", LATEST),
    ("", LATEST),
    (None, LATEST),
]


@pytest.mark.parametrize(("uri", "name"), URIS)
def test_names_of_drafts(uri: Any, name: str) -> None:
    assert dialect_of({"$schema": uri}, DIALECTS[LATEST]).name == name
    nested = {"properties": {"a": {"$id": "http://x/a", "$schema": uri, "type": "string"}}}
    assert compile_schema({"$schema": uri, **nested}).violations({"a": 1})


REFUSED: list[tuple[Any, str, str]] = [
    ({"$schema": "http://json-schema.org/draft-03/schema#"}, "/$schema", "unknown"),
    ({"properties": {"a": {"$id": "x", "$schema": "http://x/own"}}}, "/properties/a/$schema", "unknown"),
    ({"properties": {"p": {"items": [{}]}, "q": {"prefixItems": [{}]}}}, "/properties/p/items", "prefixItems"),
    ({"properties": {"a": {"type": "date"}}}, "/properties/a/type", "one of array"),
    ({"type": "object", "required": True}, "/required", "list of different strings"),
    ({"type": "object", "required": "a"}, "/required", "list of different strings"),
    ({"properties": [{"name": "a"}]}, "/properties", "object of schemas"),
    ({"properties": {"a": "string"}}, "/properties/a", "an object, true or false"),
    ({"items": [], "additionalItems": {"type": "string"}}, "/items", "a schema"),
    ({"minimum": "2020-01-01"}, "/minimum", "a number"),
    ({"$schema": "http://json-schema.org/draft-07/schema#", "enum": {}}, "/enum", "a list"),
]


@pytest.mark.parametrize(("schema", "pointer", "message"), REFUSED)
def test_what_can_mean_several_things_is_refused(schema: Any, pointer: str, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        compile_schema(schema)
    assert caught.value.pointer == pointer
    assert message in caught.value.message


def test_the_order_of_properties_is_geminis() -> None:
    plan = compile_schema({"type": "OBJECT", "properties": {"a": {}, "b": {}, "c": {}}, "propertyOrdering": ["c", "a"]})
    assert list(plan.lowered["properties"]) == ["c", "a", "b"]  # type: ignore[index]


def test_a_null_flag_of_draft_4_is_absent() -> None:
    plan = compile_schema({"$schema": "http://json-schema.org/draft-04/schema#", "exclusiveMinimum": None})
    assert plan.lowered == {}


def test_references_into_tuples_resolve() -> None:
    plan = compile_schema({"items": [{"type": "string"}, {"$ref": "#/items/0"}], "minItems": 2})
    assert plan.violations(["a", "b"]) == ()
    assert plan.violations(["a", 1])


def test_a_reference_to_a_declared_root_keeps_the_check() -> None:
    """jsonschema takes its own class for a schema with `$schema`, which matches patterns with `re`."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"a": {"$ref": "#"}, "p": {"type": "string", "pattern": r"^\p{L}$"}},
    }
    plan = compile_schema(schema)
    assert plan.violations({"a": {"p": "é"}}) == ()
    assert plan.violations({"a": {"p": "éé"}})
