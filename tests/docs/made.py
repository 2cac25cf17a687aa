"""The generated parts of README.md and docs/*.md: the text between two marks is generated from the code.

<!-- made: settings -->
(the text of the part named "settings")
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
    """The parts of a page. Raises ValueError for a malformed mark, or one without an end."""
    parts = [part["name"] for part in _PART.finditer(page)]
    if len(parts) != page.count(MARK):
        raise ValueError(f"{page.count(MARK)} marks, {len(parts)} parts: one is not closed")
    return parts


def rewritten(page: str, parts: Parts) -> str:
    """The page with its parts regenerated. Raises KeyError for an unknown part."""
    return _PART.sub(lambda part: f"{MARK}{part['name']} -->\n\n{parts[part['name']]()}\n\n<!-- end -->", page)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def code(text: str) -> str:
    """A code span; GitHub needs more backquotes around it than in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    marks, space = "`" * (longest + 1), " " if longest else ""
    return f"{marks}{space}{text}{space}{marks}"
