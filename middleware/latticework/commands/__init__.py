"""The commands of `latticework`: what they have in common. `latticework.cli` is the table of them.

Results go to standard output, everything else to standard error. The modules of commands import heavy packages inside
functions, so that `--help` and light commands are fast.
"""

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

DONE, FAILED, MISUSED, NEGATIVE = range(4)

STATUSES = """exit status:
  0  success
  1  a package, an address or a server that the command needs is missing, in use or unreachable
  2  invalid usage: an option, a variable, a setting, or a file that can't be read
  3  success with a negative result: a refused schema, a model that fails its checks, an unhealthy server,
     a batch with failed requests
"""


class CommandFailed(Exception):
    """Something that the command needs is missing or in use; the message names it. Exit status 1."""


class WrongUsage(Exception):
    """The usage is invalid or unsafe; the message has the fix. Exit status 2."""


@dataclass(frozen=True)
class Command:
    """One of `latticework`'s commands.

    Attributes:
        help: one line, for the list of commands.
        description: shown above its options.
        configure: adds its options to a parser.
        run: returns the exit status; `rest` of its argument has the words that no option took.
        passes_on: whether such words are passed to an engine; otherwise they are an error.
    """

    help: str
    description: str
    configure: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    passes_on: bool = False


def with_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON value instead of text")


def show(value: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Prints a result as one JSON value, in ASCII, or as lines of text."""
    if as_json:
        print(json.dumps(value))
    else:
        for line in lines:
            print(line)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def contents(file: str) -> bytes:
    """The bytes of a file, or of standard input for "-". Raises WrongUsage."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise WrongUsage(f"{file}: {error.strerror}") from None


def known_format(option: str, name: str) -> Format:
    """The wire format of that name, which was given by `option`. Raises WrongUsage."""
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
