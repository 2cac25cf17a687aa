"""The command `latticework`: a table of commands, and how each of them ends."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence

from latticework.commands import bench, calls, check, check_model, explain, formats, models, serve
from latticework.commands.command import DONE, IMPOSSIBLE, STATUSES, Command, Impossible, WrongUsage, say
from latticework.settings import InvalidSetting
from latticework.version import VERSION

DESCRIPTION = "Structured output and tool calls that are right by construction, for any open model."

COMMANDS: Mapping[str, Command] = {
    "serve": serve.COMMAND,
    "explain": explain.COMMAND,
    "check": check.CHECK,
    "formats": formats.COMMAND,
    "parse": calls.PARSE,
    "render": calls.RENDER,
    "models": models.COMMAND,
    "check-model": check_model.COMMAND,
    "bench": bench.COMMAND,
}

# What a shell says of a process that Ctrl-C ended.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status, see STATUSES; wrong usage exits by itself."""
    parser, parsers = _parsers()
    given, rest = parser.parse_known_args(arguments)
    given.rest = rest
    command, own = COMMANDS[given.command], parsers[given.command]
    if rest and not command.passes_on:
        own.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return _run(command, given)
    except (WrongUsage, InvalidSetting) as error:
        own.error(str(error))
    except Impossible as error:
        say(f"{own.prog}: {error}")
        return IMPOSSIBLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _parsers() -> tuple[ArgumentParser, Mapping[str, ArgumentParser]]:
    """The parser, and that of each command."""
    parser = _described(ArgumentParser("latticework", description=DESCRIPTION))
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    added = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    parsers = {}
    for name, command in COMMANDS.items():
        own = added.add_parser(name, help=command.help, description=command.description, allow_abbrev=False)
        command.configure(own)
        parsers[name] = _described(own)
    return parser, parsers


def _described(parser: ArgumentParser) -> ArgumentParser:
    """Its description as it is written, and the table of statuses below its options."""
    parser.epilog = STATUSES
    parser.formatter_class = RawDescriptionHelpFormatter
    return parser


def _run(command: Command, given: Namespace) -> int:
    """Whoever reads the output may have read enough (`| head`): that is no failure."""
    try:
        status = command.run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return DONE
    return status
