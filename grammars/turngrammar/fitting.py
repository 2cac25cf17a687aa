"""The fourth reading of a wire tree: how a text that is known to make given calls spells them.

A chat template shows calls in a spelling of its own: other whitespace between the marks of the format, other
separators in the JSON, Python's words. Models write what they were shown, so a format is fitted to its template: each
leaf that may be spelled otherwise takes the spelling that the template shows.
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

Path = tuple[int | str, ...]  # the fields and places that lead from the root of a tree to one of its nodes
_BLANK = r"[ \t\r\n]"
_SPACE = f"{_BLANK}*"


@dataclass(frozen=True)
class RenderedTurn:
    """What a template shows of a turn that makes `calls` and says nothing else."""

    text: str
    calls: tuple[Call, ...]


def format_as_rendered(format: Format, samples: Sequence[RenderedTurn]) -> Format | None:
    """The format as these samples spell it; None where the first of them is not written in the format at all."""
    readings = [_fit(format.calls, sample) for sample in samples]
    if not readings or readings[0] is None:
        return None
    found: dict[Path, wire.Node] = {}
    for reading in filter(None, readings):
        for path, node in reading.leaves.items():
            found[path] = _merged(_at(format.calls, path), found.get(path, node), node)
    calls = _rebuilt(format.calls, found)
    lead, tail = readings[0].lead, readings[0].tail
    return replace(format, calls=wire.seq(calls, wire.Space(tail)) if tail else calls, lead=lead)


def _at(node: Any, path: Path) -> Any:
    for step in path:
        node = node[step] if isinstance(step, int) else getattr(node, step)
    return node


def _merged(original: Any, first: Any, second: Any) -> Any:
    """What either of two samples shows of a leaf otherwise than the format has it; of two, the first.

    Whitespace is always as the first has it: some templates show another where there are no arguments.
    """
    if isinstance(original, wire.Space):
        return first
    kinds = {type(original), type(first), type(second)}
    if len(kinds) > 1 or not is_dataclass(original):
        return second if first == original else first
    merged = {}
    for one in fields(original):
        values = (getattr(node, one.name) for node in (original, first, second))
        merged[one.name] = _merged(*values)
    return replace(first, **merged)


@dataclass(frozen=True)
class _Fit:
    """What one sample shows: the whitespace around the calls, and how leaves are spelled."""

    lead: str
    tail: str
    leaves: Mapping[Path, wire.Node]


def _fit(tree: wire.Node, sample: RenderedTurn) -> _Fit | None:
    """Where the same whitespace stands in several places it should be the same; some templates don't care."""
    for alike in (True, False):
        pattern = _Pattern(sample.calls, alike)
        body = pattern.walk(tree, ())
        match = re.fullmatch(f"(?P<lead>{_SPACE}){body}(?P<tail>{_SPACE})", sample.text, re.DOTALL)
        if match is not None and (leaves := _fitted_leaves(pattern, match)) is not None:
            return _Fit(match["lead"], match["tail"], leaves)
    return None


def _fitted_leaves(pattern: _Pattern, match: re.Match[str]) -> Mapping[Path, wire.Node] | None:
    """How the leaves are spelled; None where one of them can't be read so."""
    leaves: dict[Path, wire.Node] = {}
    for group, (path, node, value) in pattern.groups.items():
        if match[group] is not None:
            spelled = _FITS[type(node)](node, match[group], value)
            if spelled is None:
                return None
            leaves[path] = _merged(node, leaves.get(path, spelled), spelled)
    return leaves


@dataclass
class _Pattern:
    """Writes the regex of all texts in which a tree makes the calls. `groups`: path, node and value of each group.

    `alike`: the whitespace of one node is the same wherever it stands.
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
        # What is the format's own is tried once: twice for each space would be too often for a text that does not fit.
        return self.group(node, path, f"{own}|(?!{own}(?!{_BLANK})){_SPACE}")

    def ahead(self, node: wire.Ahead, path: Path) -> str:
        return f"(?={re.escape(node.text)})"

    def seq(self, node: wire.Seq, path: Path) -> str:
        return "".join(self.walk(part, (*path, "parts", index)) for index, part in enumerate(node.parts))

    def alt(self, node: wire.Alt, path: Path) -> str:
        return f"(?:{'|'.join(self.walk(one, (*path, 'options', at)) for at, one in enumerate(node.options))})"

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
        written = []
        for member in load_json(self.call.arguments).items():
            self._member = member
            written.append(self.walk(node.each, (*path, "each")))
        return "".join(written)

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
    spelling = next((one for one in JSON_STYLES if one.encode(value) == text), node.style)
    return replace(node, style=spelling) if _means(text, value) else None


def _fit_value(node: wire.Value, text: str, value: Any) -> wire.Node | None:
    if value is None or isinstance(value, bool):
        at = (None, True, False).index(value)
        words = next((words for words in (node.words, JSON_WORDS, PYTHON_WORDS) if words[at] == text), None)
        return words and replace(node, words=words)
    if isinstance(value, list | dict):
        spelling = next((one for one in JSON_STYLES if one.encode(value) == text), None)
        notation = next((one for one in NOTATIONS if one.encode(value) == text), None)
        if spelling is not None:
            return replace(node, style=spelling)
        return replace(node, notation=notation) if notation else None
    return node if _means(text, value) else None


def _fit_notation(node: wire.NotationArguments, text: str, value: Any) -> wire.Node | None:
    notation = next((one for one in _notation_variants(node.notation) if one.encode_arguments(value) == text), None)
    return replace(node, notation=notation) if notation else None


def _notation_variants(own: Notation) -> Iterator[Notation]:
    """Those that a template may use, the usual ones first: some print nothing but null as Python does."""
    for sorts in (False, True):
        for notation in (own, *NOTATIONS):
            yield replace(notation, sorts=sorts)
            yield replace(notation, sorts=sorts, words=(PYTHON_WORDS[0], *JSON_WORDS[1:]))


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
"""What a leaf becomes when its text is found; None where it can't be read so."""


def _rebuilt(node: Any, found: Mapping[Path, wire.Node], path: Path = ()) -> Any:
    """The tree, in which the nodes at these paths are replaced."""
    if path in found:
        return found[path]
    if isinstance(node, tuple):
        return tuple(_rebuilt(part, found, (*path, index)) for index, part in enumerate(node))
    if not isinstance(node, wire.Node):
        return node
    parts = {one.name: _rebuilt(getattr(node, one.name), found, (*path, one.name)) for one in fields(node)}  # type: ignore[arg-type]
    return replace(node, **parts)  # type: ignore[type-var]
