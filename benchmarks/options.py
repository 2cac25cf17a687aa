"""The command line that the scripts share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.targets import Target, embedded_target


@dataclass(frozen=True)
class Options:
    """How a script was asked to run. `quick` is a smoke run: its figures mean nothing."""

    json: bool = False
    quick: bool = False
    rows: int | None = None
    target: Target | None = None

    @property
    def model(self) -> Target:
        """What both servers serve, the embedded model unless told otherwise."""
        return self.target or embedded_target()

    @property
    def partial(self) -> bool:
        """Whether the figures are of less than the whole."""
        return self.quick or self.rows is not None

    def of(self, quick: int, full: int) -> int:
        """How many of something: --rows, else by the kind of run."""
        return self.rows or (quick if self.quick else full)


def parse(doc: str | None, arguments: Sequence[str] | None = None) -> Options:
    """Exits with status 2 on an option that no script has."""
    parser = parser_for(doc)
    return Options(**vars(parser.parse_args(arguments)))


def parser_for(doc: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="a small part of it, to see that it runs")
    parser.add_argument("--rows", type=int, metavar="N", help="so many rows or rounds of each kind")
    return parser


def say(text: str) -> None:
    """Progress: never on standard output, which is for the figures."""
    print(text, file=sys.stderr, flush=True)
