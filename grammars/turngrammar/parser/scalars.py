"""Reading scalars and strings without quotes, as JSON."""

from __future__ import annotations

import re

from turngrammar.events import Event
from turngrammar.notation import WORDS
from turngrammar.parser.cursor import Cursor, Steps, TextEnded, stops
from turngrammar.parser.reader import TurnReader
from turngrammar.scan import dump_scalar

MAX_SCALAR = 500
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SCALAR = re.compile(r"[A-Za-z0-9+.-]*")


def read_string(reader: TurnReader, end: str) -> Steps[None]:
    """Text up to the literal `end`, as a JSON string."""

    def escaped(text: str) -> Event:
        return reader.argument_delta(json_string_body(text))

    reader.report_arguments('"')
    if (yield from reader.report_text(escaped, stops(end), False)) is None:
        raise TextEnded
    yield from reader.cursor.expect(end)
    reader.report_arguments('"')


def read_scalar_or_string(reader: TurnReader, end: str, types: frozenset[str]) -> Steps[None]:
    """Decides as early as possible: a scalar with more text behind it is a string."""
    cursor = reader.cursor
    while _undecided(cursor, end_of_word := _end_of_word(cursor), end):
        if cursor.ended:
            raise TextEnded
        yield
    if not cursor.text.startswith(end, end_of_word):
        yield from read_string(reader, end)
        return
    literal = word_as_json(cursor.text[cursor.at : end_of_word], types)
    cursor.at = end_of_word + len(end)
    reader.report_arguments(literal)


def _end_of_word(cursor: Cursor) -> int:
    match = _SCALAR.match(cursor.text, cursor.at)
    return match.end() if match else cursor.at


def _undecided(cursor: Cursor, end_of_word: int, end: str) -> bool:
    rest = cursor.text[end_of_word : end_of_word + len(end)]
    return rest != end and end.startswith(rest) and end_of_word - cursor.at <= MAX_SCALAR


def word_as_json(word: str, types: frozenset[str]) -> str:
    """A word without quotes as JSON: a value of another type where one is allowed, else a string."""
    kind, literal = WORDS.get(word, ("number", word) if _NUMBER.fullmatch(word) else ("string", word))
    if kind != "string" and (kind in types or "string" not in types):
        return literal
    return dump_scalar(word)


def json_string_body(text: str) -> str:
    """A piece of a JSON string."""
    return dump_scalar(text)[1:-1]
