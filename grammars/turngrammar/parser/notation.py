"""Reading arguments in a notation other than JSON, as JSON."""

from __future__ import annotations

import re

from turngrammar import wire
from turngrammar.lowered import ANY_TYPES, STRING_ONLY
from turngrammar.notation import Notation
from turngrammar.parser.cursor import MAX_SPACE, SPACE, Mismatch, Steps, TextEnded
from turngrammar.parser.reader import MAX_KEY, TurnReader
from turngrammar.parser.scalars import json_string_body, read_string, word_as_json
from turngrammar.scan import dump_scalar, load_json

MAX_DEPTH = 100
MAX_WORD = 500
WORD_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-."
_QUOTES = "\"'"  # Python's, whichever the notation writes
_CLOSES = {"[": "]", "{": "}"}
_PLAIN = {quote: re.compile(rf"[^\\{quote}]+") for quote in "\"'"}
_ESCAPE_LENGTHS = {"u": len("\\u0000"), "x": len("\\x00")}
_HEX = re.compile("[0-9A-Fa-f]+")


def read_notation_arguments(reader: TurnReader, node: wire.NotationArguments) -> Steps[None]:
    """Arguments up to the bracket that closes them, which is left to read."""
    notation = node.notation
    reader.member = 0
    while (yield from _next_character(reader)) not in ")}":
        name = yield from _read_name(reader, notation, notation.pair)
        reader.begin_member(name)
        yield from _read_value(reader, notation, MAX_DEPTH)
        yield from _read_comma(reader, ")}")
    reader.report_arguments("}" if reader.member else "{}")


def read_notation(reader: TurnReader, notation: Notation) -> Steps[None]:
    """One value, as JSON."""
    yield from _read_value(reader, notation, MAX_DEPTH)


def _next_character(reader: TurnReader) -> Steps[str]:
    """The next character that is not whitespace."""
    yield from reader.cursor.skip(SPACE, MAX_SPACE)
    if not (yield from reader.cursor.more()):
        raise TextEnded
    return reader.cursor.text[reader.cursor.at]


def _read_comma(reader: TurnReader, closes: str) -> Steps[bool]:
    """Reads a comma, unless a closing bracket comes; whether there was one."""
    character = yield from _next_character(reader)
    if character in closes:
        return False
    yield from reader.cursor.expect(",")
    return True


def _read_value(reader: TurnReader, notation: Notation, depth: int) -> Steps[None]:
    opening = yield from _next_character(reader)
    if opening in _CLOSES:
        if not depth:
            raise Mismatch(f"more than {MAX_DEPTH} nested brackets")
        yield from _read_brackets(reader, notation, opening, depth)
    elif opening in (_QUOTES if notation.escapes else notation.quote[0]):
        yield from _read_string(reader, notation, opening)
    else:
        word = yield from reader.cursor.run(WORD_CHARACTERS, MAX_WORD)
        if not (yield from reader.cursor.more()):
            raise TextEnded  # the number may not be whole
        reader.report_arguments(word_as_json(word, ANY_TYPES - STRING_ONLY))


def _read_brackets(reader: TurnReader, notation: Notation, opening: str, depth: int) -> Steps[None]:
    reader.cursor.at += 1
    reader.report_arguments(opening)
    close = _CLOSES[opening]
    more = (yield from _next_character(reader)) != close
    while more:
        if opening == "{":
            yield from _read_key(reader, notation)
        yield from _read_value(reader, notation, depth - 1)
        more = (yield from _read_comma(reader, close)) and (yield from _next_character(reader)) != close
        if more:
            reader.report_arguments(", ")
    reader.cursor.at += 1
    reader.report_arguments(close)


def _read_key(reader: TurnReader, notation: Notation) -> Steps[None]:
    opening = yield from _next_character(reader)
    if notation.bare_keys:
        name = yield from _read_name(reader, notation, notation.colon)
        reader.report_arguments(dump_scalar(name))
    else:
        yield from _read_string(reader, notation, opening)
        yield from reader.cursor.skip(SPACE, MAX_SPACE)
        yield from reader.cursor.expect(notation.colon.strip())
    reader.report_arguments(": ")


def _read_name(reader: TurnReader, notation: Notation, end: str) -> Steps[str]:
    """A name, in quotes where it needs some, and what ends it."""
    cursor = reader.cursor
    if (yield from reader.attempt(cursor.expect(notation.quote))) is not None:
        return (yield from cursor.up_to(end, MAX_KEY))
    name = yield from cursor.up_to(notation.quote + end, MAX_KEY)
    return _unescaped(name) if notation.escapes else name


def _read_string(reader: TurnReader, notation: Notation, opening: str) -> Steps[None]:
    if notation.escapes:
        yield from reader.cursor.expect(opening)
        yield from _read_escaped_string(reader, opening)
    else:
        yield from reader.cursor.expect(notation.quote)
        yield from read_string(reader, notation.quote)


def _read_escaped_string(reader: TurnReader, quote: str) -> Steps[None]:
    """The rest of a string with Python's escapes."""
    cursor = reader.cursor
    reader.report_arguments('"')
    while (yield from cursor.more()):
        character = cursor.text[cursor.at]
        if character == quote:
            cursor.at += 1
            reader.report_arguments('"')
            return
        if character == "\\":
            yield from _read_escape(reader)
        elif match := _PLAIN[quote].match(cursor.text, cursor.at):
            cursor.at = match.end()
            reader.report_arguments(json_string_body(match[0]))
    raise TextEnded


def _read_escape(reader: TurnReader) -> Steps[None]:
    cursor = reader.cursor
    yield from cursor.wait(2)
    length = _ESCAPE_LENGTHS.get(cursor.text[cursor.at + 1], 2)
    yield from cursor.wait(length)
    reader.report_arguments(_escape_as_json(cursor.take(cursor.at + length)))


def _escape_as_json(escape: str) -> str:
    """The same character in a JSON string. As in Python, an unknown escape is literal text."""
    kind, digits = escape[1], escape[2:]
    if kind in '"\\/bfnrt':
        return escape
    if kind in _ESCAPE_LENGTHS and _HEX.fullmatch(digits):
        return f"\\u{digits:0>4}"
    return "'" if kind == "'" else json_string_body(escape)


def _unescaped(text: str) -> str:
    """The text of the body of a JSON string; the body itself where it is invalid."""
    try:
        return str(load_json(f'"{text}"'))
    except ValueError:
        return text
