"""Reading arguments that are written one by one: markup around each, strings without quotes."""

from __future__ import annotations

from turngrammar import wire
from turngrammar.lowered import ANY_TYPES, STRING_ONLY
from turngrammar.parser.cursor import MAX_SPACE, SPACE, Mismatch, Steps, TextEnded
from turngrammar.parser.json_values import read_container
from turngrammar.parser.notation import read_notation
from turngrammar.parser.reader import MAX_KEY, TurnReader
from turngrammar.parser.scalars import read_scalar_or_string, read_string

MAX_TYPE_NAME = 20
LETTERS = "abcdefghijklmnopqrstuvwxyz"
CONTAINERS = {"{": "object", "[": "array"}


def read_members(reader: TurnReader, node: wire.Members) -> Steps[None]:
    """Arguments until there are no more; together they are a JSON object."""
    reader.member = 0
    while (yield from reader.attempt(reader.walk(node.each))) is None:
        pass
    reader.report_arguments("}" if reader.member else "{}")


def read_key(reader: TurnReader, node: wire.Key) -> Steps[None]:
    name = yield from reader.cursor.up_to(node.end, MAX_KEY)
    reader.types = reader.argument_types(name)
    reader.begin_member(name)


def read_typed(reader: TurnReader, node: wire.Typed) -> Steps[None]:
    """The literal, not the schema, decides whether the value is a string."""
    if (yield from reader.attempt(reader.cursor.expect(node.string))) is None:
        reader.types = STRING_ONLY
    else:
        yield from reader.cursor.expect(node.other)
        reader.types = ANY_TYPES - STRING_ONLY


def read_type_name(reader: TurnReader, node: wire.TypeName) -> Steps[None]:
    """The name, not the schema, decides the type of the value."""
    name = yield from reader.cursor.run(LETTERS, MAX_TYPE_NAME)
    if not (yield from reader.cursor.more()):
        raise TextEnded  # the name may not be whole
    if name not in ANY_TYPES:
        raise Mismatch(f"{name!r} is not a JSON type")
    reader.types = frozenset((name,))


def read_value(reader: TurnReader, node: wire.Value) -> Steps[None]:
    cursor, types = reader.cursor, reader.types
    if types == STRING_ONLY:
        yield from read_string(reader, node.end)
    elif not (yield from cursor.more()):
        raise TextEnded
    elif CONTAINERS.get(cursor.text[cursor.at]) in types:
        yield from (
            read_notation(reader, node.notation) if node.notation else read_container(reader, reader.argument_delta)
        )
        yield from cursor.skip(SPACE, MAX_SPACE)
        yield from cursor.expect(node.end.lstrip())
    else:
        yield from read_scalar_or_string(reader, node.end, types)


def read_wrapped(reader: TurnReader, node: wire.Wrapped) -> Steps[None]:
    """A wrapped value is a string, where one is allowed."""
    if (yield from reader.attempt(reader.cursor.expect(node.open))) is not None:
        yield from read_value(reader, node)
    elif "string" in reader.types:
        yield from read_string(reader, node.close + node.end)
    else:
        yield from read_scalar_or_string(reader, node.close + node.end, reader.types)
