"""What servers with several front ends carry: the table of benchmarks/results/front_ends.md."""

from __future__ import annotations

from tests.docs.made import table
from tests.docs.measured import FOLDER


def part() -> str:
    lines = (FOLDER / "front_ends.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    head, _, *rest = rows
    return table(head, rest)
