"""Reading JSON values: passed on as they arrive and as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turngrammar import wire
from turngrammar.events import ContentDelta
from turngrammar.parser.cursor import MOST_SPACE, SPACE, Mismatch, Sink, Steps, Truncated
from turngrammar.scan import JsonScanner

if TYPE_CHECKING:
    from turngrammar.parser.parser import Parser

_SCALAR = "+-.0123456789abcdefghijklmnopqrstuvwxyzE"


def arguments(parser: Parser, node: wire.Arguments) -> Steps[None]:
    yield from _opening(parser, "{")
    yield from container(parser, parser.argument)


def document(parser: Parser, node: wire.Document) -> Steps[None]:
    yield from parser.cursor.skip(SPACE, MOST_SPACE)
    opening = yield from _opening(parser, '{["' + _SCALAR)
    yield from (_scalar if opening in _SCALAR else container)(parser, ContentDelta)


def _opening(parser: Parser, characters: str) -> Steps[str]:
    """The next character, which is left to read."""
    cursor = parser.cursor
    if not (yield from cursor.more()):
        raise Truncated
    if cursor.text[cursor.at] not in characters:
        raise Mismatch(f"expected one of {characters!r}")
    return cursor.text[cursor.at]


def container(parser: Parser, sink: Sink) -> Steps[None]:
    """One object, array or string."""
    cursor, scanner = parser.cursor, JsonScanner()
    while True:
        if cursor.at < len(cursor.text):
            end = scanner.end(cursor.text, cursor.at)
            cursor.tell(sink, len(cursor.text) if end is None else end)
            if end is not None:
                return
        if cursor.ended:
            raise Truncated
        yield


def _scalar(parser: Parser, sink: Sink) -> Steps[None]:
    """A number, true, false or null."""
    cursor = parser.cursor
    while (yield from cursor.more()) and cursor.text[cursor.at] in _SCALAR:
        cursor.tell(sink, _after_run(cursor.text, cursor.at))


def _after_run(text: str, start: int) -> int:
    return next((index for index in range(start, len(text)) if text[index] not in _SCALAR), len(text))
