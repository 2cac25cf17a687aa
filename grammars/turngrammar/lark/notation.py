"""Generating values in a notation other than JSON: lowered schemas -> Lark expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from turngrammar import wire
from turngrammar.exact import is_number
from turngrammar.json_style import sort_properties
from turngrammar.lark.arrays import ArrayWriter
from turngrammar.lark.branches import declared_members, member_bounds
from turngrammar.lark.json_values import write_json
from turngrammar.lark.rules import RuleWriter
from turngrammar.lowered import Lowered, branches, definition
from turngrammar.notation import JSON_WORDS, Notation
from turngrammar.scan import dump_scalar
from turngrammar.terminals.expressions import Member, join, object_members, quoted
from turngrammar.terminals.strings import SOURCE, Branch, text_terminal

_BARE_NAME = r"[^\x{0}-\x{20}\x{22}'<=:,()\x{5b}\x{5d}\x{7b}\x{7d}]+"
_PLAIN = r"[^'\x{5c}\x{0}-\x{1f}]"  # verbatim between single quotes
_ESCAPE = r"(\x{5c}['\x{5c}\x{22}nrt]|\x{5c}x[0-9a-f][0-9a-f]|\x{5c}u[0-9a-f][0-9a-f][0-9a-f][0-9a-f])"
_CONSTRAINTS = frozenset(("pattern", "format", "minLength", "maxLength", SOURCE))
_FREE_KEY = r"[^\x{22}\x{5c}\x{0}-\x{1f}]+"


def write_notation_arguments(writer: RuleWriter, node: wire.NotationArguments) -> str:
    root, notation = writer.parameters, NotationWriter(writer, node.notation)
    objects = [branch for branch in branches(root, root) if branch["type"] == "object"]
    bodies = [notation.members(branch, notation.argument, notation.free_argument, _BARE_NAME) for branch in objects]
    return writer.either([body for body in bodies if body is not None])


def single_quoted(branch: Branch) -> str:
    """The terminal expression of a string in single quotes. It has escapes only where no keyword constrains it."""
    bound = "enum" in branch or branch.keys() & _CONSTRAINTS
    inner = f"/{_PLAIN}*/ & {text_terminal(branch)}" if bound else f"/({_PLAIN}|{_ESCAPE})*/"
    return f'"\'" ({inner}) "\'"'


class NotationWriter:
    """Writes values of the schema of the current tool in one notation."""

    def __init__(self, writer: RuleWriter, notation: Notation) -> None:
        self._writer = writer
        self._notation = notation
        self._root = writer.parameters

    def value(self, schema: Lowered) -> str:
        """The rule of a value; "" where no value exists."""
        if schema is True or schema == {}:
            return self._writer.named(
                (self._notation, "any"), lambda: self._either(map(self._branch, branches(True, True)))
            )
        if isinstance(schema, Mapping) and "$ref" in schema:
            reference = schema["$ref"]
            key = (self._notation, id(self._root), reference)
            return self._writer.named(key, lambda: self.value(definition(reference, self._root)))
        if isinstance(schema, Mapping) and "anyOf" in schema:
            return self._either(map(self.value, schema["anyOf"]))
        return self._either(map(self._branch, branches(schema, self._root)))

    def _either(self, bodies: Iterable[str]) -> str:
        inhabited = list(filter(None, bodies))
        return self._writer.either(inhabited) if inhabited else ""

    def _branch(self, branch: Branch) -> str:
        if "enum" in branch:
            return self._writer.either(map(self._listed, branch["enum"]))
        return _BRANCHES[branch["type"]](self, branch)

    def _listed(self, value: Any) -> str:
        """In the notation and in JSON, where both may be written: the model takes the one that it prefers."""
        if is_number(value):
            return write_json(self._writer, {"const": value}, self._root)
        texts = [self._notation.encode(value)]
        texts += [dump_scalar(value)] if self._notation.loose else []
        return self._writer.either([self._listed_as(value, text) for text in dict.fromkeys(texts)])

    def _listed_as(self, value: Any, text: str) -> str:
        if self._holds_quote(value):
            raise self._writer.unwritable(f"the value {value!r}", self._notation.quote, "enum")
        return self._client_text(text)

    def _holds_quote(self, value: Any) -> bool:
        if isinstance(value, dict):
            return any(map(self._holds_quote, (*value, *value.values())))
        if isinstance(value, list):
            return any(map(self._holds_quote, value))
        return isinstance(value, str) and not self._notation.escapes and self._notation.quote in value

    def _client_text(self, text: str) -> str:
        return self._writer.client_text(text, self._notation.quote)

    def _named(self, name: str, text: str) -> str:
        if self._holds_quote(name):
            raise self._writer.unwritable(f"an argument named {name!r}", self._notation.quote)
        return self._client_text(text)

    def null(self, branch: Branch) -> str:
        return self._writer.either(map(quoted, self._words(0)))

    def boolean(self, branch: Branch) -> str:
        return self._writer.either(map(quoted, (*self._words(1), *self._words(2))))

    def _words(self, index: int) -> tuple[str, ...]:
        sets = (self._notation.words, JSON_WORDS) if self._notation.loose else (self._notation.words,)
        return tuple(dict.fromkeys(words[index] for words in sets))

    def as_json(self, branch: Branch) -> str:
        return write_json(self._writer, branch, self._root)

    def string(self, branch: Branch) -> str:
        quote = self._notation.quote
        if self._notation.loose:
            return self._writer.either([self.as_json(branch), self._writer.terminal(single_quoted(branch))])
        if self._notation.escapes:
            return self.as_json(branch)
        text = self._writer.closed_value(
            text_terminal(branch), quote, "the strings of a value", texts=branch.get("enum", ())
        )
        return f"{self._client_text(quote)} {text}"

    def array(self, branch: Branch) -> str:
        return self._within("[", ArrayWriter(self._writer, self.value, self._notation.comma).body(branch), "]")

    def object(self, branch: Branch) -> str:
        free = _BARE_NAME if self._notation.bare_keys else _FREE_KEY
        return self._within("{", self.members(branch, self.key, self.free_key, free), "}")

    def _within(self, opening: str, body: str | None, closing: str) -> str:
        return "" if body is None else join(quoted(opening), body, quoted(closing))

    def members(
        self, branch: Branch, name: Callable[[str], str], free_name: Callable[[str], str], free: str
    ) -> str | None:
        """The members of an object. `name` writes a name and what follows it, `free_name` one that is a terminal."""
        required, listed, others = branch.get("required", ()), [], []
        for key, names, schema in declared_members(
            sort_properties(branch) if self._notation.sort_keys else branch, free
        ):
            if value := self.value(schema):
                body = join(free_name(names) if key is None else name(key), value)
                listed += [] if key is None else [Member(body, key in required)]
                others += [body] if key is None else []
        rest = self._writer.either(others) if others else ""
        return object_members(listed, rest, member_bounds(branch), self._notation.comma, self._writer.either)

    def argument(self, name: str) -> str:
        return self._named(name, self._notation.encode_name(name) + self._notation.pair)

    def free_argument(self, names: str) -> str:
        return f"{self._writer.terminal(names)} {quoted(self._notation.pair)}"

    def key(self, name: str) -> str:
        keys = [self._notation.encode_key(name)]
        keys += [dump_scalar(name) + self._notation.colon] if self._notation.loose else []
        return self._writer.either([self._named(name, key) for key in dict.fromkeys(keys)])

    def free_key(self, names: str) -> str:
        if self._notation.bare_keys:
            return f"{self._writer.terminal(names)} {quoted(self._notation.colon)}"
        colon = self._notation.colon
        keys = [f"{quoted(chr(34))} ({names}) {quoted(chr(34) + colon)}"]
        if self._notation.loose:
            keys.append(f'"\'" (({names}) & /{_PLAIN}+/) {quoted(chr(39) + colon)}')
        return self._writer.either([self._writer.terminal(key) for key in keys])


_BRANCHES: Mapping[str, Callable[[NotationWriter, Branch], str]] = {
    "null": NotationWriter.null,
    "boolean": NotationWriter.boolean,
    "integer": NotationWriter.as_json,
    "number": NotationWriter.as_json,
    "string": NotationWriter.string,
    "array": NotationWriter.array,
    "object": NotationWriter.object,
}
