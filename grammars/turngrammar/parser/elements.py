"""Reading arguments that are XML elements, and so is all that is in them, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from turngrammar import wire
from turngrammar.lowered import ANY_TYPES, STRING_ONLY, Lowered, item, member, types
from turngrammar.notation import ITEM
from turngrammar.parser.cursor import MOST_SPACE, SPACE, Mismatch, Steps
from turngrammar.parser.members import MOST_KEY, scalar_or_string, string

if TYPE_CHECKING:
    from turngrammar.parser.parser import Parser

MOST_DEPTH = 100
EMPTY: Mapping[str, str] = {"string": '""', "object": "{}", "array": "[]", "null": "null"}
_CONTAINERS = frozenset(("object", "array"))


def elements(parser: Parser, node: wire.Elements) -> Steps[None]:
    """Arguments until there are no more; together they are a JSON object."""
    reader = Reader(parser, node.mark)
    parser.member = 0
    while (yield from parser.attempt(reader.open())) is None:
        name = yield from reader.name()
        parser.begin_member(name)
        yield from reader.value(member(parser.parameters, name, parser.parameters), MOST_DEPTH)
        yield from reader.name()
    parser.tell_arguments("}" if parser.member else "{}")


class Reader:
    """Reads the elements of one call."""

    def __init__(self, parser: Parser, mark: str) -> None:
        self._parser = parser
        self._root = parser.parameters
        self._opening, self._closing = mark + "<", mark + "</"

    def open(self) -> Steps[None]:
        """Reads what a tag that opens has before its name. Raises Mismatch."""
        cursor = self._parser.cursor
        yield from cursor.skip(SPACE, MOST_SPACE)
        yield from cursor.expect(self._opening)
        if (yield from cursor.more()) and cursor.text[cursor.at] == "/":
            raise Mismatch("the tag closes")

    def name(self) -> Steps[str]:
        """Reads the rest of a tag."""
        return (yield from self._parser.cursor.up_to(">", MOST_KEY))

    def value(self, schema: Lowered, depth: int) -> Steps[None]:
        """Reads an element's content, and what the tag that closes it has before its name."""
        kinds = types(schema, self._root) or ANY_TYPES
        if kinds == STRING_ONLY:
            yield from string(self._parser, self._closing)
        elif kinds & _CONTAINERS and (yield from self._parser.attempt(self.open())) is None:
            yield from self._container(schema, kinds, depth)
        else:
            yield from self._scalar(kinds)

    def _scalar(self, kinds: frozenset[str]) -> Steps[None]:
        parser, empty = self._parser, next((text for kind, text in EMPTY.items() if kind in kinds), '""')
        if (yield from parser.attempt(self._nothing("string" not in kinds))) is None:
            parser.tell_arguments(empty)
        else:
            yield from scalar_or_string(parser, self._closing, kinds)

    def _nothing(self, blank: bool) -> Steps[None]:
        if blank:
            yield from self._parser.cursor.skip(SPACE, MOST_SPACE)
        yield from self._parser.cursor.expect(self._closing)

    def _container(self, schema: Lowered, kinds: frozenset[str], depth: int) -> Steps[None]:
        """An object or an array, whose first tag is read up to its name."""
        if not depth:
            raise Mismatch(f"more than {MOST_DEPTH} elements within each other")
        name = yield from self.name()
        listed = "array" in kinds and (name == ITEM or "object" not in kinds)
        self._parser.tell_arguments("[" if listed else "{")
        yield from (self._items(schema, depth) if listed else self._members(schema, name, depth))
        yield from self._nothing(blank=True)
        self._parser.tell_arguments("]" if listed else "}")

    def _items(self, schema: Lowered, depth: int) -> Steps[None]:
        index = 0
        while True:
            yield from self.value(item(schema, index, self._root), depth - 1)
            yield from self.name()
            if not (yield from self._another()):
                return
            yield from self.name()
            index += 1

    def _members(self, schema: Lowered, name: str, depth: int) -> Steps[None]:
        while True:
            self._parser.tell_arguments(json.dumps(name, ensure_ascii=False) + ": ")
            yield from self.value(member(schema, name, self._root), depth - 1)
            yield from self.name()
            if not (yield from self._another()):
                return
            name = yield from self.name()

    def _another(self) -> Steps[bool]:
        """Whether another element opens; a comma then stands before it in JSON."""
        if (yield from self._parser.attempt(self.open())) is not None:
            return False
        self._parser.tell_arguments(", ")
        return True
