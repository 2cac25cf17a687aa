"""The limits that docs/guarantees.md lists under "What is not guaranteed"."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from turngrammar.audit import Acceptor
from turngrammar.lark import schema_grammar
from turngrammar.schema import compile_schema

OPEN = {"type": "object", "additionalProperties": {"type": "integer"}}
TWO = {"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": False}

NEVER_GENERATED: list[tuple[dict[str, Any], str, Any]] = [
    ({"type": "integer"}, "1e3", 1e3),
    ({"type": "integer"}, "123456789012345678901", 123456789012345678901),
    ({"type": "integer"}, "1.00", 1.0),
    ({"type": "number", "minimum": 0}, "-0", 0),
    ({"type": "number", "minimum": 0.5}, "12.5e6", 12.5e6),
    ({"type": "number", "multipleOf": 0.5}, "1.5e6", 1.5e6),
    ({"type": "number"}, "1e309", Decimal("1e309")),
    ({"type": "number"}, f"0.{'1' * 26}", Decimal(f"0.{'1' * 26}")),
    ({"type": "integer", "minimum": 0, "multipleOf": 7}, "1000000000000000006", 1000000000000000006),
    (TWO, '{"b": 1, "a": 2}', {"b": 1, "a": 2}),
    (TWO, '{"a":1}', {"a": 1}),
    ({"type": "array"}, "[1,2]", [1, 2]),
    ({"type": "string"}, r'"\u00e9"', "é"),
    ({"type": "string"}, r'"\/"', "/"),
]


@pytest.mark.parametrize(("schema", "text", "value"), NEVER_GENERATED)
def test_valid_documents_that_are_never_generated(schema: dict[str, Any], text: str, value: Any) -> None:
    plan = compile_schema(schema)
    assert plan.violations(value) == ()
    assert not acceptor(schema).accepts(text)


GENERATED: list[tuple[dict[str, Any], str]] = [
    (TWO, '{"a": 1, "b": 2}'),
    ({"type": "string"}, '"é"'),
    ({"type": "integer"}, f"-{'9' * 20}"),
    ({"type": "integer"}, "1.0"),
    ({"type": "integer", "minimum": 10**25}, f"{'9' * 27}"),
    (OPEN, '{"a": 1, "a": 2}'),
    ({"type": "string", "format": "email"}, '"a@b"'),
]


@pytest.mark.parametrize(("schema", "text"), GENERATED)
def test_documents_that_may_be_generated(schema: dict[str, Any], text: str) -> None:
    assert acceptor(schema).accepts(text)


def test_a_listed_name_never_occurs_twice() -> None:
    assert not acceptor({"type": "object", "properties": {"a": {}}}).accepts('{"a": 1, "a": 2}')


def acceptor(schema: dict[str, Any]) -> Acceptor:
    return Acceptor(schema_grammar(compile_schema(schema).lowered))
