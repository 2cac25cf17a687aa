"""`python -m turngrammar formats`, `parse --format NAME` and `render --format NAME`: a table of subcommands."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from msgspec.structs import asdict

from turngrammar.docs import documented
from turngrammar.events import Event
from turngrammar.formats import FORMATS, Format
from turngrammar.parser import Parser
from turngrammar.plan import compile_turn
from turngrammar.render import Call, render
from turngrammar.schema.cli import Command
from turngrammar.turn import ANY_OBJECT, Reasoning, Tool, Turn
from turngrammar.turn_tree import anything, turn_tree

_PIECE = 4096  # characters read at once


def formats(arguments: Namespace) -> int:
    """List the wire formats, each with a call."""
    for name, doc in documented().items():
        print(f"{name}\n    " + doc.sample.replace("\n", "\n    "))
    return 0


def parse(arguments: Namespace) -> int:
    """Read a turn on standard input, print its events as JSON lines."""
    parser = _parser(FORMATS[arguments.format], arguments.tools, arguments.reasoning)
    while piece := sys.stdin.read(_PIECE):
        _print(parser.feed(piece))
    _print(parser.close())
    return 0


def render_calls(arguments: Namespace) -> int:
    """Read calls as JSON lines on standard input, print their text."""
    calls = [_call(json.loads(line)) for line in sys.stdin if line.strip()]
    sys.stdout.write(render(FORMATS[arguments.format], calls))
    return 0


def _parser(format: Format, tools: Path | None, reasoning: Reasoning) -> Parser:
    if tools is None:
        tree = turn_tree(format, format.calls, "auto", None, reasoning)
        return Parser(tree, anything(format, format.calls), {})
    functions = [tool.get("function", tool) for tool in json.loads(tools.read_text(encoding="utf-8"))]
    offered = tuple(Tool(one["name"], parameters=one.get("parameters") or ANY_OBJECT) for one in functions)
    return compile_turn(Turn(format, offered, reasoning=reasoning)).parser()


def _call(line: Mapping[str, Any]) -> Call:
    arguments = line.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return Call(line["name"], text, line.get("id"))


def _print(events: list[Event]) -> None:
    for event in events:
        print(json.dumps({"event": type(event).__name__, **asdict(event)}, ensure_ascii=False), flush=True)


def _no_arguments(parser: ArgumentParser) -> None:
    """The command has none."""


def _with_format(parser: ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, required=True)


def _with_turn(parser: ArgumentParser) -> None:
    _with_format(parser)
    parser.add_argument("--tools", type=Path, help="JSON: the tools of the turn as OpenAI's API has them")
    parser.add_argument(
        "--reasoning", choices=get_args(Reasoning), default="off", help="open: by the prompt; may: by the model"
    )


COMMANDS: Mapping[str, Command] = {
    "formats": Command(_no_arguments, formats),
    "parse": Command(_with_turn, parse),
    "render": Command(_with_format, render_calls),
}
