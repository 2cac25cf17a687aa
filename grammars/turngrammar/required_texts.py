"""The fifth reading of a wire tree: the pieces of text that a turn has, at least, up to the end of its first call.

They are for a lower bound: what may differ between two calls is a gap, so that no call is without the pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from turngrammar import wire
from turngrammar.lowered import Lowered, branches
from turngrammar.scan import dump_scalar

# Between two pieces, and where others may follow: any text, or none.
GAP = None
Pieces = tuple[str | None, ...]
# Ways to write a call of one tool, of which each has a bound of its own: alternatives of the format, of the schema.
MOST_WAYS = 64


def required_texts(tree: wire.Node, name: str, parameters: Lowered) -> list[Pieces]:
    """One for each way to call the tool of this name, which the turn does first; neighbouring pieces are apart.

    [] where there are more ways than are worth comparing.
    """
    ways = _Reading(name, parameters).walk(tree)
    return [] if len(ways) > MOST_WAYS else [_merged_pieces(way) for way in ways]


def _merged_pieces(pieces: Pieces) -> Pieces:
    """Neighbouring texts as one, and neighbouring gaps; a gap at the end, because more may follow the call."""
    joined: list[str | None] = []
    for piece in (*pieces, GAP):
        last = joined[-1] if joined else ""
        if piece is GAP and last is GAP:
            continue
        if piece is not GAP and joined and last is not GAP:
            joined[-1] = last + piece
        elif piece != "":
            joined.append(piece)
    return tuple(joined)


class _Reading:
    """Each method has the ways to write its node, as far as the end of the first call."""

    def __init__(self, name: str, parameters: Lowered) -> None:
        self._name = name
        self._parameters = parameters
        self._key = ""

    def walk(self, node: wire.Node) -> list[Pieces]:
        read = _READERS.get(type(node))
        return read(self, node) if read else [(GAP,)]

    def lit(self, node: wire.Lit) -> list[Pieces]:
        return [(node.text,)]

    def space(self, node: wire.Space) -> list[Pieces]:
        return [(node.canonical,)]

    def seq(self, node: wire.Seq) -> list[Pieces]:
        return self._in_order(_to_first_call(node.parts))

    def _in_order(self, nodes: Sequence[wire.Node]) -> list[Pieces]:
        """As many ways as are compared, and one more."""
        ways: list[Pieces] = [()]
        for node in nodes:
            ways = [(*before, *behind) for before, behind in product(ways, self.walk(node))][: MOST_WAYS + 1]
        return ways

    def alt(self, node: wire.Alt) -> list[Pieces]:
        return [way for option in node.options for way in self.walk(option)]

    def many(self, node: wire.Many) -> list[Pieces]:
        return self.walk(node.item)

    def text(self, node: wire.FreeText) -> list[Pieces]:
        then = self.walk(node.then) if node.then and node.follows == "must" else [()]
        return [(GAP, *way) for way in then]

    def call(self, node: wire.Invocation) -> list[Pieces]:
        return self._in_order([*wire.parts(node.head), *wire.parts(node.tail)])

    def name(self, node: wire.Name) -> list[Pieces]:
        return [(self._name,)]

    def id(self, node: wire.Id) -> list[Pieces]:
        return self.walk(node.body)

    def arguments(self, node: wire.JsonArguments) -> list[Pieces]:
        style = node.style
        return [
            ("{", GAP, *_apart(dump_scalar(name) + style.key_separator for name in names), "}")
            for names in self._required(sort=style.sort_keys)
        ]

    def notation(self, node: wire.NotationArguments) -> list[Pieces]:
        names = self._required(sort=node.notation.sort_keys)
        return [(GAP, *_apart(required)) for required in names]

    def members(self, node: wire.Members) -> list[Pieces]:
        return [way for names in self._required() for way in self._members(node, names)]

    def _members(self, node: wire.Members, names: Sequence[str]) -> list[Pieces]:
        ways: list[Pieces] = [(GAP,)]
        for self._key in names:
            ways = [(*before, *one, GAP) for before, one in product(ways, self.walk(node.each))][: MOST_WAYS + 1]
        return ways

    def key(self, node: wire.Key) -> list[Pieces]:
        return [(self._key + node.end,)]

    def value(self, node: wire.Value) -> list[Pieces]:
        return [(GAP, node.end)]

    def elements(self, node: wire.Elements) -> list[Pieces]:
        mark = node.mark
        return [
            (GAP, *_apart(tag for name in names for tag in (f"{mark}<{name}>", f"{mark}</{name}>")))
            for names in self._required()
        ]

    def _required(self, *, sort: bool = False) -> Iterator[Sequence[str]]:
        """The required arguments in the order in which they are written, for each form of the arguments."""
        root = self._parameters
        for branch in branches(root, root):
            if branch["type"] == "object":
                required = frozenset(branch.get("required", ()))
                names = [name for name in branch.get("properties", {}) if name in required]
                yield sorted(names) if sort else names


def _apart(pieces: Iterator[str] | Sequence[str]) -> Pieces:
    """With a gap behind each: other arguments may be between two."""
    return tuple(part for piece in pieces for part in (piece, GAP))


def _to_first_call(nodes: Sequence[wire.Node]) -> Sequence[wire.Node]:
    for index, node in enumerate(nodes):
        if _has_call(node):
            return nodes[: index + 1]
    return nodes


def _has_call(node: wire.Node) -> bool:
    match node:
        case wire.Invocation() | wire.Many():
            return True
        case wire.Seq(parts):
            return any(map(_has_call, parts))
        case wire.Alt(options):
            return any(map(_has_call, options))
        case wire.FreeText(then=then) if then:
            return _has_call(then)
        case _:
            return False


_READERS: Mapping[type[wire.Node], Callable[[_Reading, Any], list[Pieces]]] = {
    wire.Lit: _Reading.lit,
    wire.Space: _Reading.space,
    wire.Seq: _Reading.seq,
    wire.Alt: _Reading.alt,
    wire.Many: _Reading.many,
    wire.FreeText: _Reading.text,
    wire.Invocation: _Reading.call,
    wire.Name: _Reading.name,
    wire.Id: _Reading.id,
    wire.JsonArguments: _Reading.arguments,
    wire.Members: _Reading.members,
    wire.Key: _Reading.key,
    wire.Value: _Reading.value,
    wire.Wrapped: _Reading.value,
    wire.Elements: _Reading.elements,
    wire.NotationArguments: _Reading.notation,
}
