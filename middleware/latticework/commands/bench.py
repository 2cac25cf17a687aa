"""`latticework bench`: the benchmarks of a checkout."""

from __future__ import annotations

import ast
import subprocess
import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

from latticework.commands.command import (
    DONE,
    IMPOSSIBLE,
    WRONG,
    Command,
    Impossible,
    WrongUsage,
    columns,
    show,
    with_json,
)

ROOT = Path(__file__).parents[3]

DESCRIPTION = """Run a benchmark; without a name, list them. What follows the name is the benchmark's own: --quick is a
smoke run, --json ends with one JSON value, --help tells the rest. They come with a checkout, and with nothing else."""

NO_CHECKOUT = """the benchmarks are in the checkout of latticework, and this is an installed package. In a checkout:
    make install && .venv/bin/latticework bench"""


def add_bench_options(parser: ArgumentParser) -> None:
    with_json(parser)
    parser.add_argument("name", nargs="?", metavar="NAME", help="which one")
    parser.add_argument("arguments", nargs=REMAINDER, metavar="...", help="its own arguments")


def bench(given: Namespace) -> int:
    known = scripts(ROOT)
    if given.name is None:
        values = [{"name": name, "measures": measures} for name, measures in known.items()]
        show(values, columns(known.items()), as_json=given.json)
        return DONE
    if given.name not in known:
        raise WrongUsage(f"{given.name!r} is none of {', '.join(known)}")
    command = [sys.executable, "-m", f"benchmarks.{given.name}", *(["--json"] if given.json else []), *given.arguments]
    return _STATUSES.get(subprocess.run(command, cwd=ROOT, check=False).returncode, IMPOSSIBLE)


_STATUSES: Mapping[int, int] = {0: DONE, 2: WRONG}


def scripts(root: Path) -> Mapping[str, str]:
    """What a checkout can measure: the modules whose docstring says how to run them. Raises Impossible."""
    found = {}
    if (root / "pyproject.toml").is_file():  # beside installed packages, `benchmarks` would be another's
        for file in sorted((root / "benchmarks").glob("*.py")):
            doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            if f"python -m benchmarks.{file.stem}" in doc:
                found[file.stem] = doc.partition("\n")[0]
    if not found:
        raise Impossible(NO_CHECKOUT)
    return found


BENCH = Command("run the benchmarks of a checkout", DESCRIPTION, add_bench_options, bench)
