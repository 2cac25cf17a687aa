"""Literals with holes in them -> nodes of a wire tree.

A hole is a private-use character, which no chat template has, in the place of a name, a number or arguments.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from turngrammar.formats.atoms import atoms
from turngrammar.wire import ARGUMENTS, NAME, ORDINAL, Id, Lit, Node, Space, seq

NAMED, NUMBERED, ARGUED = "\ue000", "\ue001", "\ue002"

_HOLES: Mapping[str, Node] = {NAMED: NAME, NUMBERED: ORDINAL, ARGUED: ARGUMENTS}
_HOLE = re.compile(f"([{''.join(_HOLES)}])")
# An id is the word around a number: up to whitespace, a quote, a bracket or a tag.
_IDENTITY = re.compile(f"([^\\s\"'<>{{}}\\[\\](),]*{NUMBERED}[^\\s\"'<>{{}}\\[\\](),]*)")
_BREAK = re.compile(r"(\s*\n\s*|\s+\Z|(?:(?<=>)|\A) +(?=<))")
_PUNCTUATION = re.compile(r"([{}\[\],:]|\s+)")
_EXAMPLES = str.maketrans({NAMED: "n", NUMBERED: "0", ARGUED: "0"})
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Pattern:
    """A text with holes. From `start` to `stop` it is JSON, in which whitespace around punctuation is free."""

    text: str
    start: int
    stop: int

    def nodes(self, start: int, stop: int) -> Node:
        """The tree of the part from `start` to `stop`."""
        bounds = [start, *(cut for cut in (self.start, self.stop) if start < cut < stop), stop]
        return seq(*(self._part(left, right) for left, right in itertools.pairwise(bounds)))

    def _part(self, start: int, stop: int) -> Node:
        piece = self.text[start:stop]
        if not self.start <= start < self.stop:
            return markup_nodes(piece)
        return json_nodes(piece, within_string=self.text.count('"', self.start, start) % 2 == 1)


def holed_pattern(text: str) -> Pattern:
    """`text`, with the bounds of the JSON value in it that has the arguments."""
    example, arguments = text.translate(_EXAMPLES), text.index(ARGUED)
    for start in (at for at, character in enumerate(example[: arguments + 1]) if character in "[{"):
        try:
            _, stop = _DECODER.raw_decode(example, start)
        except ValueError:
            continue
        if stop > arguments:
            return Pattern(text, start, stop)
    return Pattern(text, arguments, arguments + 1)


def name_end(text: str) -> int:
    """The index at which the name is certainly whole: behind it, its id and the markup that follows directly."""
    name = text.index(NAMED)
    identity = next((match for match in _IDENTITY.finditer(text) if match.start() <= name < match.end()), None)
    end = identity.end() if identity else name + 1
    following = atoms(text[end:])[:1]
    return end + sum(len(atom) for atom in following if not atom.isspace() and atom not in _HOLES)


def markup_nodes(text: str) -> Node:
    """Literals, in which line breaks, and whitespace at the end, may be any whitespace.

    Blanks between two tags are not part of the format: they are the indentation of a template that does not trim it.
    """
    return seq(
        *(_whitespace(piece) if index % 2 else _fill_holes(piece) for index, piece in enumerate(_BREAK.split(text)))
    )


def _whitespace(text: str) -> Node:
    return Space(text if "\n" in text or len(text) == 1 else "")


def json_nodes(text: str, *, within_string: bool) -> Node:
    """A piece of JSON. Whitespace around its punctuation is free; strings are exact."""
    nodes: list[Node] = []
    for index, piece in enumerate(text.split('"')):
        nodes += [Lit('"')] if index else []
        nodes += [_fill_holes(piece)] if (index + within_string) % 2 else _outside(piece)
    return seq(*nodes)


def _outside(text: str) -> Iterator[Node]:
    for piece in filter(None, _PUNCTUATION.split(text)):
        if piece.isspace():
            yield Space(piece)
        elif len(piece) == 1 and _PUNCTUATION.fullmatch(piece):
            yield from (Space(), Lit(piece), Space())
        else:
            yield _fill_holes(piece)


def _fill_holes(text: str) -> Node:
    """A text with its holes filled; those of an id together."""
    pieces = _IDENTITY.split(text)
    return seq(*(Id(_fill_piece(piece)) if index % 2 else _fill_piece(piece) for index, piece in enumerate(pieces)))


def _fill_piece(text: str) -> Node:
    return seq(*(_HOLES.get(piece, Lit(piece)) for piece in _HOLE.split(text)))
