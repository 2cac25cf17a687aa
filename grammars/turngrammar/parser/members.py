"""Reading arguments that are spelled one by one: markup around each, strings without quotes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from turngrammar import wire
from turngrammar.events import Event
from turngrammar.lowered import ANY_TYPES, STRING_ONLY
from turngrammar.notation import WORDS
from turngrammar.parser.cursor import MOST_SPACE, SPACE, Cursor, Mismatch, Steps, Truncated
from turngrammar.parser.json_values import container
from turngrammar.parser.stops import stops

if TYPE_CHECKING:
    from turngrammar.parser.parser import Parser

MOST_KEY = 1000
MOST_SCALAR = 500
MOST_TYPE = 20
LETTERS = "abcdefghijklmnopqrstuvwxyz"
CONTAINERS = {"{": "object", "[": "array"}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SCALAR = re.compile(r"[A-Za-z0-9+.-]*")
_quoted = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder for every token


def members(parser: Parser, node: wire.Members) -> Steps[None]:
    """Arguments until there are no more; together they are a JSON object."""
    parser.member = 0
    while (yield from parser.attempt(parser.walk(node.each))) is None:
        pass
    parser.tell_arguments("}" if parser.member else "{}")


def key(parser: Parser, node: wire.Key) -> Steps[None]:
    name = yield from parser.cursor.up_to(node.end, MOST_KEY)
    parser.types = parser.argument_types(name)
    parser.begin_member(name)


def typed(parser: Parser, node: wire.Typed) -> Steps[None]:
    """The literal has the last word on whether the value is a string."""
    if (yield from parser.attempt(parser.cursor.expect(node.string))) is None:
        parser.types = STRING_ONLY
    else:
        yield from parser.cursor.expect(node.other)
        parser.types = ANY_TYPES - STRING_ONLY


def type_name(parser: Parser, node: wire.TypeName) -> Steps[None]:
    """The name has the last word on what the value is."""
    name = yield from parser.cursor.run(LETTERS, MOST_TYPE)
    if not (yield from parser.cursor.more()):
        raise Truncated  # who knows whether the name is whole
    if name not in ANY_TYPES:
        raise Mismatch(f"{name!r} is no type")
    parser.types = frozenset((name,))


def value(parser: Parser, node: wire.Value) -> Steps[None]:
    cursor, types = parser.cursor, parser.types
    if types == STRING_ONLY:
        yield from string(parser, node.end)
    elif not (yield from cursor.more()):
        raise Truncated
    elif CONTAINERS.get(cursor.text[cursor.at]) in types:
        yield from (parser.noted(node.notation) if node.notation else container(parser, parser.argument))
        yield from cursor.skip(SPACE, MOST_SPACE)
        yield from cursor.expect(node.end.lstrip())
    else:
        yield from scalar_or_string(parser, node.end, types)


def wrapped(parser: Parser, node: wire.Wrapped) -> Steps[None]:
    """What is wrapped is a string, where one is allowed."""
    if (yield from parser.attempt(parser.cursor.expect(node.open))) is not None:
        yield from value(parser, node)
    elif "string" in parser.types:
        yield from string(parser, node.close + node.end)
    else:
        yield from scalar_or_string(parser, node.close + node.end, parser.types)


def string(parser: Parser, end: str) -> Steps[None]:
    """Text up to the literal `end`, as a JSON string."""

    def escaped(text: str) -> Event:
        return parser.argument(json_inner(text))

    parser.tell_arguments('"')
    if (yield from parser.free_text(escaped, stops(end), False)) is None:
        raise Truncated
    yield from parser.cursor.expect(end)
    parser.tell_arguments('"')


def scalar_or_string(parser: Parser, end: str, types: frozenset[str]) -> Steps[None]:
    """Decides as soon as it can: all that is no scalar, and goes on, is a string."""
    cursor = parser.cursor
    while _undecided(cursor, run := _run(cursor), end):
        if cursor.ended:
            raise Truncated
        yield
    if not cursor.text.startswith(end, run):
        yield from string(parser, end)
        return
    literal = as_json(cursor.text[cursor.at : run], types)
    cursor.at = run + len(end)
    parser.tell_arguments(literal)


def _run(cursor: Cursor) -> int:
    match = _SCALAR.match(cursor.text, cursor.at)
    return match.end() if match else cursor.at


def _undecided(cursor: Cursor, run: int, end: str) -> bool:
    rest = cursor.text[run : run + len(end)]
    return rest != end and end.startswith(rest) and run - cursor.at <= MOST_SCALAR


def as_json(word: str, types: frozenset[str]) -> str:
    """What a word without quotes says, as JSON: a value of another type where one is allowed, else a string."""
    kind, literal = WORDS.get(word, ("number", word) if _NUMBER.fullmatch(word) else ("string", word))
    if kind != "string" and (kind in types or "string" not in types):
        return literal
    return _quoted(word)


def json_inner(text: str) -> str:
    """A piece of a JSON string."""
    return _quoted(text)[1:-1]
