"""`latticework explain`: what a server would make of a schema or a request, keyword by keyword."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from latticework.commands.command import (
    DONE,
    FOUND,
    Command,
    columns,
    contents,
    known_format,
    say,
    show,
    with_json,
)

if TYPE_CHECKING:
    from turngrammar.plan import Plan
    from turngrammar.turn import Turn

DESCRIPTION = """Tell what becomes of each keyword of a JSON Schema, or of the schemas of a chat request:
  enforced    the grammar generates nothing else
  rewritten   the same, told in other keywords
  checked     on the finished answer, which is generated again until it fits
  annotation  it asserts nothing
  refused     the request would be answered with status 400
What has tools, response_format, structured_outputs or messages is a request. No model is needed, and none is asked: a
server knows its model's vocabulary too, and spells special tokens by their numbers."""

REQUEST = frozenset({"messages", "response_format", "structured_outputs", "tools"})
DEFAULT_FORMAT = "hermes"

Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Explained:
    """What was found. Where something is refused, that is the only row and there is no grammar."""

    rows: tuple[Row, ...]
    exact: bool = False
    grammar: str | None = None

    @property
    def refused(self) -> bool:
        return any(status == "refused" for _, _, status, _ in self.rows)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="JSON; - is standard input")
    parser.add_argument("--grammar", action="store_true", help="write the grammar, llguidance's Lark, and no table")
    parser.add_argument(
        "--tool-format",
        metavar="FORMAT",
        default=DEFAULT_FORMAT,
        help="how the model writes tool calls, where the request does not say (%(default)s); see latticework formats",
    )
    with_json(parser)


def _run(given: Namespace) -> int:
    name = "standard input" if given.file == "-" else given.file
    found = explained(contents(given.file), name, given.tool_format)
    names = ("pointer", "keyword", "status", "reason")
    value: dict[str, Any] = {"exact": found.exact, "report": [dict(zip(names, row, strict=True)) for row in found.rows]}
    if given.grammar:
        value["grammar"] = found.grammar
    lines = (found.grammar or "").splitlines() if given.grammar and not found.refused else columns(found.rows)
    show(value, lines, as_json=given.json)
    say(_summary(found))
    return FOUND if found.refused else DONE


def explained(text: bytes, name: str, format: str) -> Explained:
    """`name` is what the text is called in messages. Raises WrongUsage for a format that is none."""
    from latticework.errors import BadRequest
    from turngrammar.errors import GrammarError

    try:
        return _compiled(_turn(text, name, format))
    except GrammarError as error:
        return _refused(error.pointer or "/", error.keyword, error.message)
    except BadRequest as error:
        return _refused(error.param or "/", "", error.message)


def _turn(text: bytes, name: str, format: str) -> Turn:
    """A request's turn, or one whose content fits the schema. Raises BadRequest."""
    from latticework.doors.openai.tools import turn_of
    from latticework.doors.openai.types import TurnRequest
    from latticework.doors.openai.validation import parse_as
    from latticework.http.body import decode_object
    from latticework.turn.prepare import compiler_turn
    from turngrammar.formats import FORMATS
    from turngrammar.turn import JsonContent, Turn

    default = known_format("--tool-format", format)
    value = decode_object(text, name)
    if REQUEST.isdisjoint(value):
        return Turn(default, content=JsonContent(value))
    turn = turn_of(parse_as(TurnRequest, value))
    return compiler_turn(turn, FORMATS[turn.format or format])


def _compiled(turn: Turn) -> Explained:
    """Raises GrammarError, as a server with its default limits would."""
    from turngrammar import limits
    from turngrammar.plan import compile_turn

    limits.check(turn)
    plan = compile_turn(turn)
    if error := _error(plan):
        return _refused("/", "", error)
    rows = tuple((finding.pointer or "/", finding.keyword, finding.status, finding.reason) for finding in plan.report)
    return Explained(rows, plan.exact, plan.grammar)


def _error(plan: Plan) -> str:
    """llguidance's own, or ""."""
    from turngrammar.schema.audit import Acceptor

    return Acceptor(plan.grammar).error if plan.grammar else ""


def _refused(pointer: str, keyword: str, message: str) -> Explained:
    return Explained(((pointer, keyword, "refused", message),))


def _summary(found: Explained) -> str:
    if found.refused:
        return "Refused: the request would be answered with status 400."
    if not found.rows and found.grammar is None:
        return "Nothing is constrained."
    decides = "the grammar alone decides" if found.exact else "the finished answer is checked too"
    return f"{_counts(status for _, _, status, _ in found.rows)}: {decides}."


def _counts(statuses: Iterable[str]) -> str:
    return ", ".join(f"{count} {status}" for status, count in Counter(statuses).most_common()) or "No keywords"


COMMAND = Command("tell what becomes of each keyword of a schema or request", DESCRIPTION, _options, _run)
