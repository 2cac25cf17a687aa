"""The fourth reading of a wire tree: the style of a text that is known to make given calls.

A chat template shows calls in a style of its own: other whitespace between the marks of the format, other separators in
the JSON, Python's words. Models write what they were shown, so a format is fitted to its template: each leaf of which
there are several styles takes the one that the template shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from turngrammar import wire
from turngrammar.formats.format import Format
from turngrammar.json_style import JSON_STYLES
from turngrammar.lowered import json_type
from turngrammar.notation import JSON_WORDS, NOTATIONS, PYTHON_WORDS, Notation, encode_element
from turngrammar.render import Call
from turngrammar.scan import load_json

Path = tuple[int | str, ...]  # fields and indices from the root of a tree to one of its nodes
_BLANK = r"[ \t\r\n]"
_SPACE = f"{_BLANK}*"


@dataclass(frozen=True)
class RenderedTurn:
    """The text that a template shows of a turn with these calls and no content."""

    text: str
    calls: tuple[Call, ...]


def format_as_rendered(format: Format, turns: Sequence[RenderedTurn]) -> Format | None:
    """The format in the style of these turns; None where the first of them is not in the format at all."""
    fits = [_fit(format.calls, turn) for turn in turns]
    if not fits or fits[0] is None:
        return None
    leaves: dict[Path, wire.Node] = {}
    for fit in filter(None, fits):
        for path, node in fit.leaves.items():
            leaves[path] = _merged(_at(format.calls, path), leaves.get(path, node), node)
    calls = _rebuilt(format.calls, leaves)
    lead, tail = fits[0].lead, fits[0].tail
    return replace(format, calls=wire.seq(calls, wire.Space(tail)) if tail else calls, lead=lead)


def _at(node: Any, path: Path) -> Any:
    for step in path:
        node = node[step] if isinstance(step, int) else getattr(node, step)
    return node


def _merged(original: Any, first: Any, second: Any) -> Any:
    """The leaf of two samples that differs from the format's, field by field; of two such, the first.

    Whitespace is always that of the first: some templates show another where there are no arguments.
    """
    if isinstance(original, wire.Space):
        return first
    kinds = {type(original), type(first), type(second)}
    if len(kinds) > 1 or not is_dataclass(original):
        return second if first == original else first
    merged = {}
    for name in _field_names(original):
        values = (getattr(node, name) for node in (original, first, second))
        merged[name] = _merged(*values)
    return replace(first, **merged)


@dataclass(frozen=True)
class _Fit:
    """What one turn shows: the whitespace around the calls, and the leaves in its style."""

    lead: str
    tail: str
    leaves: Mapping[Path, wire.Node]


def _fit(tree: wire.Node, turn: RenderedTurn) -> _Fit | None:
    """Tried first: the whitespace of one node is the same wherever it occurs. Some templates vary it."""
    for alike in (True, False):
        pattern = _Pattern(turn.calls, alike)
        body = pattern.walk(tree, ())
        match = re.fullmatch(f"(?P<lead>{_SPACE}){body}(?P<tail>{_SPACE})", turn.text, re.DOTALL)
        if match is not None and (leaves := _fitted_leaves(pattern, match)) is not None:
            return _Fit(match["lead"], match["tail"], leaves)
    return None


def _fitted_leaves(pattern: _Pattern, match: re.Match[str]) -> Mapping[Path, wire.Node] | None:
    """The leaves in the style of the text; None where one of them can't be read."""
    leaves: dict[Path, wire.Node] = {}
    for group, (path, node, value) in pattern.groups.items():
        if match[group] is not None:
            leaf = _FITS[type(node)](node, match[group], value)
            if leaf is None:
                return None
            leaves[path] = _merged(node, leaves.get(path, leaf), leaf)
    return leaves


@dataclass
class _Pattern:
    """The regex of all texts in which a tree makes the calls.

    Attributes:
        alike: whether the whitespace of one node is the same wherever it occurs.
        groups: path, node and value of each group.
    """

    calls: Sequence[Call]
    alike: bool
    groups: dict[str, tuple[Path, wire.Node, Any]] = field(default_factory=dict)
    _ordinal: int = 0
    _member: tuple[str, Any] = ("", None)

    def walk(self, node: wire.Node, path: Path) -> str:
        return _PATTERNS[type(node)](self, node, path)

    @property
    def call(self) -> Call:
        return self.calls[self._ordinal]

    def group(self, node: wire.Node, path: Path, pattern: str, value: Any = None) -> str:
        name = f"g{len(self.groups)}"
        self.groups[name] = (path, node, value)
        return f"(?P<{name}>{pattern})"

    def lit(self, node: wire.Lit, path: Path) -> str:
        return re.escape(node.text)

    def space(self, node: wire.Space, path: Path) -> str:
        known = next((name for name, group in self.groups.items() if group[0] == path), None) if self.alike else None
        if known:
            return f"(?P={known})"
        own = re.escape(node.canonical)
        # The format's own whitespace is tried once: twice at each space would be slow for a text that does not match.
        return self.group(node, path, f"{own}|(?!{own}(?!{_BLANK})){_SPACE}")

    def ahead(self, node: wire.Ahead, path: Path) -> str:
        return f"(?={re.escape(node.text)})"

    def seq(self, node: wire.Seq, path: Path) -> str:
        return "".join(self.walk(part, (*path, "parts", index)) for index, part in enumerate(node.parts))

    def alt(self, node: wire.Alt, path: Path) -> str:
        return f"(?:{'|'.join(self.walk(option, (*path, 'options', at)) for at, option in enumerate(node.options))})"

    def maybe(self, node: wire.Opt | wire.May | wire.Stray, path: Path) -> str:
        return f"(?:{self.walk(node.body, (*path, 'body'))})?"

    def many(self, node: wire.Many, path: Path) -> str:
        items = []
        for ordinal in range(len(self.calls)):
            self._ordinal = ordinal
            items += [self.walk(node.separator, (*path, "separator"))] if ordinal else []
            items.append(self.walk(node.item, (*path, "item")))
        return "".join(items)

    def call_of(self, node: wire.Invocation, path: Path) -> str:
        return self.walk(node.head, (*path, "head")) + self.walk(node.tail, (*path, "tail"))

    def name(self, node: wire.Name, path: Path) -> str:
        return re.escape(self.call.name)

    def id(self, node: wire.Id, path: Path) -> str:
        return r"\S+?"

    def ordinal(self, node: wire.Ordinal, path: Path) -> str:
        return "[0-9]+"

    def arguments(self, node: wire.JsonArguments, path: Path) -> str:
        return self.group(node, path, r"\{.*?\}", load_json(self.call.arguments))

    def members(self, node: wire.Members, path: Path) -> str:
        members = []
        for member in load_json(self.call.arguments).items():
            self._member = member
            members.append(self.walk(node.each, (*path, "each")))
        return "".join(members)

    def key(self, node: wire.Key, path: Path) -> str:
        return re.escape(self._member[0] + node.end)

    def typed(self, node: wire.Typed, path: Path) -> str:
        return re.escape(node.string if isinstance(self._member[1], str) else node.other)

    def value(self, node: wire.Value, path: Path) -> str:
        value = self._member[1]
        if isinstance(value, str):
            return re.escape(value + node.end)
        return self.group(node, path, ".*?", value) + re.escape(node.end)

    def word(self, node: wire.Word, path: Path) -> str:
        return r"[\w-]+"

    def type_name(self, node: wire.TypeName, path: Path) -> str:
        return re.escape(json_type(self._member[1]))

    def wrapped(self, node: wire.Wrapped, path: Path) -> str:
        value = self._member[1]
        if not isinstance(value, str):
            return self.value(node, path)
        return f"(?:{re.escape(node.open + value + node.close)}|{re.escape(value)}){re.escape(node.end)}"

    def elements(self, node: wire.Elements, path: Path) -> str:
        members = load_json(self.call.arguments).items()
        return _SPACE.join(re.escape(encode_element(node.mark, name, value)) for name, value in members)

    def notation_arguments(self, node: wire.NotationArguments, path: Path) -> str:
        return self.group(node, path, ".*?", load_json(self.call.arguments))


_PATTERNS: Mapping[type[wire.Node], Callable[[_Pattern, Any, Path], str]] = {
    wire.Lit: _Pattern.lit,
    wire.Space: _Pattern.space,
    wire.Ahead: _Pattern.ahead,
    wire.Seq: _Pattern.seq,
    wire.Alt: _Pattern.alt,
    wire.Opt: _Pattern.maybe,
    wire.May: _Pattern.maybe,
    wire.Stray: _Pattern.maybe,
    wire.Many: _Pattern.many,
    wire.Invocation: _Pattern.call_of,
    wire.Name: _Pattern.name,
    wire.Id: _Pattern.id,
    wire.Ordinal: _Pattern.ordinal,
    wire.JsonArguments: _Pattern.arguments,
    wire.Members: _Pattern.members,
    wire.Key: _Pattern.key,
    wire.Typed: _Pattern.typed,
    wire.Value: _Pattern.value,
    wire.NotationArguments: _Pattern.notation_arguments,
    wire.Word: _Pattern.word,
    wire.TypeName: _Pattern.type_name,
    wire.Wrapped: _Pattern.wrapped,
    wire.Elements: _Pattern.elements,
}


def _fit_space(node: wire.Space, text: str, value: None) -> wire.Node:
    return wire.Space(text)


def _fit_json_arguments(node: wire.JsonArguments, text: str, value: Any) -> wire.Node | None:
    style = next((style for style in JSON_STYLES if style.encode(value) == text), node.style)
    return replace(node, style=style) if _means(text, value) else None


def _fit_value(node: wire.Value, text: str, value: Any) -> wire.Node | None:
    if value is None or isinstance(value, bool):
        at = (None, True, False).index(value)
        words = next((words for words in (node.words, JSON_WORDS, PYTHON_WORDS) if words[at] == text), None)
        return words and replace(node, words=words)
    if isinstance(value, list | dict):
        style = next((style for style in JSON_STYLES if style.encode(value) == text), None)
        notation = next((notation for notation in NOTATIONS if notation.encode(value) == text), None)
        if style is not None:
            return replace(node, style=style)
        return replace(node, notation=notation) if notation else None
    return node if _means(text, value) else None


def _fit_notation(node: wire.NotationArguments, text: str, value: Any) -> wire.Node | None:
    variants = _notation_variants(node.notation)
    notation = next((variant for variant in variants if variant.encode_arguments(value) == text), None)
    return replace(node, notation=notation) if notation else None


def _notation_variants(own: Notation) -> Iterator[Notation]:
    """The notations that a template may use, the most common first: some print only null as Python does."""
    for sort_keys in (False, True):
        for notation in (own, *NOTATIONS):
            yield replace(notation, sort_keys=sort_keys)
            yield replace(notation, sort_keys=sort_keys, words=(PYTHON_WORDS[0], *JSON_WORDS[1:]))


def _means(text: str, value: Any) -> bool:
    try:
        return json.dumps(load_json(text), sort_keys=True) == json.dumps(value, sort_keys=True)
    except ValueError:
        return False


_FITS: Mapping[type[wire.Node], Callable[[Any, str, Any], wire.Node | None]] = {
    wire.Space: _fit_space,
    wire.JsonArguments: _fit_json_arguments,
    wire.Value: _fit_value,
    wire.Wrapped: _fit_value,
    wire.NotationArguments: _fit_notation,
}
"""A leaf in the style of its text; None where the text is not its value."""


def _rebuilt(node: Any, leaves: Mapping[Path, wire.Node], path: Path = ()) -> Any:
    """The tree with these nodes at their paths."""
    if path in leaves:
        return leaves[path]
    if isinstance(node, tuple):
        return tuple(_rebuilt(part, leaves, (*path, index)) for index, part in enumerate(node))
    if not isinstance(node, wire.Node):
        return node
    parts = {name: _rebuilt(getattr(node, name), leaves, (*path, name)) for name in _field_names(node)}
    return replace(node, **parts)  # type: ignore[type-var]


def _field_names(node: Any) -> list[str]:
    return [part.name for part in fields(node)]
