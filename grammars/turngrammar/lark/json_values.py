"""Generating JSON: lowered schemas -> Lark expressions.

Scalars that are alternatives are one lexeme. A key and its separator are one lexeme too, everywhere: the lexer is
greedy, so alternatives that begin alike must be cut into lexemes alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from turngrammar.exact import is_number
from turngrammar.json_style import CANONICAL, JsonStyle, sort_properties
from turngrammar.lark.arrays import ArrayWriter
from turngrammar.lark.branches import member_bounds
from turngrammar.lark.rule_set import RuleSet
from turngrammar.lowered import Lowered, definition
from turngrammar.regex import printed_language
from turngrammar.scan import dump_json, dump_scalar
from turngrammar.spans import Texts
from turngrammar.terminals.expressions import Member, any_text, join, object_members, quoted
from turngrammar.terminals.numbers import json_constant, json_number
from turngrammar.terminals.strings import Branch, json_regex, json_string

# Optional properties of an object; more have no order, and may be repeated: llguidance has room for 2,000 items in a
# row, of which each optional property that may come next takes three.
ORDERED = 500
_HOLE = "\0arguments"
_SCALARS: Mapping[str, Callable[[Branch], str]] = {
    "null": lambda branch: quoted("null"),
    "boolean": lambda branch: f"{quoted('true')} | {quoted('false')}",
    "integer": json_number,
    "number": json_number,
    "string": json_string,
}
_EVERY_TYPE: tuple[Branch, ...] = tuple({"type": name} for name in (*_SCALARS, "array", "object") if name != "integer")


def write_json(rules: RuleSet, schema: Lowered, root: Lowered, style: JsonStyle = CANONICAL) -> str:
    """The expression of a value of `schema`; `root` holds its definitions."""
    return JsonWriter(rules, root, style).value(schema)


def schema_grammar(lowered: Lowered, style: JsonStyle = CANONICAL, texts: Texts = ()) -> str:
    """The Lark grammar of the documents of a lowered schema; `texts`: those of its spans."""
    rules = RuleSet(texts)
    return rules.grammar(write_json(rules, lowered, lowered, style))


def write_json_call(rules: RuleSet, before: str, arguments: Lowered, after: str, style: JsonStyle) -> str | None:
    """The expression of `before`, arguments, `after`; None where that is not one JSON object in this style."""
    text = before + json.dumps(_HOLE) + after
    try:
        template = json.loads(text)
    except ValueError:
        return None
    if dump_json(template, style.item_separator, style.key_separator) != text:
        return None
    values = JsonWriter(rules, arguments, style)
    return values.template(template, values.value(arguments))


class JsonWriter:
    """Writes values of one lowered schema, whose definitions `root` holds."""

    def __init__(self, rules: RuleSet, root: Lowered, style: JsonStyle) -> None:
        self._rules = rules
        self._root = root
        self._style = style

    def value(self, schema: Lowered) -> str:
        """The rule or terminal of a value; "" where no value exists."""
        if schema is False:
            return ""
        if schema is True or not schema:
            return self._rules.named((self._style, "any"), lambda: self._either(_EVERY_TYPE))
        if "$ref" in schema:
            return self._definition(schema["$ref"])
        return self._either(schema.get("anyOf", (schema,)))

    def template(self, value: Any, arguments: str) -> str:
        """JSON text of this value, with the arguments in their place."""
        if value == _HOLE:
            return arguments
        if not isinstance(value, dict):
            return self._rules.terminal(quoted(dump_scalar(value)))
        members = [Member(join(self._key(name), self.template(item, arguments)), True) for name, item in value.items()]
        return self._within("{", object_members(members, "", member_bounds({}), self._comma, self._rules.either), "}")

    def _definition(self, reference: str) -> str:
        key = (self._style, id(self._root), reference)
        return self._rules.named(key, lambda: self.value(definition(reference, self._root)))

    def _either(self, options: Iterable[Lowered]) -> str:
        scalars: list[str] = []
        rules: list[str] = []
        for option in options:
            scalar = _scalar(option)
            scalars += [scalar] if scalar else []
            rules += [] if scalar else [self._composite(option)]
        terminal = [self._rules.terminal(" | ".join(scalars))] if scalars else []
        inhabited = [*terminal, *filter(None, rules)]
        return self._rules.either(inhabited) if inhabited else ""

    def _composite(self, option: Lowered) -> str:
        if isinstance(option, bool) or option.get("type") not in _COMPOSITES:
            return self.value(option)
        return _COMPOSITES[option["type"]](self, option)

    def _foreign_string(self, branch: Branch) -> str:
        """Of a regex in Rust's syntax, which llguidance reads."""
        pattern = {"type": "string", "pattern": f"^(?:{branch['regex']})$"}
        return self._rules.rule(f"%json {json.dumps(pattern)}")

    def _multiple(self, branch: Branch) -> str:
        return self._rules.rule(f"%json {json.dumps(branch)}")

    def _array(self, branch: Branch) -> str:
        return self._within("[", ArrayWriter(self._rules, self.value, self._comma).body(branch), "]")

    def _object(self, branch: Branch) -> str:
        branch = sort_properties(branch) if self._style.sort_keys else branch
        required = frozenset(branch.get("required", ()))
        values = {name: self.value(schema) for name, schema in branch.get("properties", {}).items()}
        optional = {name: value for name, value in values.items() if value and name not in required}
        unordered = optional if len(optional) > ORDERED else {}
        listed = [
            Member(join(self._key(name), value), name in required)
            for name, value in values.items()
            if value and name not in unordered
        ]
        free = [*self._unordered(unordered), *self._free_members(branch)]
        rest = self._rules.either(free) if free else ""
        return self._within(
            "{", object_members(listed, rest, member_bounds(branch), self._comma, self._rules.either), "}"
        )

    def _unordered(self, values: Mapping[str, str]) -> Iterator[str]:
        """Members in any order: an alternative for each kind of value, with all names that have it."""
        names: dict[str, list[str]] = {}
        for name, value in values.items():
            names.setdefault(value, []).append(self._key(name))
        return (join(self._rules.terminal(" | ".join(keys)), value) for value, keys in names.items())

    def _free_members(self, branch: Branch) -> Iterator[str]:
        """Members whose names the schema doesn't list: those that a pattern matches, and the others."""
        listed = [dump_scalar(name) for name in branch.get("properties", {})]
        taken = [f"~/{any_text(tuple(listed))}/"] if listed else []
        for pattern, schema in branch.get("patternProperties", {}).items():
            names = json_regex(printed_language(pattern))
            if value := self.value(schema):
                yield join(self._free_key([f"/{names}/", *taken]), value)
            taken.append(f"~/{names}/")
        if value := self.value(branch.get("additionalProperties", True)):
            yield join(self._free_key([json_string({}), *taken]), value)

    def _key(self, name: str) -> str:
        return quoted(dump_scalar(name) + self._style.key_separator)

    def _free_key(self, constraints: list[str]) -> str:
        return self._rules.terminal(f"({' & '.join(constraints)}) {quoted(self._style.key_separator)}")

    def _within(self, opening: str, body: str | None, closing: str) -> str:
        return "" if body is None else self._rules.rule(join(quoted(opening), body, quoted(closing)))

    @property
    def _comma(self) -> str:
        return self._style.item_separator


def _scalar(option: Lowered) -> str:
    """The terminal expression of an option that is scalar; "" for another."""
    if isinstance(option, bool) or "regex" in option:
        return ""
    if "const" in option or "enum" in option:
        return " | ".join(map(_constant, option.get("enum", [option.get("const")])))
    if option.get("type") not in _SCALARS:
        return ""
    return _unbounded(option["type"]) if len(option) == 1 else _SCALARS[option["type"]](option)


@cache
def _unbounded(name: str) -> str:
    return _SCALARS[name]({"type": name})


def _constant(value: Any) -> str:
    if is_number(value):
        return json_constant(value)
    return quoted(dump_scalar(value))


_COMPOSITES: Mapping[str, Callable[[JsonWriter, Branch], str]] = {
    "string": JsonWriter._foreign_string,
    "integer": JsonWriter._multiple,
    "array": JsonWriter._array,
    "object": JsonWriter._object,
}
