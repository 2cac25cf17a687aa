"""`python -m turngrammar explain FILE` and `python -m turngrammar check FILE.jsonl[.gz]`: a table of subcommands."""

from __future__ import annotations

import gzip
import json
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from turngrammar.columns import columns
from turngrammar.errors import GrammarError
from turngrammar.schema.audit import Verdict, counted, judge
from turngrammar.schema.plan import compile_schema


def explain(arguments: Namespace) -> int:
    """Print what becomes of each keyword of a schema, as a table."""
    schema = json.loads(_read(arguments.file))
    try:
        plan = compile_schema(schema)
    except GrammarError as error:
        print(f"{error.pointer or '/'}  {error.keyword}  refused  {error.message}")
        return 1
    for line in columns((one.pointer or "/", one.keyword, one.status, one.reason) for one in plan.report):
        print(line)
    return 0


def check(arguments: Namespace) -> int:
    """Compile every schema of a file of rows and hold its instances against it; one line of figures at the end."""
    verdicts = []
    for row in _rows(arguments.file):
        verdict = judge(row["schema"], row["valid"], counted(row))
        verdicts.append(verdict)
        if arguments.verbose and verdict.outcome != "exact":
            print(f"{row['id']}  {verdict.outcome}  {verdict.detail[:300]}", file=sys.stderr)
    print(json.dumps(summary(verdicts)))
    return 0


def summary(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """The figures. `checked` counts all that are right with checks, `exact` ones among them."""
    found = list(verdicts)
    outcomes = Counter(verdict.outcome for verdict in found)
    times = sorted(verdict.compile_ms for verdict in found) or [0.0]
    return {
        "schemas": len(found),
        "exact": outcomes["exact"],
        "checked": outcomes["exact"] + outcomes["checked"],
        **{outcome: outcomes[outcome] for outcome in ("under", "over", "refused", "crashed")},
        "compile_ms": {
            "p50": round(times[len(times) // 2], 2),
            "p99": round(times[min(int(len(times) * 0.99), len(times) - 1)], 2),
            "max": round(times[-1], 2),
        },
    }


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Rows that have instances to judge by."""
    for line in _read(path).splitlines():
        row = json.loads(line)
        if row["valid"] or row["invalid"]:
            yield row


def _read(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


class Command(NamedTuple):
    """A subcommand: how it reads its arguments, and what it does with them."""

    configure: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


def _with_file(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path)


def _with_rows(parser: ArgumentParser) -> None:
    _with_file(parser)
    parser.add_argument("--verbose", action="store_true", help="name each schema that is not exact, on stderr")


COMMANDS: Mapping[str, Command] = {"explain": Command(_with_file, explain), "check": Command(_with_rows, check)}
