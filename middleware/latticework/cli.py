"""The command `latticework`: the table of its commands, and their exit statuses."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence

from latticework.commands import DONE, FAILED, MISUSED, STATUSES, Command, CommandFailed, WrongUsage, say
from latticework.commands.batch import BATCH
from latticework.commands.bench import BENCH
from latticework.commands.calls import PARSE, RENDER
from latticework.commands.check import CHECK
from latticework.commands.check_model import CHECK_MODEL
from latticework.commands.explain import EXPLAIN
from latticework.commands.formats import LIST_FORMATS
from latticework.commands.models import LIST_MODELS
from latticework.commands.serve import SERVE
from latticework.options import InvalidSetting
from latticework.version import VERSION

DESCRIPTION = "Structured output and tool calls that are right by construction, for any open model."

COMMANDS: Mapping[str, Command] = {
    "serve": SERVE,
    "batch": BATCH,
    "explain": EXPLAIN,
    "check": CHECK,
    "formats": LIST_FORMATS,
    "parse": PARSE,
    "render": RENDER,
    "models": LIST_MODELS,
    "check-model": CHECK_MODEL,
    "bench": BENCH,
}

# The exit status that shells give to a process that Ctrl-C ended.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status, see STATUSES; wrong usage exits by itself."""
    parser, parsers = command_parsers()
    given, rest = parser.parse_known_args(arguments)
    given.rest = rest
    command, own = COMMANDS[given.command], parsers[given.command]
    if rest and not command.passes_on:
        own.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return _run_flushed(command, given)
    except (WrongUsage, InvalidSetting) as error:
        own.exit(MISUSED, f"{own.prog}: error: {error}\n")  # not `error`, which prints a page of options first
    except CommandFailed as error:
        say(f"{own.prog}: {error}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def command_parsers() -> tuple[ArgumentParser, Mapping[str, ArgumentParser]]:
    """The parser of the command line, and the parser of each command."""
    parser = _with_statuses(ArgumentParser("latticework", description=DESCRIPTION))
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    added = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    parsers = {}
    for name, command in COMMANDS.items():
        own = added.add_parser(name, help=command.help, description=command.description, allow_abbrev=False)
        command.configure(own)
        parsers[name] = _with_statuses(own)
    return parser, parsers


def _with_statuses(parser: ArgumentParser) -> ArgumentParser:
    """Keeps the line breaks of its description, and lists the exit statuses below its options."""
    parser.epilog = STATUSES
    parser.formatter_class = RawDescriptionHelpFormatter
    return parser


def _run_flushed(command: Command, given: Namespace) -> int:
    """A reader that closes the output early (`| head`) is not a failure."""
    try:
        status = command.run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return DONE
    return status
