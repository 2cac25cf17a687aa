"""The model families tested against their formats, from docs/families.json."""

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
    """By family name. `make families` writes them."""
    return dict(json.loads((ROOT / "docs" / "families.json").read_text(encoding="utf-8")))


def held(format: str) -> str:
    """The families that write a format, each with the number of turns that hold."""
    return ", ".join(_counted(name, row) for name, row in rows().items() if row["format"] == format)


def _counted(name: str, row: Row) -> str:
    return f"{name if row['real'] else f'*{name}*'} {_aside(row)}/{row['turns']}"


def _aside(row: Row) -> int:
    """The number of turns that hold, whitespace aside."""
    return int(row["held"] + row["whitespace"])


def part() -> str:
    """Totals, the families with an inferred format, and all deviations."""
    families = rows().values()
    turns, whole, aside = (sum(counts) for counts in zip(*map(_counts, families), strict=True))
    clean = sum(_aside(row) == row["turns"] for row in families)
    lines = [
        f"{aside:,} of {turns:,} turns hold, {aside - whole} of them with other whitespace than the template's; in "
        f"{clean} of {len(families)} families all turns hold."
    ]
    if inferred := [_counted(name, row) for name, row in rows().items() if row["format"] not in FORMATS]:
        lines.append(f"Inferred from the template: {', '.join(inferred)}.")
    exceptions = [(name, *cells) for name, row in rows().items() for cells in _exceptions(row)]
    return "\n\n".join([*lines, table(("family", "turns", "does not hold", "reason"), exceptions)])


def _counts(row: Row) -> tuple[int, int, int]:
    return row["turns"], row["held"], _aside(row)


def _exceptions(row: Row) -> Iterator[tuple[str, str, str]]:
    """Turns, parts of the law, and the reason: a row for each reason."""
    for reason in dict.fromkeys(why for _, _, why in row["exceptions"]):
        alike = [(case, part) for case, part, why in row["exceptions"] if why == reason]
        cases, parts = (dict.fromkeys(column) for column in zip(*alike, strict=True))
        yield "; ".join(cases), ", ".join(map(code, parts)), reason
