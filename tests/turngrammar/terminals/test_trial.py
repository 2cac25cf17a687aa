"""Terminals that llguidance's lexer can't hold are found before an answer dies in one."""

from __future__ import annotations

from typing import Any

import pytest

from turngrammar.schema import compile_schema
from turngrammar.terminals.trial import is_held

WORDS = r"^(?:\S+\s+){0,49}\S+$"
OPTIONS = f"^{'(ab|cd)?' * 500}$"
HEAVY: list[dict[str, Any]] = [{"pattern": WORDS, "maxLength": 200}, {"pattern": OPTIONS}]


@pytest.mark.parametrize("keywords", HEAVY)
def test_what_the_lexer_gives_up_on(keywords: dict[str, Any]) -> None:
    assert not is_held({"type": "string", **keywords})


@pytest.mark.parametrize(
    "keywords",
    [
        {"pattern": "[a-z]", "minLength": 50},
        {"pattern": WORDS},
        {"format": "uri", "maxLength": 2000},
        {"format": "date"},
    ],
)
def test_what_it_holds(keywords: dict[str, Any]) -> None:
    assert is_held({"type": "string", **keywords})


def test_a_schema_keeps_what_is_held_and_checks_the_rest() -> None:
    plan = compile_schema({"type": "string", "pattern": WORDS, "maxLength": 200})
    assert {finding.keyword: finding.status for finding in plan.report} == {
        "type": "enforced",
        "pattern": "enforced",
        "maxLength": "checked",
    }
    assert not plan.exact
    assert [violation.keyword for violation in plan.violations("a" * 201)] == ["maxLength"]


def test_without_anything_that_is_held_the_string_is_free_and_checked() -> None:
    plan = compile_schema({"type": "string", "pattern": OPTIONS})
    assert plan.lowered == {"type": "string"}
    assert [violation.keyword for violation in plan.violations("x")] == ["pattern"]
