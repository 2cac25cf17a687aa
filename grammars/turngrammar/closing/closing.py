"""The shortest end of a document that was cut.

The schema proposes and the grammar decides: ends are put together from what is open in the text, along every branch of
the schema, and the first of them that llguidance accepts is taken, cheapest first.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping

from turngrammar.closing.outline import Frame, Outline
from turngrammar.closing.scalars import ending
from turngrammar.closing.search import closes, matcher, search, taken
from turngrammar.closing.shortest import Node, Shortest, after, item, joined, spell, spelled, value_of
from turngrammar.closing.words import Words, words
from turngrammar.lowered import Lowered, branches
from turngrammar.schema import SchemaPlan

# Ends that are proposed for one value, at most, and tried for a document.
MOST_ENDS = 64
# The first letter of a value of each type.
_FIRST: Mapping[str, str] = {"object": "{", "array": "[", "string": '"', "null": "n", "boolean": "tf"}


class Closer:
    """Of one document while it grows. Takes a second for a large schema, the first time; a copy of it takes nothing."""

    def __init__(self, plan: SchemaPlan) -> None:
        self._shortest = Shortest(plan.lowered)
        self._origin = matcher(plan.json)
        self.reset()

    def reset(self) -> None:
        """Nothing is written yet."""
        self.outline = Outline()
        self._grown = self._origin.deep_copy()

    def copy(self) -> Closer:
        """For another document of the same schema."""
        other = object.__new__(Closer)
        other._shortest, other._origin = self._shortest, self._origin
        other.reset()
        return other

    def feed(self, text: str) -> bool:
        """More of the document; whether its grammar allows it."""
        self.outline.feed(text)
        return taken(self._grown, text)

    def closes(self, end: str) -> bool:
        """Whether the document is complete behind this text."""
        return closes(self._grown, end)

    def closing(self) -> str | None:
        """The shortest end; None where none was found.

        It is the shortest of those that the schema's structure proposes. Where the grammar wants none of them, it is
        whatever end the grammar is led to letter by letter.
        """
        if self.closes(""):
            return ""
        try:
            proposed = _cheapest(self._value(self._shortest.root, 0))
        except RecursionError:
            return None
        return next((end.text for end in proposed if self.closes(end.text)), None) or search(self._grown.deep_copy())

    def _value(self, node: Lowered, level: int) -> Iterator[Words]:
        """Ends of the value that the frame of this level belongs to; beyond the last, of the word that is open."""
        frames = self.outline.frames
        frame = frames[level] if level < len(frames) else None
        begun = self.outline.text[frame.start if frame else self.outline.at :]
        if not begun:
            yield from _some(self._shortest.of(node))
            return
        for branch in branches(node, self._shortest.root):
            kind = branch["type"]
            if "enum" in branch:
                yield from spelled(branch["enum"], begun)
            elif frame is None:
                yield from self._shortest.scalars(kind, branch, begun) if kind not in ("object", "array") else ()
            elif begun[0] == _FIRST.get(kind):
                yield from (self._object if kind == "object" else self._list)(branch, level)

    def _list(self, branch: Node, level: int) -> Iterator[Words]:
        frame = self.outline.frames[level]
        count = len(frame.values)
        if not all(self._may_be(item(branch, index), text) for index, text in enumerate(frame.values)):
            return
        written, separator = self.outline.text[frame.behind :], ", " if count else ""
        if not written:
            yield from _some(self._shortest.rest_of_list(branch, count))
        rest = self._shortest.rest_of_list(branch, count + 1)
        lead = words(separator[len(written) :])
        for one in _cheapest(self._value(item(branch, count), level + 1)):
            yield from _some(joined(lead, one, rest))

    def _object(self, branch: Node, level: int) -> Iterator[Words]:
        frame = self.outline.frames[level]
        members = zip(frame.keys, frame.values, strict=True)
        if not all(self._may_be(value_of(branch, key), text) for key, text in members):
            return
        written = self.outline.text[frame.behind :]
        if not written:
            yield from _some(self._shortest.rest_of_object(branch, frame.keys))
        if frame.key is None:
            yield from self._keys(branch, frame, written)
            return
        lead = words(": "[len(self.outline.text[frame.colon :]) :])
        rest = self._shortest.rest_of_object(branch, [*frame.keys, frame.key])
        for one in _cheapest(self._value(value_of(branch, frame.key), level + 1)):
            yield from _some(joined(lead, one, rest))

    def _keys(self, branch: Node, frame: Frame, written: str) -> Iterator[Words]:
        """Ends in which the next member's key goes on as it is written."""
        separator = ", " if frame.keys else ""
        lead, begun = words(separator[len(written) :]), written[len(separator) :]
        for text in self._spellings(branch, frame, begun):
            key = json.loads(text)
            value = self._shortest.of(value_of(branch, key))
            rest = self._shortest.rest_of_object(branch, [*frame.keys, key])
            yield from _some(joined(lead, words(f"{text[len(begun) :]}: "), value, rest))

    def _spellings(self, branch: Node, frame: Frame, begun: str) -> Iterator[str]:
        """Keys that begin so: the properties up to the first that is required, or else what stands behind them all."""
        for key in after(branch, frame.keys):
            if (text := spell(key)).startswith(begun):
                yield text
            if key in branch.get("required", ()):
                return
        if not begun:
            yield from map(spell, self._shortest.other_keys(branch, frame.keys))
            return
        for schema in ({}, *({"pattern": pattern} for pattern in branch.get("patternProperties", ()))):
            end = ending({"type": "string", **schema}, begun)
            if end is not None:
                yield begun + end

    def _may_be(self, node: Lowered, text: str) -> bool:
        """Whether a complete value may be of this node: only the first letter and listed values are looked at."""
        for branch in branches(node, self._shortest.root):
            if "enum" in branch:
                if text in map(spell, branch["enum"]):
                    return True
            elif text[0] in _FIRST.get(branch["type"], "-0123456789"):
                return True
        return False


def _some(found: Words | None) -> tuple[Words, ...]:
    return () if found is None else (found,)


def _cheapest(found: Iterator[Words]) -> list[Words]:
    return heapq.nsmallest(MOST_ENDS, found)
