"""The figures of benchmarks/results, those that a reader wants first: beside vLLM with the same prompt and grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.docs.made import ROOT, table

FOLDER = ROOT / "benchmarks" / "results"
# Which lines of which file, by what their first cells hold, and what they are called here.
LINES: Sequence[tuple[str, str, str]] = (
    ("forward_passes", r"(?P<what>.+), same grammar", "forward passes, {what}"),
    ("latency", r"(?P<what>.+), same grammar", "seconds to the {what}"),
    ("latency", r"(?P<what>first token, .+), own defaults", "seconds to the {what}, vLLM as it comes"),
    ("throughput", r"(?P<what>.+), same grammar", "tokens a second, {what}"),
    ("front_end", r"(?P<what>.+) CPU s per 1,000 chunks", "the server's CPU seconds per 1,000 chunks, {what}"),
)


def part() -> str:
    found = [row for name, pattern, told in LINES for row in _rows(name, pattern, told)]
    return table(("", "latticework", f"vLLM {version()}", "ratio"), found)


def _rows(name: str, pattern: str, told: str) -> Iterator[tuple[str, ...]]:
    """Nothing of a benchmark that has not been run."""
    file = FOLDER / f"{name}.md"
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) >= 5 and (match := re.fullmatch(pattern, cells[0]) or re.fullmatch(pattern, " ".join(cells[:2]))):
            yield told.format(what=match["what"].replace("_", " ")), cells[2], cells[3], cells[4].partition(" (")[0]


def version() -> str:
    """Of the vLLM that was measured."""
    found = re.search(r"vllm(?:-cpu)? (\d+\.\d+)", (FOLDER / "forward_passes.md").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError("benchmarks/results/forward_passes.md does not say which vLLM it measured")
    return found[1]
