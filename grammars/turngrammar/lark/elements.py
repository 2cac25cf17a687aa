"""Generating arguments that are XML elements, and so is all that is in them: lowered schemas -> Lark expressions.

What an element's content says must be told from its text alone: where strings and more are allowed, a string is none of
the other values' spellings, nothing but a string is empty, and an object beside arrays has no member `item`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from turngrammar import wire
from turngrammar.lark.escape import ANYTHING, escaped, join, quoted
from turngrammar.lark.lists import Bounds, Member, items, members
from turngrammar.lark.members import Branch, counts, declared, json_of, text_terminal, unlike, words
from turngrammar.lowered import Lowered, branches, definition
from turngrammar.notation import ITEM, spell_elements

if TYPE_CHECKING:
    from turngrammar.lark.writer import Writer

_FREE_NAME = r"[^\x{0}-\x{20}<>\x{22}\/]+"
_SPACE = r"[ \t\r\n]*"
_SCALARS = ("null", "boolean", "integer", "number")


def elements(writer: Writer, node: wire.Elements) -> str:
    speller = Speller(writer, node.mark, writer.parameters)
    objects = [branch for branch in branches(writer.parameters, writer.parameters) if branch["type"] == "object"]
    bodies = [speller.members(one, counts(one), frozenset()) for one in objects]
    return writer.either([body for body in bodies if body is not None])


class Speller:
    """Writes values of one tool's schema, each up to the name in the tag that closes its element."""

    def __init__(self, writer: Writer, mark: str, root: Lowered) -> None:
        self._writer = writer
        self._mark = mark
        self._root = root
        self._closing = mark + "</"

    def value(self, schema: Lowered) -> str:
        """The rule of a value; "" where there is none."""
        if isinstance(schema, Mapping) and "$ref" in schema:
            return self.value(definition(schema["$ref"], self._root))
        options = tuple(branches(schema, self._root))
        if not options:
            return ""
        key = (self._mark, "any") if schema is True or not schema else (self._mark, id(self._root), id(schema))
        return self._writer.named(key, lambda: self._writer.either(self._spellings(options)))

    def _spellings(self, options: Sequence[Branch]) -> Iterator[str]:
        """A value that has any of these types, told apart by its text."""
        kinds = frozenset(option["type"] for option in options)
        strings = [option for option in options if option["type"] == "string"]
        scalars = [option for option in options if option["type"] in _SCALARS]
        if strings:
            yield self._writer.closed(" | ".join(self._text(one, options) for one in strings), self._closing)
        yield from self._scalars(scalars, mixed=bool(strings))
        for option in options:
            if option["type"] in _CONTAINERS:
                yield from self._container(option, kinds)

    def _text(self, branch: Branch, options: Sequence[Branch]) -> str:
        """A string, kept apart from values of the other branches."""
        apart = [*unlike([option for option in options if option["type"] in _SCALARS])] if "enum" not in branch else []
        if any(option["type"] in _CONTAINERS for option in options):
            apart.append(f"~/{_SPACE}{escaped(self._mark + '<')}{ANYTHING}/")
        return f"({' & '.join((text_terminal(branch), *apart))})"

    def _scalars(self, scalars: Sequence[Branch], *, mixed: bool) -> Iterator[str]:
        literals = [word for branch in scalars for word in words(branch)] if mixed else []
        rest = [branch for branch in scalars if not (mixed and words(branch))]
        if literals:
            yield self._writer.closed(" | ".join(f"/{escaped(word)}/" for word in literals), self._closing)
        if rest:
            yield join(json_of(self._writer, rest), self._closed())

    def _closed(self) -> str:
        return self._writer.verbatim(self._closing, self._mark)

    def _container(self, branch: Branch, kinds: frozenset[str]) -> Iterator[str]:
        if "enum" in branch:
            yield from (self._listed(value) for value in branch["enum"] if value or not kinds & _BEFORE[branch["type"]])
            return
        body = _CONTAINERS[branch["type"]](self, branch, kinds)
        if body is not None:
            yield join(body, self._closed())

    def _listed(self, value: Any) -> str:
        text = spell_elements(self._mark, value)
        if text.count(self._mark) != 2 * _count(value):
            raise self._writer.unwritable(f"the value {value!r}", self._mark, "enum")
        return self._writer.verbatim(text + self._closing, self._mark)

    def _object(self, branch: Branch, kinds: frozenset[str]) -> str | None:
        return self.members(branch, _some(counts(branch), "object", kinds), kinds)

    def _array(self, branch: Branch, kinds: frozenset[str]) -> str | None:
        bounds = _some(Bounds(branch.get("minItems", 0), branch.get("maxItems")), "array", kinds)
        prefix = [self._element(ITEM, self.value(one)) for one in branch.get("prefixItems", ())[: bounds.most]]
        rest = self.value(branch.get("items", True))
        return items(prefix, self._element(ITEM, rest) if rest else "", bounds, "", self._writer.either)

    def members(self, branch: Branch, bounds: Bounds, kinds: frozenset[str]) -> str | None:
        """The members of an object; None where there is no such object."""
        required, listed, free = branch.get("required", ()), [], []
        shunned = f" & ~/{ITEM}/" if "array" in kinds else ""
        for name, names, schema in declared(branch, _FREE_NAME):
            value = self.value(schema)
            if value and name is None:
                free.append(self._free_element(names + shunned, value))
            elif value and name is not None:
                self._check(name, kinds)
                listed.append(Member(self._element(name, value), name in required))
        return members(listed, self._writer.either(free) if free else "", bounds, "", self._writer.either)

    def _check(self, name: str, kinds: frozenset[str]) -> None:
        if not name or name.startswith("/") or ">" in name or self._mark in name:
            raise self._writer.unwritable(f"an argument named {name!r}", ">")
        if name == ITEM and "array" in kinds:
            raise self._writer.unwritable("a member of this name beside an array", ITEM)

    def _element(self, name: str, value: str) -> str:
        return join(self._writer.verbatim(f"{self._mark}<{name}>", self._mark), value, quoted(f"{name}>"))

    def _free_element(self, names: str, value: str) -> str:
        """An element whose name is one of a terminal's. A tag is one lexeme, for listed names may begin likewise."""
        mark = self._writer.lit(wire.Lit(self._mark))
        whole = "" if mark.startswith("<[") else mark
        tag = self._writer.terminal(join(whole, quoted("<"), f"({names})", quoted(">")))
        end = self._writer.terminal(join(f"/{_FREE_NAME}/", quoted(">")))
        return join("" if whole else mark, tag, value, end)


def _count(value: Any) -> int:
    """How many elements a value is spelled with."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(1 + _count(one) for one in inside)


def _some(bounds: Bounds, kind: str, kinds: frozenset[str]) -> Bounds:
    """At least one, where what is empty would be a value of another type."""
    return replace(bounds, least=max(bounds.least, 1)) if kinds & _BEFORE[kind] else bounds


# What the parser takes for an empty value first: see wire.Elements.
_BEFORE: Mapping[str, frozenset[str]] = {"object": frozenset(("string",)), "array": frozenset(("string", "object"))}
_CONTAINERS = {"object": Speller._object, "array": Speller._array}
