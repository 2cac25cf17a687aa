"""Strings that are spans of a text: chunks, places, the grammar of every format, and what a schema makes of them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.turngrammar.laws import read, sample
from turngrammar.errors import ImpossibleSchema
from turngrammar.formats import FORMATS, Format
from turngrammar.plan import compile_turn
from turngrammar.schema import Options, SchemaPlan, compile_schema
from turngrammar.spans import Quotation, chunks, quotation
from turngrammar.turn import Tool, ToolChoice, Turn

SOURCE = {"type": "string", "x-source": True}
TEXTS = (
    "Invoice \u201c12/B\u201d from Müller & Söhne:\r\n\ttotal 1,250.50 EUR \\ net",
    '{"json": "in <|tool|> text"} </tool_call> \U0001f468\u200d\U0001f469 e\u0301te\u0301 東京都',
    "",
    "\ud83d half, null",
)
TWO = ("the one he heres", "he\U0001f600é")
CHUNKS = [
    ("Ab12 c", ["Ab", "12", " ", "c"]),
    ("1,50 €\r\n", ["1", ",", "50", " ", "€", "\r", "\n"]),
    ("e\u0301te\u0301x", ["e\u0301te\u0301x"]),
    ("東京 Tokyo", ["東", "京", " ", "Tokyo"]),
    ("\U0001f468\u200d\U0001f469!", ["\U0001f468\u200d\U0001f469", "!"]),
    ("👍🏽👍", ["👍🏽", "👍"]),
    ("snake_case's", ["snake", "_", "case", "'", "s"]),
]


@pytest.mark.parametrize(("text", "expected"), CHUNKS)
def test_a_text_is_cut_into_words_numbers_and_characters(text: str, expected: list[str]) -> None:
    assert list(chunks(text)) == expected


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("he", Quotation(0, 8, 10, 2)),  # as a word, which it is twice, not within "the" and "here"
        ("her", Quotation(0, 11, 14, 1)),  # only within a word
        ("the", Quotation(0, 0, 3, 1)),
        ("é", Quotation(1, 3, 4, 1)),  # characters, not bytes or UTF-16
        ("", None),
        ("absent", None),
    ],
)
def test_the_place_of_a_span_is_the_first_that_has_whole_words(value: str, place: Quotation | None) -> None:
    assert quotation(value, TWO) == place


def test_a_whole_word_is_found_behind_many_that_contain_it() -> None:
    text = "2011 " * 5000
    assert quotation("1", (text, "1 piece")) == Quotation(1, 0, 1, 1)
    assert quotation("1", (text,)) == Quotation(0, 2, 3, 1000)


def test_a_long_word_is_not_searched_at_each_of_its_letters() -> None:
    text = f"{'x' * 5_000_000} x"
    assert quotation("x", (text,)) == Quotation(0, 5_000_001, 5_000_002, 1)


def test_the_places_of_strings_in_a_recursive_schema() -> None:
    """Its branches have the same members: of a document with 40 levels, they would be 2**40."""
    operations = [{"properties": {"op": {"const": op}, "left": {"$ref": "#/$defs/n"}}} for op in ("add", "mul")]
    objects = [{"type": "object", "required": ["op", "left"], **operation} for operation in operations]
    plan = plan_of({"$ref": "#/$defs/n", "$defs": {"n": {"anyOf": [*objects, SOURCE]}}})
    document: Any = "Söhne"
    for _ in range(40):
        document = {"op": "add", "left": document}
    assert [*plan.quotations(document)] == ["/left" * 40]
    assert plan.violations(document) == ()


TOOL = Tool(
    "quote",
    parameters={
        "type": "object",
        "properties": {
            "a": SOURCE,
            "list": {"type": "array", "items": {**SOURCE, "minLength": 1}, "maxItems": 3},
            "some": {"type": ["string", "null", "integer"], "x-source": True, "maxLength": 9},
            "inner": {"type": "object", "properties": {"b": SOURCE, "unit": {"enum": ["none", "net"]}}},
        },
        "required": ["a", "list", "some"],
    },
)
LIKED = ("Müller & Söhne", "\r\n\ttotal", '"json"', "東京", "'", '"', "</tool_call>", ": ")


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS.keys())
def test_every_format_writes_spans_only(format: Format) -> None:
    plan = compile_turn(Turn(format, (TOOL,), ToolChoice("required", most=1), texts=TEXTS))
    assert plan.exact
    assert plan.grammar
    rng, checked = random.Random(3), 0
    for _ in range(12):
        text, whole = sample(plan.grammar, rng, 600, LIKED)
        message = read(plan, [text])
        assert not message.malformed, text
        if not whole:
            continue
        assert plan.violations(message.content, message.calls) == (), text
        content, places = plan.quotations(message.content, message.calls)
        assert content is None
        assert places is not None
        assert len(places) == len(message.calls)
        for call, found in zip(message.calls, places, strict=True):
            checked += check_places(json.loads(call.arguments), found)
    assert checked > 5


def check_places(arguments: Any, places: dict[str, Quotation] | Any) -> int:
    """How many strings have a place in a text, which all have that are neither empty nor listed."""
    strings = dict(strings_in(arguments))
    strings.pop("/inner/unit", None)
    assert places.keys() == {pointer for pointer, text in strings.items() if text}
    for pointer, place in places.items():
        assert TEXTS[place.text][place.start : place.end] == strings[pointer]
    return len(places)


def strings_in(value: Any, pointer: str = "") -> Any:
    if isinstance(value, str):
        yield pointer, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from strings_in(item, f"{pointer}/{key}")


def plan_of(schema: Any, grounding: bool = False, texts: tuple[str, ...] | None = TEXTS) -> SchemaPlan:
    return compile_schema(schema, Options(texts=texts, grounding=grounding))


SPAN = {"x-source": True, "type": "string"}
LOWERED = [
    (SOURCE, False, SPAN),
    ({**SOURCE, "enum": ["Müller", "Meier", ""]}, False, {"enum": ["Müller", ""]}),
    ({"anyOf": [SOURCE, {"const": "none"}]}, False, {"anyOf": [{"const": "none"}, SPAN]}),
    ({"allOf": [{"type": "string", "maxLength": 4}, {"x-source": True}]}, False, {**SPAN, "maxLength": 4}),
    ({"type": "string", "x-source": "a.txt"}, False, {"type": "string"}),
    # Requested for all: what an enum, a const, a pattern or a format constrains stays as it is, also through others.
    ({"type": "string", "minLength": 1}, True, {**SPAN, "minLength": 1}),
    ({"type": "string", "enum": ["Meier"]}, True, {"const": "Meier"}),
    ({"type": "string", "allOf": [{"enum": ["Meier"]}]}, True, {"const": "Meier"}),
    ({"type": "string", "format": "date"}, True, {"type": "string", "format": "date"}),
    ({"allOf": [{"type": "string"}, {"format": "date"}]}, True, {"type": "string", "format": "date"}),
    ({"not": {"type": ["null", "boolean", "number", "array", "object"]}}, True, SPAN),
]


@pytest.mark.parametrize(("schema", "grounding", "lowered"), LOWERED)
def test_which_strings_are_spans(schema: Any, grounding: bool, lowered: Any) -> None:
    plan = plan_of(schema, grounding)
    assert plan.lowered == lowered
    assert plan.exact


def test_with_grounding_strings_within_any_value_are_spans_too() -> None:
    plan = plan_of({"type": "object"}, grounding=True)
    document = {"Meier": ["Müller", {"deep": "EUR"}]}
    assert plan.violations(document) == ()
    assert plan.quotations(document).keys() == {"/Meier/0", "/Meier/1/deep"}
    (broken,) = plan.violations({"a": [["Meier"]]})
    assert (broken.pointer, broken.keyword) == ("/a/0/0", "x-source")


LONG = (" ".join(map(str, range(60_000))),)


@pytest.mark.parametrize(("schema", "grounding"), [(SOURCE, False), ({}, True), ({"type": "string"}, True)])
def test_spans_of_a_very_long_text_are_checked_by_name(schema: Any, grounding: bool) -> None:
    plan = plan_of(schema, grounding, LONG)
    assert not plan.exact
    rows = {(row.pointer, row.keyword, row.status) for row in plan.report}
    assert ("", "x-source", "checked") in rows
    assert plan.violations("59999") == ()
    assert plan.quotations("59999")[""].count == 1
    assert [broken.keyword for broken in plan.violations("60000")] == ["x-source"]


def test_the_finished_document_is_checked_for_spans() -> None:
    plan = plan_of({"type": "array", "items": {"anyOf": [SOURCE, {"const": "other"}]}})
    assert plan.violations(["Söhne", "", "other"]) == ()
    assert [(broken.pointer, broken.keyword) for broken in plan.violations(["Söhne", "nobody"])] == [("/1", "anyOf")]


@pytest.mark.parametrize(
    ("schema", "grounding"), [(SOURCE, False), ({"type": "string"}, True)], ids=["keyword", "request"]
)
def test_the_report_has_a_row_for_each_span(schema: Any, grounding: bool) -> None:
    rows = [row for row in plan_of(schema, grounding).report if row.keyword == "x-source"]
    assert [(row.pointer, row.status) for row in rows] == [("", "enforced")]


NO_SPAN: list[tuple[Any, tuple[str, ...]]] = [
    ({**SOURCE, "minLength": 1}, ()),
    ({**SOURCE, "minLength": 1}, ("",)),
    ({**SOURCE, "minLength": 4}, ("abc",)),
    ({**SOURCE, "pattern": "^[0-9]+$"}, ("abc",)),
    ({"type": "object", "properties": {"a": {**SOURCE, "format": "date"}}, "required": ["a"]}, ("abc",)),
]


@pytest.mark.parametrize(("schema", "texts"), NO_SPAN)
def test_a_schema_that_no_text_fits_is_refused(schema: Any, texts: tuple[str, ...]) -> None:
    with pytest.raises(ImpossibleSchema, match="x-source"):
        plan_of(schema, texts=texts)


def test_without_a_text_only_the_empty_string_is_left() -> None:
    schema = {
        "type": "object",
        "properties": {"a": SOURCE, "b": {**SOURCE, "type": ["string", "null"], "minLength": 1}},
    }
    lowered = plan_of(schema, texts=()).lowered
    assert isinstance(lowered, dict)
    assert lowered["properties"] == {"a": {"const": ""}, "b": {"type": "null"}}
