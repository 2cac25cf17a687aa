"""Reading JSON values: passed on as they arrive, unchanged."""

from __future__ import annotations

from turngrammar import wire
from turngrammar.events import ContentDelta
from turngrammar.parser.cursor import MAX_SPACE, SPACE, Mismatch, Sink, Steps, TextEnded
from turngrammar.parser.reader import TurnReader
from turngrammar.scan import JsonScanner

_SCALAR_CHARACTERS = "+-.0123456789abcdefghijklmnopqrstuvwxyzE"


def read_arguments(reader: TurnReader, node: wire.JsonArguments) -> Steps[None]:
    yield from _opening(reader, "{")
    yield from read_container(reader, reader.argument_delta)


def read_document(reader: TurnReader, node: wire.Document) -> Steps[None]:
    yield from reader.cursor.skip(SPACE, MAX_SPACE)
    opening = yield from _opening(reader, '{["' + _SCALAR_CHARACTERS)
    yield from (_scalar if opening in _SCALAR_CHARACTERS else read_container)(reader, ContentDelta)


def _opening(reader: TurnReader, characters: str) -> Steps[str]:
    """The next character, which is left to read."""
    cursor = reader.cursor
    if not (yield from cursor.more()):
        raise TextEnded
    if cursor.text[cursor.at] not in characters:
        raise Mismatch(f"expected one of {characters!r}")
    return cursor.text[cursor.at]


def read_container(reader: TurnReader, sink: Sink) -> Steps[None]:
    """One object, array or string."""
    cursor, scanner = reader.cursor, JsonScanner()
    while True:
        if cursor.at < len(cursor.text):
            end = scanner.end(cursor.text, cursor.at)
            cursor.report(sink, len(cursor.text) if end is None else end)
            if end is not None:
                return
        if cursor.ended:
            raise TextEnded
        yield


def _scalar(reader: TurnReader, sink: Sink) -> Steps[None]:
    """A number, true, false or null."""
    cursor = reader.cursor
    while (yield from cursor.more()) and cursor.text[cursor.at] in _SCALAR_CHARACTERS:
        cursor.report(sink, _after_run(cursor.text, cursor.at))


def _after_run(text: str, start: int) -> int:
    return next((index for index in range(start, len(text)) if text[index] not in _SCALAR_CHARACTERS), len(text))
