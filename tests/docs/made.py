"""The made parts of README.md and docs/*.md: what stands between two marks is what the code says.

<!-- made: settings -->
(what the part of that name makes)
<!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
MARK = "<!-- made: "
_PART = re.compile(MARK + r"(?P<name>[\w ]+) -->\n.*?<!-- end -->", re.DOTALL)

Parts = Mapping[str, Callable[[], str]]


def names(page: str) -> Sequence[str]:
    """The parts that a page has. Raises ValueError for a mark that is not closed, or is none."""
    found = [part["name"] for part in _PART.finditer(page)]
    if len(found) != page.count(MARK):
        raise ValueError(f"{page.count(MARK)} marks, {len(found)} parts: one is not closed")
    return found


def rewritten(page: str, parts: Parts) -> str:
    """The page, its parts made anew. Raises KeyError for one that nobody makes."""
    return _PART.sub(lambda part: f"{MARK}{part['name']} -->\n\n{parts[part['name']]()}\n\n<!-- end -->", page)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def code(text: str) -> str:
    """A code span; GitHub wants more backquotes around than are within."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    marks, space = "`" * (longest + 1), " " if longest else ""
    return f"{marks}{space}{text}{space}{marks}"
