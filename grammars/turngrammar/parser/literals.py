"""Reading arguments in a notation of its own, as JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from turngrammar import wire
from turngrammar.lowered import ANY_TYPES, STRING_ONLY
from turngrammar.notation import Notation
from turngrammar.parser.cursor import MOST_SPACE, SPACE, Mismatch, Steps, Truncated
from turngrammar.parser.members import MOST_KEY, as_json, json_inner, string
from turngrammar.scan import load

if TYPE_CHECKING:
    from turngrammar.parser.parser import Parser

MOST_DEPTH = 100
MOST_WORD = 500
WORD_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-."
_QUOTES = "\"'"  # Python's, whichever the notation writes
_CLOSES = {"[": "]", "{": "}"}
_PLAIN = {quote: re.compile(rf"[^\\{quote}]+") for quote in "\"'"}
_ESCAPE_LENGTHS = {"u": len("\\u0000"), "x": len("\\x00")}
_HEX = re.compile("[0-9A-Fa-f]+")


def spelled(parser: Parser, node: wire.NotationArguments) -> Steps[None]:
    """Arguments up to the bracket that closes them, which is left to read."""
    notation = node.notation
    parser.member = 0
    while (yield from _next(parser)) not in ")}":
        name = yield from _name(parser, notation, notation.pair)
        parser.begin_member(name)
        yield from _value(parser, notation, MOST_DEPTH)
        yield from _comma(parser, ")}")
    parser.tell_arguments("}" if parser.member else "{}")


def value(parser: Parser, notation: Notation) -> Steps[None]:
    """One value."""
    yield from _value(parser, notation, MOST_DEPTH)


def _next(parser: Parser) -> Steps[str]:
    """The next character that is not whitespace."""
    yield from parser.cursor.skip(SPACE, MOST_SPACE)
    if not (yield from parser.cursor.more()):
        raise Truncated
    return parser.cursor.text[parser.cursor.at]


def _comma(parser: Parser, closes: str) -> Steps[bool]:
    """Reads a comma, unless a closing bracket comes; whether there was one."""
    character = yield from _next(parser)
    if character in closes:
        return False
    yield from parser.cursor.expect(",")
    return True


def _value(parser: Parser, notation: Notation, depth: int) -> Steps[None]:
    opening = yield from _next(parser)
    if opening in _CLOSES:
        if not depth:
            raise Mismatch(f"more than {MOST_DEPTH} brackets within each other")
        yield from _container(parser, notation, opening, depth)
    elif opening in (_QUOTES if notation.escapes else notation.quote[0]):
        yield from _string(parser, notation, opening)
    else:
        word = yield from parser.cursor.run(WORD_CHARACTERS, MOST_WORD)
        if not (yield from parser.cursor.more()):
            raise Truncated  # who knows whether the number is whole
        parser.tell_arguments(as_json(word, ANY_TYPES - STRING_ONLY))


def _container(parser: Parser, notation: Notation, opening: str, depth: int) -> Steps[None]:
    parser.cursor.at += 1
    parser.tell_arguments(opening)
    close = _CLOSES[opening]
    more = (yield from _next(parser)) != close
    while more:
        if opening == "{":
            yield from _key(parser, notation)
        yield from _value(parser, notation, depth - 1)
        more = (yield from _comma(parser, close)) and (yield from _next(parser)) != close
        if more:
            parser.tell_arguments(", ")
    parser.cursor.at += 1
    parser.tell_arguments(close)


def _key(parser: Parser, notation: Notation) -> Steps[None]:
    opening = yield from _next(parser)
    if notation.bare_keys:
        name = yield from _name(parser, notation, notation.colon)
        parser.tell_arguments(json.dumps(name, ensure_ascii=False))
    else:
        yield from _string(parser, notation, opening)
        yield from parser.cursor.skip(SPACE, MOST_SPACE)
        yield from parser.cursor.expect(notation.colon.strip())
    parser.tell_arguments(": ")


def _name(parser: Parser, notation: Notation, end: str) -> Steps[str]:
    """A name without quotes, or with them where it needs some, and what ends it."""
    cursor = parser.cursor
    if (yield from parser.attempt(cursor.expect(notation.quote))) is not None:
        return (yield from cursor.up_to(end, MOST_KEY))
    name = yield from cursor.up_to(notation.quote + end, MOST_KEY)
    return unquoted(name) if notation.escapes else name


def _string(parser: Parser, notation: Notation, opening: str) -> Steps[None]:
    if notation.escapes:
        yield from parser.cursor.expect(opening)
        yield from _escaped_string(parser, opening)
    else:
        yield from parser.cursor.expect(notation.quote)
        yield from string(parser, notation.quote)


def _escaped_string(parser: Parser, quote: str) -> Steps[None]:
    """The rest of a string with Python's escapes."""
    cursor = parser.cursor
    parser.tell_arguments('"')
    while (yield from cursor.more()):
        character = cursor.text[cursor.at]
        if character == quote:
            cursor.at += 1
            parser.tell_arguments('"')
            return
        if character == "\\":
            yield from _escape(parser)
        elif match := _PLAIN[quote].match(cursor.text, cursor.at):
            cursor.at = match.end()
            parser.tell_arguments(json_inner(match[0]))
    raise Truncated


def _escape(parser: Parser) -> Steps[None]:
    cursor = parser.cursor
    yield from cursor.wait(2)
    length = _ESCAPE_LENGTHS.get(cursor.text[cursor.at + 1], 2)
    yield from cursor.wait(length)
    parser.tell_arguments(_json_escape(cursor.take(cursor.at + length)))


def _json_escape(escape: str) -> str:
    """The same character in a JSON string; what Python knows no escape for, it takes as it stands."""
    kind, digits = escape[1], escape[2:]
    if kind in '"\\/bfnrt':
        return escape
    if kind in _ESCAPE_LENGTHS and _HEX.fullmatch(digits):
        return f"\\u{digits:0>4}"
    return "'" if kind == "'" else json_inner(escape)


def unquoted(text: str) -> str:
    """What the inside of a JSON string says; itself where it is none."""
    try:
        return str(load(f'"{text}"'))
    except ValueError:
        return text
