"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.targets import Target, embedded_target, named_target


@dataclass(frozen=True)
class Options:
    """The options of a run. `quick` is a smoke test: its figures mean nothing."""

    json: bool = False
    quick: bool = False
    rows: int | None = None
    target: Target | None = None

    @property
    def model(self) -> Target:
        """The model of both servers, by default the embedded one."""
        return self.target or embedded_target()

    @property
    def partial(self) -> bool:
        """Whether the run covers only a part of the workload."""
        return self.quick or self.rows is not None

    def of(self, quick: int, full: int) -> int:
        """--rows, else a number for quick runs or for full ones."""
        return self.rows or (quick if self.quick else full)


def parse(doc: str | None, arguments: Sequence[str] | None = None, *, any_model: bool = False) -> Options:
    """`any_model`: whether --model names one. Exits with status 2 for an unknown option."""
    parser = parser_for(doc)
    if any_model:
        parser.add_argument(
            "--model", dest="target", type=named_target, metavar="PATH", help="default: the embedded one"
        )
    return Options(**vars(parser.parse_args(arguments)))


def parser_for(doc: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="a smoke test with a small part of the workload")
    parser.add_argument("--rows", type=int, metavar="N", help="rows or rounds of each kind")
    return parser


def say(text: str) -> None:
    """Progress: never on standard output, which is for the figures."""
    print(text, file=sys.stderr, flush=True)
