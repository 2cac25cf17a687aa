"""`python -m turngrammar COMMAND`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping

from turngrammar.cli import COMMANDS as WIRE_COMMANDS
from turngrammar.schema.cli import COMMANDS as SCHEMA_COMMANDS
from turngrammar.schema.cli import Command

COMMANDS: Mapping[str, Command] = {**SCHEMA_COMMANDS, **WIRE_COMMANDS}


def main() -> int:
    parser = ArgumentParser(prog="python -m turngrammar")
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        command.configure(subparsers.add_parser(name, help=command.run.__doc__))
    arguments = parser.parse_args()
    return COMMANDS[arguments.command].run(arguments)


if __name__ == "__main__":
    sys.exit(main())
