"""Every family's own tokenizer and chat template: its format is selected, and all checks pass.

The default run takes a few of each kind; FAMILIES=all takes all of them, and writes docs/families.json, from which the
column "turns held" in docs/formats.md is made.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from latticework.conformance import ALL_CASES, SelectedFormat, select_format
from latticework.conformance.checks import WHITESPACE
from tests import families, shared
from tests.families import Family
from tests.latticework.conformance.exceptions import EXCEPTIONS, OTHERWISE

RECORD = Path(__file__).parents[3] / "docs" / "families.json"
ALL = os.environ.get("FAMILIES") == "all"
# Families of each kind: JSON in tags, bare JSON, arguments one by one, other notations, framed texts; marks that are
# special tokens, unflagged added tokens, or plain text; an inferred format.
SOME = (
    *("qwen3", "gpt_oss", "mistral_7b", "gemma4", "deepseek_v3", "glm45", "kimi_k2", "llama31", "lfm25"),
    *("functionary32", "gemma3", "qwen3_coder"),
)


@dataclass(frozen=True)
class Result:
    """What became of a family."""

    family: Family
    selected: SelectedFormat

    @property
    def failures(self) -> Mapping[tuple[str, str, str], str]:
        """The details of the failed checks, by the keys of EXCEPTIONS."""
        failures = self.selected.failures
        return {(self.family.name, result.case, failed.check): failed.detail for result, failed in failures}

    @property
    def row(self) -> Mapping[str, Any]:
        """Of docs/families.json: `whitespace` counts the turns that fail the check of exact whitespace only."""
        tested = self.selected.tested
        return {
            "format": self.selected.format.name,
            "real": self.family.real,
            "turns": len(tested),
            "held": sum(result.passed for result in tested),
            "whitespace": sum({failed.check for failed in result.failures} == {WHITESPACE} for result in tested),
            "exceptions": [
                [case, check, EXCEPTIONS.get((name, case, check), "")] for name, case, check in self.failures
            ],
        }


def examined(family: Family, to: Path) -> Result:
    tokenizer = families.loaded(family, to)
    template = families.template(tokenizer)
    response_template = tokenizer.response_template
    return Result(family, select_format(template, tokenizer, response_template=response_template, cases=ALL_CASES))


def names() -> list[str]:
    known = families.families()
    return [name for name in known if ALL or name in SOME]


@pytest.fixture(scope="module")
def rows() -> Iterator[dict[str, Mapping[str, Any]]]:
    """The families examined in this run; the record is rewritten if these are all."""
    examined_rows: dict[str, Mapping[str, Any]] = {}
    yield examined_rows
    if examined_rows and examined_rows.keys() == families.families().keys():
        lines = (f"{json.dumps(name)}: {json.dumps(row)}" for name, row in examined_rows.items())
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


@pytest.fixture(scope="module", params=names() or [""])
def result(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rows: dict[str, Mapping[str, Any]]
) -> Result:
    shared.path("families")
    result = examined(families.families()[request.param], tmp_path_factory.mktemp("family"))
    rows[request.param] = result.row
    return result


def test_its_format_is_selected(result: Result) -> None:
    expected = OTHERWISE.get(result.family.name, result.family.format)
    assert result.selected.format.name == expected, result.selected.why


def test_all_checks_pass(result: Result) -> None:
    """In every case, under every tool choice, except for EXCEPTIONS; and each exception still fails."""
    assert result.selected.tested, result.selected.results
    known = {key for key in EXCEPTIONS if key[0] == result.family.name}
    assert {key: detail for key, detail in result.failures.items() if key not in known} == {}
    assert known - result.failures.keys() == set(), "no exceptions any more"


def test_it_is_as_recorded(result: Result) -> None:
    if ALL:
        pytest.skip("it is written by this run")
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    assert recorded.get(result.family.name) == result.row, "make families writes docs/families.json anew"


def test_every_exception_is_of_a_family() -> None:
    shared.path("families")
    assert {*OTHERWISE, *(name for name, _, _ in EXCEPTIONS)} <= families.families().keys()
