"""Real schemas and the specification's own tests, with instances that are known to be valid or invalid.

`make bench` and `WHOLE_SUITES=1` take all real schemas; otherwise every sixth of each source is taken.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from typing import Any

import pytest

from latticework.commands.check import counted_invalid, outcome_figures
from tests import shared
from turngrammar.audit import AuditResult, audit_schema
from turngrammar.schema import Options

EVERY = 1 if os.environ.get("WHOLE_SUITES") else 6

# Optional groups that are not decided as they have it, by file.
UNDECIDED = {
    "optional/content.json": "under",  # an annotation since 2019-09, and here in draft 7
    "optional/bignum.json": "over",  # integers and numbers have a limited length
    "optional/float-overflow.json": "over",
    "optional/cross-draft.json": "refused",  # remote references
    "optional/format-assertion.json": "refused",  # meta-schemas of its own
}


def _sample_of_each_source(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same share of each source."""
    sources: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["valid"] or row["invalid"]:
            sources[row["split"]].append(row)
    return [row for source in sources.values() for row in source[::EVERY]]


def test_real_schemas() -> None:
    rows = _sample_of_each_source(shared.rows("jsonschemabench_dev"))
    figures = outcome_figures(audit_schema(row["schema"], row["valid"], counted_invalid(row)) for row in rows)
    schemas = figures["schemas"]
    assert figures["under"] == figures["crashed"] == 0
    assert figures["exact"] >= 0.97 * schemas
    assert figures["checked"] >= 0.995 * schemas - 1
    assert figures["over"] <= 0.004 * schemas + 1
    assert figures["refused"] <= 0.005 * schemas


@pytest.mark.parametrize(("suite", "dialect"), [("jsts_2020", "2020-12"), ("jsts_draft7", "draft7")])
def test_the_specification(suite: str, dialect: str) -> None:
    """Formats are annotations there. A schema that no document fits is refused, which is correct."""
    mandatory = [row for row in shared.rows(suite) if not row["optional"] and not row["needs_remote"]]
    verdicts = [(row, _audit(row, dialect)) for row in mandatory]
    outcomes = Counter(verdict.outcome for _, verdict in verdicts)
    assert outcomes["under"] == outcomes["over"] == outcomes["crashed"] == 0
    refusals = [verdict.detail for _, verdict in verdicts if verdict.outcome == "refused"]
    assert all("no document can fit this schema" in detail for detail in refusals)
    assert not any(test["valid"] for row, verdict in verdicts if verdict.outcome == "refused" for test in row["tests"])
    answered = outcomes["exact"] + outcomes["checked"] + outcomes["over"]
    assert answered >= 0.95 * len(mandatory)
    assert outcomes["exact"] >= 0.84 * len(mandatory)


@pytest.mark.parametrize(("suite", "dialect"), [("jsts_2020", "2020-12"), ("jsts_draft7", "draft7")])
def test_a_remote_schema_is_refused_or_decided_correctly(suite: str, dialect: str) -> None:
    remote = [row for row in shared.rows(suite) if row["needs_remote"] and not row["optional"]]
    verdicts = [_audit(row, dialect) for row in remote]
    assert {verdict.outcome for verdict in verdicts} <= {"exact", "checked", "refused"}
    refusals = [verdict.detail for verdict in verdicts if verdict.outcome == "refused"]
    assert all("never fetched" in detail or "is unknown" in detail for detail in refusals)
    assert all(detail.startswith("Schema, /") for detail in refusals)


@pytest.mark.parametrize(("suite", "dialect"), [("jsts_2020", "2020-12"), ("jsts_draft7", "draft7")])
def test_the_optional_groups(suite: str, dialect: str) -> None:
    optional = [row for row in shared.rows(suite) if row["optional"] and not row["format_assert"]]
    verdicts = [(row["file"], _audit(row, dialect).outcome) for row in optional]
    undecided = {(file, outcome) for file, outcome in verdicts if outcome not in ("exact", "checked")}
    assert undecided <= set(UNDECIDED.items())
    assert sum(outcome == "exact" for _, outcome in verdicts) >= 0.75 * len(verdicts)


def _audit(row: dict[str, Any], dialect: str) -> AuditResult:
    valid = [test["data"] for test in row["tests"] if test["valid"]]
    invalid = [test["data"] for test in row["tests"] if not test["valid"]]
    return audit_schema(row["schema"], valid, invalid, Options(dialect=dialect, assert_formats=False))
