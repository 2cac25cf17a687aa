"""The report: how each keyword is enforced."""

from __future__ import annotations

from typing import Any

import pytest

from turngrammar.schema import KeywordReport, Options, compile_schema
from turngrammar.schema.load import DEFAULTS

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["a", "b"], "description": "which"},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "when": {"type": "string", "format": "date-time"},
        "hue": {"type": "string", "format": "color"},
        "a/b": {"not": {"type": "null"}},
    },
    "required": ["kind"],
}


def _statuses(schema: Any, options: Options = DEFAULTS) -> dict[tuple[str, str], str]:
    return {(report.pointer, report.keyword): report.status for report in compile_schema(schema, options).report}


def test_each_keyword_has_its_status() -> None:
    statuses = _statuses(SCHEMA)
    assert statuses["", "required"] == "enforced"
    assert statuses["/properties/kind", "enum"] == "enforced"
    assert statuses["/properties/kind", "description"] == "annotation"
    assert statuses["/properties/tags", "uniqueItems"] == "checked"
    assert statuses["/properties/when", "format"] == "enforced"
    assert statuses["/properties/hue", "format"] == "annotation"
    assert statuses["/properties/a~1b", "not"] == "rewritten"


def test_reports_are_in_document_order() -> None:
    pointers = list(dict.fromkeys(report.pointer for report in compile_schema(SCHEMA).report))
    assert pointers == [
        "", "/properties/kind", "/properties/tags", "/properties/tags/items", "/properties/when", "/properties/hue",
        "/properties/a~1b", "/properties/a~1b/not",
    ]  # fmt: skip


def test_formats_can_be_annotations() -> None:
    options = Options(assert_formats=False)
    assert _statuses(SCHEMA, options)["/properties/when", "format"] == "annotation"
    assert compile_schema(SCHEMA, options).violations({"kind": "a", "when": "yesterday"}) == ()
    assert compile_schema(SCHEMA).violations({"kind": "a", "when": "yesterday"})


def test_a_checked_keyword_has_its_reason() -> None:
    checked = next(report for report in compile_schema(SCHEMA).report if report.status == "checked")
    reason = "repeated items can only be detected in the finished array"
    assert checked == KeywordReport("/properties/tags", "uniqueItems", "checked", reason)


def test_violations_point_into_the_document() -> None:
    violations = compile_schema(SCHEMA).violations({"kind": "c", "tags": ["x", "x"], "a/b": None})
    assert [(violation.pointer, violation.keyword) for violation in violations] == [
        ("/kind", "enum"),
        ("/tags", "uniqueItems"),
        ("/a~1b", "not"),
    ]


def test_keywords_of_another_dialect_are_annotations() -> None:
    schema = {"dependentRequired": {"a": ["b"]}}
    assert _statuses(schema, Options(dialect="draft7"))["", "dependentRequired"] == "annotation"
    assert _statuses(schema)["", "dependentRequired"] == "rewritten"


INERT = [
    ({"$ref": "#/definitions/a", "minLength": 3, "definitions": {"a": {}}}, "draft7", "minLength"),
    ({"then": {"type": "string"}}, "2020-12", "then"),
    ({"if": {"type": "string"}}, "2020-12", "if"),
    ({"if": {}, "then": {}}, "draft4", "then"),
    ({"minContains": 2}, "2020-12", "minContains"),
    ({"items": {}, "additionalItems": False}, "draft7", "additionalItems"),
    ({"contains": {}, "maxContains": 2}, "draft7", "maxContains"),
    ({"type": "string", "nullable": False}, "2020-12", "nullable"),
    (
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "string", "nullable": True},
        "2020-12",
        "nullable",
    ),
]


@pytest.mark.parametrize(("schema", "dialect", "keyword"), INERT)
def test_a_keyword_that_asserts_nothing_here_is_an_annotation(schema: Any, dialect: str, keyword: str) -> None:
    assert _statuses(schema, Options(dialect=dialect))["", keyword] == "annotation"


def test_a_part_of_another_keyword_is_checked_with_it() -> None:
    statuses = _statuses({"contains": {"const": 1}, "minContains": 2, "maxContains": 3, "maxItems": 9})
    assert {statuses["", keyword] for keyword in ("contains", "minContains", "maxContains")} == {"checked"}
