"""Generating arguments that are XML elements, and so is all that is in them: lowered schemas -> Lark expressions.

The text of an element alone must show the type of its value: where strings and more are allowed, a string is never the
text of another value, nothing but a string is empty, and an object beside arrays has no member `item`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from turngrammar import wire
from turngrammar.lark.arrays import ArrayWriter
from turngrammar.lark.branches import (
    branch_words,
    declared_members,
    exclusions,
    item_bounds,
    member_bounds,
)
from turngrammar.lark.json_values import write_json
from turngrammar.lark.rules import RuleWriter
from turngrammar.lowered import Lowered, branches, definition
from turngrammar.notation import ITEM, encode_elements
from turngrammar.terminals.expressions import (
    ANYTHING,
    Bounds,
    Member,
    escaped,
    join,
    object_members,
    quoted,
)
from turngrammar.terminals.strings import Branch, text_terminal

_FREE_NAME = r"[^\x{0}-\x{20}<>\x{22}\/]+"
_SPACE = r"[ \t\r\n]*"
_SCALARS = ("null", "boolean", "integer", "number")


def write_elements(writer: RuleWriter, node: wire.Elements) -> str:
    root, elements = writer.parameters, ElementWriter(writer, node.mark)
    objects = [branch for branch in branches(root, root) if branch["type"] == "object"]
    bodies = [elements.members(branch, member_bounds(branch), frozenset()) for branch in objects]
    return writer.either([body for body in bodies if body is not None])


class ElementWriter:
    """Writes values of the schema of the current tool, each up to the name in the tag that closes its element."""

    def __init__(self, writer: RuleWriter, mark: str) -> None:
        self._writer = writer
        self._mark = mark
        self._root = writer.parameters
        self._closing = mark + "</"

    def value(self, schema: Lowered) -> str:
        """The rule of a value; "" where no value exists."""
        if isinstance(schema, Mapping) and "$ref" in schema:
            return self.value(definition(schema["$ref"], self._root))
        options = tuple(branches(schema, self._root))
        if not options:
            return ""
        key = (self._mark, "any") if schema is True or not schema else (self._mark, id(self._root), id(schema))
        return self._writer.named(key, lambda: self._writer.either(self._texts(options)))

    def _texts(self, options: Sequence[Branch]) -> Iterator[str]:
        """A value of any of these types, whose text shows its type."""
        kinds = frozenset(option["type"] for option in options)
        strings = [option for option in options if option["type"] == "string"]
        scalars = [option for option in options if option["type"] in _SCALARS]
        if strings:
            texts = " | ".join(self._text(branch, options) for branch in strings)
            yield self._writer.closed_value(texts, self._closing, "the strings of a value")
        yield from self._scalars(scalars, mixed=bool(strings))
        for option in options:
            if option["type"] in _CONTAINERS:
                yield from self._container(option, kinds)

    def _text(self, branch: Branch, options: Sequence[Branch]) -> str:
        """A string, kept apart from values of the other branches."""
        apart = (
            [*exclusions([option for option in options if option["type"] in _SCALARS])] if "enum" not in branch else []
        )
        if any(option["type"] in _CONTAINERS for option in options):
            apart.append(f"~/{_SPACE}{escaped(self._mark + '<')}{ANYTHING}/")
        return f"({' & '.join((text_terminal(branch), *apart))})"

    def _scalars(self, scalars: Sequence[Branch], *, mixed: bool) -> Iterator[str]:
        literals = [word for branch in scalars for word in branch_words(branch)] if mixed else []
        rest = [branch for branch in scalars if not (mixed and branch_words(branch))]
        if literals:
            yield self._writer.closed(" | ".join(f"/{escaped(word)}/" for word in literals), self._closing)
        if rest:
            yield join(write_json(self._writer, {"anyOf": rest}, self._root), self._closed())

    def _closed(self) -> str:
        return self._writer.client_text(self._closing, self._mark)

    def _container(self, branch: Branch, kinds: frozenset[str]) -> Iterator[str]:
        if "enum" in branch:
            yield from (self._listed(value) for value in branch["enum"] if value or not kinds & _BEFORE[branch["type"]])
            return
        body = _CONTAINERS[branch["type"]](self, branch, kinds)
        if body is not None:
            yield join(body, self._closed())

    def _listed(self, value: Any) -> str:
        text = encode_elements(self._mark, value)
        if text.count(self._mark) != 2 * _element_count(value):
            raise self._writer.unwritable(f"the value {value!r}", self._mark, "enum")
        return self._writer.client_text(text + self._closing, self._mark)

    def _object(self, branch: Branch, kinds: frozenset[str]) -> str | None:
        return self.members(branch, _not_empty(member_bounds(branch), "object", kinds), kinds)

    def _array(self, branch: Branch, kinds: frozenset[str]) -> str | None:
        return ArrayWriter(self._writer, self._item, "").body(branch, _not_empty(item_bounds(branch), "array", kinds))

    def _item(self, schema: Lowered) -> str:
        value = self.value(schema)
        return self._element(ITEM, value) if value else ""

    def members(self, branch: Branch, bounds: Bounds, kinds: frozenset[str]) -> str | None:
        """The members of an object; None where no such object exists."""
        required, listed, free = branch.get("required", ()), [], []
        not_item = f" & ~/{ITEM}/" if "array" in kinds else ""
        for name, names, schema in declared_members(branch, _FREE_NAME):
            value = self.value(schema)
            if value and name is None:
                free.append(self._free_element(names + not_item, value))
            elif value and name is not None:
                self._check(name, kinds)
                listed.append(Member(self._element(name, value), name in required))
        return object_members(listed, self._writer.either(free) if free else "", bounds, "", self._writer.either)

    def _check(self, name: str, kinds: frozenset[str]) -> None:
        if not name or name.startswith("/") or ">" in name or self._mark in name:
            raise self._writer.unwritable(f"an argument named {name!r}", ">")
        if name == ITEM and "array" in kinds:
            raise self._writer.unwritable("a member of this name beside an array", ITEM)

    def _element(self, name: str, value: str) -> str:
        return join(self._writer.client_text(f"{self._mark}<{name}>", self._mark), value, quoted(f"{name}>"))

    def _free_element(self, names: str, value: str) -> str:
        """An element with a name that the terminal matches. A tag is one lexeme, since listed names may begin alike."""
        mark = self._writer.literal(self._mark)
        whole = "" if mark.startswith("<[") else mark
        tag = self._writer.terminal(join(whole, quoted("<"), f"({names})", quoted(">")))
        end = self._writer.terminal(join(f"/{_FREE_NAME}/", quoted(">")))
        return join("" if whole else mark, tag, value, end)


def _element_count(value: Any) -> int:
    """The number of elements that a value is written in."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(1 + _element_count(item) for item in inside)


def _not_empty(bounds: Bounds, kind: str, kinds: frozenset[str]) -> Bounds:
    """At least one, where an empty element would be a value of another type."""
    return replace(bounds, least=max(bounds.least, 1)) if kinds & _BEFORE[kind] else bounds


# What the parser takes for an empty value first: see wire.Elements.
_BEFORE: Mapping[str, frozenset[str]] = {"object": frozenset(("string",)), "array": frozenset(("string", "object"))}
_CONTAINERS = {"object": ElementWriter._object, "array": ElementWriter._array}
