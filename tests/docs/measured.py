"""The main figures of benchmarks/results: compared with vLLM, given the same prompt and grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.docs.made import ROOT, table

FOLDER = ROOT / "benchmarks" / "results"
# The file, the pattern of its rows' first cells, and the label here.
LINES: Sequence[tuple[str, str, str]] = (
    ("forward_passes", r"(?P<what>.+), same grammar", "forward passes, {what}"),
    ("latency", r"(?P<what>.+), same grammar", "seconds to the {what}"),
    ("latency", r"(?P<what>first token, .+), own defaults", "seconds to the {what}, vLLM's defaults"),
    ("throughput", r"(?P<what>.+), same grammar", "tokens per second, {what}"),
    ("front_end", r"(?P<what>.+) CPU s per 1,000 chunks", "the server's CPU seconds per 1,000 chunks, {what}"),
)


def part() -> str:
    rows = [row for name, pattern, label in LINES for row in _rows(name, pattern, label)]
    return table(("", "latticework", f"vLLM {version()}", "ratio"), rows)


def _rows(name: str, pattern: str, label: str) -> Iterator[tuple[str, ...]]:
    """None for a benchmark that has not been run."""
    file = FOLDER / f"{name}.md"
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) >= 5 and (match := re.fullmatch(pattern, cells[0]) or re.fullmatch(pattern, " ".join(cells[:2]))):
            yield label.format(what=match["what"].replace("_", " ")), cells[2], cells[3], cells[4].partition(" (")[0]


def version() -> str:
    """Of the measured vLLM."""
    match = re.search(r"vllm(?:-cpu)? (\d+\.\d+)", (FOLDER / "forward_passes.md").read_text(encoding="utf-8"))
    if match is None:
        raise ValueError("benchmarks/results/forward_passes.md has no vLLM version")
    return match[1]
