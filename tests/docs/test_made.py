"""The generated parts are up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from latticework import errors
from latticework.errors import ApiError
from tests.docs import api, keywords, reasons
from tests.docs.made import PAGES, ROOT, names, rewritten, table
from tests.docs.parts import PARTS
from tests.docs.samples import KEYWORDS
from turngrammar.schema import Options, compile_schema
from turngrammar.schema.dialect import DIALECTS

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


def test_every_keyword_of_every_draft_has_a_row() -> None:
    known = {keyword for dialect in DIALECTS for keyword in keywords.vocabularies(dialect)}
    assert known | {"nullable"} == set(KEYWORDS)


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_what_usually_becomes_of_a_keyword_needs_no_check(keyword: str) -> None:
    entry = KEYWORDS[keyword]
    for dialect in keywords.drafts(keyword):
        schema = entry.older.get(dialect, entry.sample)
        assert compile_schema(schema, Options(dialect=dialect)).exact


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_where_something_else_becomes_of_it_that_is_so(keyword: str) -> None:
    usual = keywords.usual(keyword).partition(":")[0].partition(",")[0]
    assert [told for told in keywords.others(keyword) if told.startswith(f"{usual}:")] == []


def test_all_reasons_are_found() -> None:
    """Of each way in which the code has one."""
    found = reasons.every()
    assert "numbers that are no multiple can't be generated" in found  # Inexact
    assert "llguidance reads bounds as 64-bit floats" in found  # check_everywhere
    assert "its look-ahead would take too large a pattern" in found  # check
    assert "the grammar counts 1000000 characters at most" in found  # a constant filled in
    assert len(found) > 25


# The API


def kinds(root: type[ApiError] = ApiError) -> set[type[ApiError]]:
    return {kind for one in root.__subclasses__() for kind in ({one} | kinds(one))}


def test_every_error_has_a_row() -> None:
    assert set(api.WHEN) == {kind for kind in kinds() if kind.__module__ == errors.__name__}


def test_every_header_of_an_error_has_a_row() -> None:
    given = {name for kind in api.WHEN for name in kind.headers}
    assert given <= set(api.RESPONSE_HEADERS)
