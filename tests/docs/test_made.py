"""The generated parts are up to date."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from latticework import errors
from latticework.doors.common.warnings import WarningCode
from latticework.errors import ApiError
from tests.docs import api, keywords, reasons
from tests.docs.made import PAGES, ROOT, names, rewritten, table
from tests.docs.parts import PARTS
from tests.docs.samples import OTHERS
from turngrammar.schema import Options, compile_schema
from turngrammar.schema.keywords import KEYWORDS

STALE = "{} is out of date: run `make docs` (or `python -m tests.docs`)"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_page_is_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    names(text)
    assert rewritten(text, PARTS) == text, STALE.format(page.relative_to(ROOT))


def test_each_part_is_on_some_page() -> None:
    assert {name for page in PAGES for name in names(page.read_text(encoding="utf-8"))} == set(PARTS)


def test_only_the_parts_are_regenerated() -> None:
    page = "a\n<!-- made: x -->\nold\n<!-- end -->\nb\n"
    assert rewritten(page, {"x": lambda: "new"}) == "a\n<!-- made: x -->\n\nnew\n\n<!-- end -->\nb\n"
    with pytest.raises(KeyError):
        rewritten(page, {})
    with pytest.raises(ValueError, match="not closed"):
        names(page.replace("end", "ende"))


def test_a_cell_stays_a_cell() -> None:
    assert table(("a", "b"), [("x|y", "1\n2")]).splitlines()[-1] == r"| x\|y | 1 2 |"


# Keywords


@pytest.mark.parametrize("name", KEYWORDS.rows)
def test_the_example_of_a_keyword_needs_no_check(name: str) -> None:
    for dialect, schema in keywords.samples(name, KEYWORDS.rows[name]):
        assert compile_schema(schema, Options(dialect=dialect)).exact


@pytest.mark.parametrize("name", OTHERS)
def test_each_sample_differs_from_the_example(name: str) -> None:
    usual = keywords.usual(name, KEYWORDS.rows[name]).partition(":")[0].partition(",")[0]
    assert [line for line in keywords.others(name) if line.startswith(f"{usual}:")] == []


def test_all_reasons_are_listed() -> None:
    """Of each way in which the code has one."""
    listed = reasons.every_reason()
    assert "more than 48 cases have to be distinguished" in listed  # Inexact
    assert "the subschema is recursive" in listed  # a constant
    assert "no expression of reasonable size distinguishes the multiples" in listed  # check_everywhere
    assert "llguidance's lexer exceeds its limits with it" in listed  # check
    assert "the grammar counts 1000 items at most" in listed  # a constant filled in
    assert len(listed) > 25


# The API


def kinds(root: type[ApiError] = ApiError) -> set[type[ApiError]]:
    return {kind for one in root.__subclasses__() for kind in ({one} | kinds(one))}


def test_every_error_has_a_row() -> None:
    assert set(api.WHEN) == {kind for kind in kinds() if kind.__module__ == errors.__name__}


def test_every_warning_has_a_row() -> None:
    assert set(api.WARNINGS) == set(get_args(WarningCode))


def test_every_header_of_an_error_has_a_row() -> None:
    given = {name for kind in api.WHEN for name in kind.headers}
    assert given <= set(api.RESPONSE_HEADERS)
