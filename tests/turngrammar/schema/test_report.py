"""The report: what becomes of each keyword."""

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
    return {(one.pointer, one.keyword): one.status for one in compile_schema(schema, options).report}


def test_each_keyword_has_its_status() -> None:
    found = _statuses(SCHEMA)
    assert found["", "required"] == "enforced"
    assert found["/properties/kind", "enum"] == "enforced"
    assert found["/properties/kind", "description"] == "annotation"
    assert found["/properties/tags", "uniqueItems"] == "checked"
    assert found["/properties/when", "format"] == "enforced"
    assert found["/properties/hue", "format"] == "annotation"
    assert found["/properties/a~1b", "not"] == "rewritten"


def test_the_order_is_the_document_s() -> None:
    pointers = list(dict.fromkeys(finding.pointer for finding in compile_schema(SCHEMA).report))
    assert pointers == [
        "", "/properties/kind", "/properties/tags", "/properties/tags/items", "/properties/when", "/properties/hue",
        "/properties/a~1b", "/properties/a~1b/not",
    ]  # fmt: skip


def test_formats_can_be_annotations() -> None:
    options = Options(assert_formats=False)
    assert _statuses(SCHEMA, options)["/properties/when", "format"] == "annotation"
    assert compile_schema(SCHEMA, options).violations({"kind": "a", "when": "yesterday"}) == ()
    assert compile_schema(SCHEMA).violations({"kind": "a", "when": "yesterday"})


def test_a_checked_finding_gives_its_reason() -> None:
    finding = next(one for one in compile_schema(SCHEMA).report if one.status == "checked")
    reason = "repeated items can only be detected in the finished array"
    assert finding == KeywordReport("/properties/tags", "uniqueItems", "checked", reason)


def test_violations_point_into_the_document() -> None:
    violations = compile_schema(SCHEMA).violations({"kind": "c", "tags": ["x", "x"], "a/b": None})
    assert [(one.pointer, one.keyword) for one in violations] == [
        ("/kind", "enum"),
        ("/tags", "uniqueItems"),
        ("/a~1b", "not"),
    ]


def test_keywords_of_another_dialect_say_nothing() -> None:
    assert _statuses({"dependencies": {"a": ["b"]}})["", "dependencies"] == "annotation"
    assert _statuses({"dependencies": {"a": ["b"]}}, Options(dialect="draft7"))["", "dependencies"] == "rewritten"


VOID = [
    ({"$ref": "#/definitions/a", "minLength": 3, "definitions": {"a": {}}}, "draft7", "minLength"),
    ({"then": {"type": "string"}}, "2020-12", "then"),
    ({"if": {"type": "string"}}, "2020-12", "if"),
    ({"if": {}, "then": {}}, "draft4", "then"),
    ({"minContains": 2}, "2020-12", "minContains"),
    ({"items": {}, "additionalItems": False}, "draft7", "additionalItems"),
    ({"contains": {}, "maxContains": 2}, "draft7", "maxContains"),
    ({"type": "string", "nullable": False}, "2020-12", "nullable"),
    ({"enum": ["a"], "nullable": True}, "2020-12", "nullable"),
    (
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "string", "nullable": True},
        "2020-12",
        "nullable",
    ),
]


@pytest.mark.parametrize(("schema", "dialect", "keyword"), VOID)
def test_what_is_void_where_it_stands_is_told_as_such(schema: Any, dialect: str, keyword: str) -> None:
    assert _statuses(schema, Options(dialect=dialect))["", keyword] == "annotation"


def test_what_is_part_of_another_keyword_is_checked_with_it() -> None:
    found = _statuses({"contains": {"const": 1}, "minContains": 2, "maxContains": 3})
    assert {found["", keyword] for keyword in ("contains", "minContains", "maxContains")} == {"checked"}
