"""Schemas as other tools emit them, with values: nothing invalid passes, and what is not exact stands here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.turngrammar.schema import corpus
from turngrammar.audit import audit_schema
from turngrammar.schema import compile_schema

ROWS = {row["id"]: row for row in corpus.rows()}

# The outcome of each row that is not exact.
KNOWN = {
    "infrastructure/compose-service": "checked",
    "pydantic-2.14/containers": "checked",
    "typebox-0.34/arrays": "checked",
    "typebox/arrays": "checked",
    "valibot/domain": "checked",
}


def outcome(row: dict[str, Any]) -> str:
    return audit_schema(row["schema"], row["valid"], row["invalid"]).outcome


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    return {name: outcome(row) for name, row in ROWS.items()}


def test_no_invalid_value_passes_and_nothing_crashes(outcomes: dict[str, str]) -> None:
    assert [name for name, found in outcomes.items() if found in ("under", "crashed")] == []


def test_all_others_are_exact(outcomes: dict[str, str]) -> None:
    assert {name: found for name, found in outcomes.items() if found != "exact"} == KNOWN


def test_what_is_checked_does_not_say_exact(outcomes: dict[str, str]) -> None:
    checked = [name for name, found in outcomes.items() if found == "checked"]
    assert [name for name in checked if compile_schema(ROWS[name]["schema"]).exact] == []


def test_each_row_has_an_id_and_values_of_its_own() -> None:
    rows = corpus.rows()
    assert len(ROWS) == len(rows)
    assert all(row["invalid"] and row["valid"] for row in rows)
