"""What a command is, how it ends, and what it writes: results on standard output, all else on standard error."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from turngrammar.formats import Format

DONE, IMPOSSIBLE, WRONG, FOUND = range(4)

STATUSES = """exit status:
  0  done
  1  impossible: something that it needs is missing, is taken or does not answer
  2  wrong usage: an option, a variable, a setting, or a file that can't be read
  3  done, and the finding is bad: a schema that is refused, a file that is not valid, a server that is not well
"""


class Impossible(Exception):
    """Something outside of the command line is missing or taken; the message says what. Exit status 1."""


class WrongUsage(Exception):
    """What is asked for is wrong or unsafe; the message says what to ask for instead. Exit status 2."""


@dataclass(frozen=True)
class Command:
    """One of `latticework`'s commands.

    Attributes:
        help: what it does, in a line.
        description: the same at length, above its options.
        configure: gives a parser its options.
        run: does it, and returns the exit status; `rest` of its argument has the arguments that no option claimed.
        passes_on: whether such arguments are somebody else's; where they are not, they are wrong.
    """

    help: str
    description: str
    configure: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    passes_on: bool = False


def with_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="write one JSON value instead of text")


def show(value: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """The result: as one JSON value, in ASCII, or else as lines for people."""
    if as_json:
        print(json.dumps(value))
    else:
        for line in lines:
            print(line)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def contents(file: str) -> bytes:
    """Of a file, or of standard input for "-". Raises WrongUsage."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise WrongUsage(f"{file}: {error.strerror}") from None


def known_format(option: str, name: str) -> Format:
    """The wire format of that name; `option` is where the name comes from. Raises WrongUsage."""
    from turngrammar.formats import FORMATS

    if name not in FORMATS:
        raise WrongUsage(f"{option}: unknown format {name!r}; the formats are {', '.join(sorted(FORMATS))}")
    return FORMATS[name]


def columns(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """One line per row, the cells aligned. The last column is not padded."""
    listed = list(rows)
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)), row[-1]])
        for row in listed
    ]
