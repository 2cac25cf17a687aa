"""`latticework bench`: runs the benchmarks of a checkout."""

from __future__ import annotations

import ast
import subprocess
import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

from latticework.commands import (
    DONE,
    FAILED,
    MISUSED,
    Command,
    CommandFailed,
    WrongUsage,
    columns,
    show,
    with_json,
)

ROOT = Path(__file__).parents[3]

DESCRIPTION = """Run a benchmark, or list all of them. Arguments after NAME are passed to the benchmark: --quick is a
smoke test, --json ends the output with one JSON value, --help lists the others. Only checkouts have benchmarks."""

NO_CHECKOUT = """this installation has no benchmarks. In a checkout of latticework:
    make install && .venv/bin/latticework bench"""


def add_bench_options(parser: ArgumentParser) -> None:
    with_json(parser)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the benchmark to run")
    parser.add_argument("arguments", nargs=REMAINDER, metavar="...", help="arguments of the benchmark")


def run_benchmark(given: Namespace) -> int:
    known = list_benchmarks(ROOT)
    if given.name is None:
        values = [{"name": name, "measures": measures} for name, measures in known.items()]
        show(values, columns(known.items()), as_json=given.json)
        return DONE
    if given.name not in known:
        raise WrongUsage(f"unknown benchmark {given.name!r}; the benchmarks are {', '.join(known)}")
    command = [sys.executable, "-m", f"benchmarks.{given.name}", *(["--json"] if given.json else []), *given.arguments]
    return _STATUSES.get(subprocess.run(command, cwd=ROOT, check=False).returncode, FAILED)


_STATUSES: Mapping[int, int] = {0: DONE, 2: MISUSED}


def list_benchmarks(root: Path) -> Mapping[str, str]:
    """What each benchmark of a checkout measures, by its name. Raises CommandFailed.

    The benchmarks are the modules, and packages, whose docstring has the command that runs them.
    """
    measured = {}
    if (root / "pyproject.toml").is_file():  # next to installed packages, `benchmarks` would not be ours
        folder = root / "benchmarks"
        modules = {file.stem: file for file in folder.glob("*.py")}
        packages = {file.parent.name: file for file in folder.glob("*/__init__.py")}
        for name, file in sorted({**modules, **packages}.items()):
            doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            if f"python -m benchmarks.{name}" in doc:
                measured[name] = doc.partition("\n")[0]
    if not measured:
        raise CommandFailed(NO_CHECKOUT)
    return measured


BENCH = Command("run the benchmarks of a checkout", DESCRIPTION, add_bench_options, run_benchmark)
