"""Which families of models were held against their formats, out of docs/families.json."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tests.docs.made import ROOT, code, table
from turngrammar.formats import FORMATS

Row = Mapping[str, Any]


@cache
def rows() -> Mapping[str, Row]:
    """By the name of the family. `make families` writes them."""
    return dict(json.loads((ROOT / "docs" / "families.json").read_text(encoding="utf-8")))


def held(format: str) -> str:
    """The families that write a format, each with how many of its turns hold."""
    return ", ".join(_told(name, row) for name, row in rows().items() if row["format"] == format)


def _told(name: str, row: Row) -> str:
    return f"{name if row['real'] else f'*{name}*'} {_aside(row)}/{row['turns']}"


def _aside(row: Row) -> int:
    """How many turns hold, whitespace aside."""
    return int(row["held"] + row["whitespace"])


def part() -> str:
    """Sums, the families whose format is none of the table's, and all that does not hold."""
    found = rows().values()
    turns, whole, aside = (sum(counts) for counts in zip(*map(_counts, found), strict=True))
    clean = sum(_aside(row) == row["turns"] for row in found)
    lines = [
        f"Of {turns:,} turns {aside:,} hold, {aside - whole} of them in other whitespace than the template's; all "
        f"turns of {clean} of {len(found)} families."
    ]
    if inferred := [_told(name, row) for name, row in rows().items() if row["format"] not in FORMATS]:
        lines.append(f"Inferred from the template: {', '.join(inferred)}.")
    exceptions = [(name, *cells) for name, row in rows().items() for cells in _exceptions(row)]
    return "\n\n".join([*lines, table(("family", "turns", "not", "because"), exceptions)])


def _counts(row: Row) -> tuple[int, int, int]:
    return row["turns"], row["held"], _aside(row)


def _exceptions(row: Row) -> Iterator[tuple[str, str, str]]:
    """Turns, parts of the law, and why: a row for each reason."""
    for reason in dict.fromkeys(why for _, _, why in row["exceptions"]):
        alike = [(case, part) for case, part, why in row["exceptions"] if why == reason]
        cases, parts = (dict.fromkeys(one) for one in zip(*alike, strict=True))
        yield "; ".join(cases), ", ".join(map(code, parts)), reason
