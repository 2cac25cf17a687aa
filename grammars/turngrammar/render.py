"""The third reading of a wire tree: calls -> canonical text, for chat history and for round trips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from turngrammar import wire
from turngrammar.formats.format import Format
from turngrammar.json_style import CANONICAL, JsonStyle
from turngrammar.lowered import json_type
from turngrammar.notation import encode_element
from turngrammar.scan import load_json


@dataclass(frozen=True)
class Call:
    """A tool call. `arguments` is JSON text; `id` is that of the wire format, or None."""

    name: str
    arguments: str
    id: str | None = None


def render(format: Format, calls: Sequence[Call]) -> str:
    """The text with which a model of this format makes these calls; "" for no calls."""
    return CallRenderer(calls).walk(format.calls) if calls else ""


class CallRenderer:
    """Walks a tree once for all calls; `Many` writes one item for each of them."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = calls
        self._ordinal = 0
        self._key = ""
        self._value: Any = None

    def walk(self, node: wire.Node) -> str:
        return _RENDERERS[type(node)](self, node)

    @property
    def _call(self) -> Call:
        return self._calls[self._ordinal]

    def lit(self, node: wire.Lit) -> str:
        return node.text

    def space(self, node: wire.Space) -> str:
        return node.canonical

    def seq(self, node: wire.Seq) -> str:
        return "".join(map(self.walk, node.parts))

    def alt(self, node: wire.Alt) -> str:
        return self.walk(node.options[0])

    def nothing(self, node: wire.Opt | wire.Stray | wire.Ahead) -> str:
        return ""

    def may(self, node: wire.May) -> str:
        return self.walk(node.body)

    def many(self, node: wire.Many) -> str:
        return self.walk(node.separator).join(self._item(node, ordinal) for ordinal in range(len(self._calls)))

    def _item(self, node: wire.Many, ordinal: int) -> str:
        self._ordinal = ordinal
        return self.walk(node.item)

    def call(self, node: wire.Invocation) -> str:
        return self.walk(node.head) + self.walk(node.tail)

    def name(self, node: wire.Name) -> str:
        return self._call.name

    def id(self, node: wire.Id) -> str:
        return self._call.id or self.walk(node.body)

    def ordinal(self, node: wire.Ordinal) -> str:
        return str(self._ordinal + node.first)

    def word(self, node: wire.Word) -> str:
        return f"{node.canonical}{self._ordinal}"

    def arguments(self, node: wire.JsonArguments) -> str:
        text = self._call.arguments
        return text if node.style == CANONICAL else _restyled(text, node.style)

    def members(self, node: wire.Members) -> str:
        return "".join(self._member(node, key, value) for key, value in _parsed_arguments(self._call.arguments))

    def _member(self, node: wire.Members, key: str, value: Any) -> str:
        self._key, self._value = key, value
        return self.walk(node.each)

    def notation_arguments(self, node: wire.NotationArguments) -> str:
        return node.notation.encode_arguments(dict(_parsed_arguments(self._call.arguments)))

    def key(self, node: wire.Key) -> str:
        return self._key + node.end

    def typed(self, node: wire.Typed) -> str:
        return node.string if isinstance(self._value, str) else node.other

    def type_name(self, node: wire.TypeName) -> str:
        return json_type(self._value)

    def value(self, node: wire.Value) -> str:
        if isinstance(self._value, str):
            return self._value + node.end
        if node.notation and isinstance(self._value, list | dict):
            return node.notation.encode(self._value) + node.end
        word = next((word for value, word in zip(_WORDED, node.words, strict=True) if self._value is value), None)
        return (word or node.style.encode(self._value)) + node.end

    def wrapped(self, node: wire.Wrapped) -> str:
        value = self._value
        wrapped = isinstance(value, str) and any(character in value for character in node.characters)
        return f"{node.open}{value}{node.close}{node.end}" if wrapped else self.value(node)

    def elements(self, node: wire.Elements) -> str:
        return "".join(encode_element(node.mark, key, value) for key, value in _parsed_arguments(self._call.arguments))


_WORDED = (None, True, False)


def _restyled(arguments: str, style: JsonStyle) -> str:
    """The arguments in this style; unchanged where they are malformed."""
    try:
        return style.encode(load_json(arguments))
    except ValueError:
        return arguments


def _parsed_arguments(arguments: str) -> Iterable[tuple[str, Any]]:
    """The arguments one by one. Histories hold malformed arguments too: that text is shown unchanged."""
    try:
        members = load_json(arguments)
    except ValueError:
        members = arguments
    return members.items() if isinstance(members, dict) else [("arguments", arguments)]


_RENDERERS: Mapping[type[wire.Node], Callable[[CallRenderer, Any], str]] = {
    wire.Lit: CallRenderer.lit,
    wire.Space: CallRenderer.space,
    wire.Seq: CallRenderer.seq,
    wire.Alt: CallRenderer.alt,
    wire.Opt: CallRenderer.nothing,
    wire.May: CallRenderer.may,
    wire.Stray: CallRenderer.nothing,
    wire.Ahead: CallRenderer.nothing,
    wire.Many: CallRenderer.many,
    wire.Invocation: CallRenderer.call,
    wire.Name: CallRenderer.name,
    wire.Id: CallRenderer.id,
    wire.Ordinal: CallRenderer.ordinal,
    wire.Word: CallRenderer.word,
    wire.JsonArguments: CallRenderer.arguments,
    wire.Members: CallRenderer.members,
    wire.NotationArguments: CallRenderer.notation_arguments,
    wire.Key: CallRenderer.key,
    wire.Typed: CallRenderer.typed,
    wire.Value: CallRenderer.value,
    wire.Wrapped: CallRenderer.wrapped,
    wire.TypeName: CallRenderer.type_name,
    wire.Elements: CallRenderer.elements,
}
