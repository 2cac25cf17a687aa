"""`latticework explain`: how a server would handle each keyword of a schema or a request."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from latticework.commands import (
    DONE,
    NEGATIVE,
    Command,
    columns,
    contents,
    known_format,
    say,
    show,
    with_json,
)

if TYPE_CHECKING:
    from turngrammar.turn import Turn

DESCRIPTION = """Show how each keyword of a JSON Schema, or of the schemas of a chat request, is handled:
  enforced    by the grammar
  rewritten   enforced by the grammar, in terms of other keywords
  checked     validated on the finished answer, which is generated again until it is valid
  annotation  has no effect on validity
  refused     the server answers the request with status 400
A JSON object with tools, response_format, structured_outputs or messages is treated as a request. No model is used. The
grammar of a server differs in its special tokens, which it writes as the token ids of its model."""

REQUEST = frozenset({"messages", "response_format", "structured_outputs", "tools"})
DEFAULT_FORMAT = "hermes"

Row = tuple[str, str, str, str]
COLUMNS = ("pointer", "keyword", "status", "reason")


@dataclass(frozen=True)
class Explained:
    """The rows of the report. Where the whole is refused, the keyword at fault is the only row."""

    rows: tuple[Row, ...]
    exact: bool = False
    grammar: str | None = None
    skipped_tools: tuple[str, ...] = ()
    refused: bool = False


def add_explain_options(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="JSON; - reads standard input")
    parser.add_argument("--grammar", action="store_true", help="print the grammar, in llguidance's Lark, not the table")
    parser.add_argument(
        "--tool-format",
        metavar="FORMAT",
        default=DEFAULT_FORMAT,
        help="wire format of tool calls, for requests without tool_format (%(default)s)",
    )
    parser.add_argument(
        "--open-objects",
        action="store_true",
        help="let objects that list properties, without a keyword for others, have others",
    )
    with_json(parser)


def explain_file(given: Namespace) -> int:
    name = "standard input" if given.file == "-" else given.file
    report = explain_json(contents(given.file), name, given.tool_format, open_objects=given.open_objects)
    names = ("pointer", "keyword", "status", "reason")
    value: dict[str, Any] = {
        "exact": report.exact,
        "report": [dict(zip(names, row, strict=True)) for row in report.rows],
        "skipped_tools": report.skipped_tools,
    }
    if given.grammar:
        value["grammar"] = report.grammar
    lines = (report.grammar or "").splitlines() if given.grammar and not report.refused else columns(report.rows)
    show(value, lines, as_json=given.json)
    say(explanation_summary(report))
    return NEGATIVE if report.refused else DONE


def explain_json(text: bytes, name: str, format: str, *, open_objects: bool = False) -> Explained:
    """`name` is the name of the text in messages. Raises WrongUsage for an unknown format."""
    from latticework.errors import BadRequest
    from turngrammar.errors import GrammarError

    try:
        return _explain_turn(_turn_of_json(text, name, format, open_objects))
    except GrammarError as error:
        return _refused_row(error.pointer or "/", error.keyword, error.message)
    except BadRequest as error:
        return _refused_row(error.param or "/", "", error.message)


def _turn_of_json(text: bytes, name: str, format: str, opens: bool) -> Turn:
    """The turn of a request, or one with a schema for its content. Raises BadRequest."""
    from latticework.doors.common.validation import parse_as
    from latticework.doors.openai.ask import turn_of
    from latticework.doors.openai.types import TurnRequest
    from latticework.http.body import decode_object
    from latticework.prepare import compiler_turn
    from turngrammar.formats import FORMATS
    from turngrammar.turn import JsonContent, Turn

    default = known_format("--tool-format", format)
    value = decode_object(text, name)
    if REQUEST.isdisjoint(value):
        return Turn(default, content=JsonContent(value), open_objects=opens)
    turn = turn_of(parse_as(TurnRequest, value))
    skips = bool(turn.skips_bad_tools)
    return compiler_turn(turn, FORMATS[turn.format or format], skips_bad_tools=skips, open_objects=opens)


def _explain_turn(turn: Turn) -> Explained:
    """Raises GrammarError, as a server with its default limits would."""
    from latticework.compiling.compiler import compile_limits
    from latticework.compiling.process import compile_with_vocabulary
    from latticework.engines.vocabulary import Vocabulary
    from latticework.settings import Settings

    plan = compile_with_vocabulary(turn, Vocabulary("byte"), compile_limits(Settings())).plan
    rows = tuple((finding.pointer or "/", finding.keyword, finding.status, finding.reason) for finding in plan.report)
    return Explained(rows, plan.exact, plan.grammar, tuple(error.tool for error in plan.skipped))


def _refused_row(pointer: str, keyword: str, message: str) -> Explained:
    return Explained(((pointer, keyword, "refused", message),), refused=True)


def explanation_summary(report: Explained) -> str:
    if report.refused:
        return "Refused: a server would answer the request with status 400."
    if not report.rows and report.grammar is None:
        return "Nothing is constrained."
    decides = "the grammar enforces all of it" if report.exact else "the finished answer is validated too"
    without = f" Left out: {', '.join(report.skipped_tools)}." if report.skipped_tools else ""
    return f"{_status_counts(status for _, _, status, _ in report.rows)}: {decides}.{without}"


def _status_counts(statuses: Iterable[str]) -> str:
    return ", ".join(f"{count} {status}" for status, count in Counter(statuses).most_common()) or "No keywords"


EXPLAIN = Command("show how each keyword of a schema is handled", DESCRIPTION, add_explain_options, explain_file)
