"""Every family's own tokenizer and chat template: its format is chosen, and the law of natural writing holds.

The default run takes a few of each kind; FAMILIES=all takes all of them, and writes docs/families.json, of which the
column "held by" in docs/formats.md is made.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from latticework.conformance.law import WHITESPACE
from latticework.conformance.report import every
from latticework.conformance.settle import Settled, Verdict, settle
from tests import families, shared
from tests.families import Family
from tests.latticework.conformance.exceptions import EXCEPTIONS, OTHERWISE

RECORD = Path(__file__).parents[3] / "docs" / "families.json"
ALL = os.environ.get("FAMILIES") == "all"
# Of each kind: JSON in tags, bare JSON, arguments one by one, other notations, framed texts, marks that are special
# tokens, that are added and not flagged, or that are none, a model's own format, and none.
SOME = (
    *("qwen3", "gpt_oss", "mistral_7b", "gemma4", "deepseek_v3", "glm45", "kimi_k2", "llama31", "lfm25"),
    *("functionary32", "gemma3", "qwen3_coder"),
)


@dataclass(frozen=True)
class Result:
    """What became of a family."""

    family: Family
    settled: Settled
    verdicts: tuple[Verdict, ...]

    @property
    def breaches(self) -> Mapping[tuple[str, str, str], str]:
        """The details of what does not hold, by the keys of EXCEPTIONS."""
        return {
            (self.family.name, verdict.case, breach.part): breach.detail
            for verdict in self.verdicts
            for breach in verdict.breaches
        }

    @property
    def row(self) -> Mapping[str, Any]:
        """Of docs/families.json: `whitespace` counts the turns that hold but for it."""
        tested = [verdict for verdict in self.verdicts if not verdict.skipped]
        return {
            "format": self.settled.format.name,
            "real": self.family.real,
            "turns": len(tested),
            "held": sum(not verdict.breaches for verdict in tested),
            "whitespace": sum({one.part for one in verdict.breaches} == {WHITESPACE} for verdict in tested),
            "exceptions": [[case, part, EXCEPTIONS.get((name, case, part), "")] for name, case, part in self.breaches],
        }


def examined(family: Family, to: Path) -> Result:
    tokenizer = families.loaded(family, to)
    template = families.template(tokenizer)
    settled = settle(template, tokenizer, response_template=tokenizer.response_template)
    return Result(family, settled, every(template, tokenizer, settled))


def names() -> list[str]:
    known = families.families()
    return [name for name in known if ALL or name in SOME]


@pytest.fixture(scope="module")
def rows() -> Iterator[dict[str, Mapping[str, Any]]]:
    """Of all families that were examined; they are written down when these are all there are."""
    found: dict[str, Mapping[str, Any]] = {}
    yield found
    if found and found.keys() == families.families().keys():
        lines = (f"{json.dumps(name)}: {json.dumps(row)}" for name, row in found.items())
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


@pytest.fixture(scope="module", params=names() or [""])
def result(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rows: dict[str, Mapping[str, Any]]
) -> Result:
    shared.path("families")
    found = examined(families.families()[request.param], tmp_path_factory.mktemp("family"))
    rows[request.param] = found.row
    return found


def test_its_format_is_chosen(result: Result) -> None:
    expected = OTHERWISE.get(result.family.name, result.family.format)
    assert result.settled.format.name == expected, result.settled.why


def test_the_law_holds(result: Result) -> None:
    """In every case, under every tool choice, but for the exceptions; and these are still some."""
    assert result.settled.tested, result.verdicts
    known = {key for key in EXCEPTIONS if key[0] == result.family.name}
    assert {key: detail for key, detail in result.breaches.items() if key not in known} == {}
    assert known - result.breaches.keys() == set(), "no exceptions any more"


def test_the_record_says_so(result: Result) -> None:
    if ALL:
        pytest.skip("it is written by this run")
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    assert recorded.get(result.family.name) == result.row, "make families writes docs/families.json anew"


def test_every_exception_is_of_a_family() -> None:
    shared.path("families")
    assert {*OTHERWISE, *(name for name, _, _ in EXCEPTIONS)} <= families.families().keys()
