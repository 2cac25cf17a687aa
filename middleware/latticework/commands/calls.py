"""`latticework parse` and `latticework render`: a model's text to events, and tool calls to a model's text."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from latticework.commands import DONE, NEGATIVE, Command, WrongUsage, contents, known_format, say

if TYPE_CHECKING:
    from turngrammar.events import Event
    from turngrammar.parser import Parser
    from turngrammar.render import Call
    from turngrammar.turn import Tool

PARSE_DESCRIPTION = """Read the text of one assistant turn from standard input and print its events, one JSON object per
line: those that a server turns into content, reasoning_content and tool_calls."""

RENDER_DESCRIPTION = """Read tool calls from standard input, one JSON object per line, and print the text with which a
model makes them:

  {"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "optional"}

`arguments` may also be a string of JSON."""

READ_AT_ONCE = 4096  # characters
REASONING = ("off", "may", "open", "closed", "answer")  # turngrammar.turn.Reasoning, which is slow to import


def add_parse_options(parser: ArgumentParser) -> None:
    add_render_options(parser)
    parser.add_argument(
        "--tools", metavar="FILE", help="the tools of the turn, a JSON array in OpenAI's notation; any tool by default"
    )
    parser.add_argument(
        "--reasoning",
        choices=REASONING,
        default="off",
        help="where the prompt ends: off, no reasoning follows; may, before it; open, within it; closed, after it; "
        "answer, within the frame of the answer (%(default)s)",
    )


def add_render_options(parser: ArgumentParser) -> None:
    parser.add_argument("--format", required=True, metavar="NAME", help="a format that `latticework formats` lists")


def parse_turn(given: Namespace) -> int:
    from turngrammar.errors import GrammarError

    try:
        parser = _turn_parser(given.format, given.tools, given.reasoning)
    except GrammarError as error:
        say(f"{given.tools}: {error}")
        return NEGATIVE
    while text := sys.stdin.read(READ_AT_ONCE):
        _print_events(parser.feed(text))
    _print_events(parser.close())
    return DONE


def render_calls(given: Namespace) -> int:
    from turngrammar.render import render

    format = known_format("--format", given.format)
    calls = [_call_of_line(number, line) for number, line in enumerate(sys.stdin, 1) if line.strip()]
    sys.stdout.write(render(format, calls))
    return DONE


def _turn_parser(name: str, tools: str | None, reasoning: Any) -> Parser:
    """Raises GrammarError for tools that don't compile."""
    from turngrammar.parser import Parser
    from turngrammar.plan import compile_turn
    from turngrammar.turn import Turn
    from turngrammar.turn_tree import recovery_tree, turn_tree

    format = known_format("--format", name)
    if reasoning == "answer" and format.answer is None:
        raise WrongUsage(f"--reasoning answer: {name} has no frame around its answers")
    if tools is None:
        tree = turn_tree(format, format.calls, "auto", None, reasoning)
        return Parser(tree, recovery_tree(format, format.calls), {})
    return compile_turn(Turn(format, _offered_tools(tools), reasoning=reasoning)).parser()


def _offered_tools(file: str) -> tuple[Tool, ...]:
    """Raises WrongUsage."""
    from turngrammar.turn import ANY_OBJECT, Tool

    try:
        functions = [tool.get("function", tool) for tool in json.loads(contents(file))]
        return tuple(Tool(tool["name"], parameters=tool.get("parameters") or ANY_OBJECT) for tool in functions)
    except (ValueError, LookupError, TypeError, AttributeError):
        raise WrongUsage(f"{file}: must be a JSON array of tools in OpenAI's notation") from None


def _call_of_line(number: int, line: str) -> Call:
    """Raises WrongUsage."""
    from turngrammar.render import Call

    try:
        call = json.loads(line)
        name, arguments = call["name"], call.get("arguments", {})
    except (ValueError, LookupError, TypeError, AttributeError):
        raise WrongUsage(f"line {number} must be a JSON object with name and arguments") from None
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return Call(name, text, call.get("id"))


def _print_events(events: Iterable[Event]) -> None:
    from msgspec.structs import asdict

    for event in events:
        print(json.dumps({"event": type(event).__name__, **asdict(event)}, ensure_ascii=False), flush=True)


PARSE = Command("turn a model's text into events", PARSE_DESCRIPTION, add_parse_options, parse_turn)
RENDER = Command("turn tool calls into a model's text", RENDER_DESCRIPTION, add_render_options, render_calls)
