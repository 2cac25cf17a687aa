"""Reading arguments that are XML elements, and so is all that is in them, as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from turngrammar import wire
from turngrammar.lowered import ANY_TYPES, STRING_ONLY, Lowered, allowed_types, item_schema, member_schema
from turngrammar.notation import ITEM
from turngrammar.parser.cursor import MAX_SPACE, SPACE, Mismatch, Steps
from turngrammar.parser.reader import MAX_KEY, TurnReader
from turngrammar.parser.scalars import read_scalar_or_string, read_string
from turngrammar.scan import dump_scalar

MAX_DEPTH = 100
EMPTY: Mapping[str, str] = {"string": '""', "object": "{}", "array": "[]", "null": "null"}
_CONTAINERS = frozenset(("object", "array"))


def read_elements(reader: TurnReader, node: wire.Elements) -> Steps[None]:
    """Arguments until there are no more; together they are a JSON object."""
    elements, root = ElementReader(reader, node.mark), reader.parameters
    reader.member = 0
    while (yield from reader.attempt(elements.open())) is None:
        name = yield from elements.name()
        reader.begin_member(name)
        yield from elements.value(member_schema(root, name, root), MAX_DEPTH)
        yield from elements.name()
    reader.report_arguments("}" if reader.member else "{}")


class ElementReader:
    """Reads the elements of one call."""

    def __init__(self, reader: TurnReader, mark: str) -> None:
        self._reader = reader
        self._root = reader.parameters
        self._opening, self._closing = mark + "<", mark + "</"

    def open(self) -> Steps[None]:
        """Reads what a tag that opens has before its name. Raises Mismatch."""
        cursor = self._reader.cursor
        yield from cursor.skip(SPACE, MAX_SPACE)
        yield from cursor.expect(self._opening)
        if (yield from cursor.more()) and cursor.text[cursor.at] == "/":
            raise Mismatch("the tag closes")

    def name(self) -> Steps[str]:
        """Reads the rest of a tag."""
        return (yield from self._reader.cursor.up_to(">", MAX_KEY))

    def value(self, schema: Lowered, depth: int) -> Steps[None]:
        """Reads an element's content, and what the tag that closes it has before its name."""
        kinds = allowed_types(schema, self._root) or ANY_TYPES
        if kinds == STRING_ONLY:
            yield from read_string(self._reader, self._closing)
        elif kinds & _CONTAINERS and (yield from self._reader.attempt(self.open())) is None:
            yield from self._container(schema, kinds, depth)
        else:
            yield from self._scalar(kinds)

    def _scalar(self, kinds: frozenset[str]) -> Steps[None]:
        reader, empty = self._reader, next((text for kind, text in EMPTY.items() if kind in kinds), '""')
        if (yield from reader.attempt(self._close("string" not in kinds))) is None:
            reader.report_arguments(empty)
        else:
            yield from read_scalar_or_string(reader, self._closing, kinds)

    def _close(self, blank: bool) -> Steps[None]:
        """Reads what a tag that closes has before its name, perhaps behind whitespace. Raises Mismatch."""
        if blank:
            yield from self._reader.cursor.skip(SPACE, MAX_SPACE)
        yield from self._reader.cursor.expect(self._closing)

    def _container(self, schema: Lowered, kinds: frozenset[str], depth: int) -> Steps[None]:
        """An object or an array, whose first tag is read up to its name."""
        if not depth:
            raise Mismatch(f"more than {MAX_DEPTH} nested elements")
        name = yield from self.name()
        listed = "array" in kinds and (name == ITEM or "object" not in kinds)
        self._reader.report_arguments("[" if listed else "{")
        yield from (self._items(schema, depth) if listed else self._members(schema, name, depth))
        yield from self._close(blank=True)
        self._reader.report_arguments("]" if listed else "}")

    def _items(self, schema: Lowered, depth: int) -> Steps[None]:
        index = 0
        while True:
            yield from self.value(item_schema(schema, index, self._root), depth - 1)
            yield from self.name()
            if not (yield from self._another()):
                return
            yield from self.name()
            index += 1

    def _members(self, schema: Lowered, name: str, depth: int) -> Steps[None]:
        while True:
            self._reader.report_arguments(dump_scalar(name) + ": ")
            yield from self.value(member_schema(schema, name, self._root), depth - 1)
            yield from self.name()
            if not (yield from self._another()):
                return
            name = yield from self.name()

    def _another(self) -> Steps[bool]:
        """Whether another element opens; then reports the comma before it."""
        if (yield from self._reader.attempt(self.open())) is not None:
            return False
        self._reader.report_arguments(", ")
        return True
