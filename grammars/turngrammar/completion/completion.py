"""The shortest completion of a document that was cut.

The schema proposes and the grammar decides: completions are put together from what is open in the text, along every
branch of the schema, and the cheapest of them that llguidance accepts is taken.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping

from turngrammar.completion.matcher import accepts, consumes, schema_matcher, search_completion
from turngrammar.completion.outline import OpenContainer, Outline
from turngrammar.completion.scalars import Branch, scalar_completion
from turngrammar.completion.shortest_values import (
    CostedText,
    ShortestValues,
    canonical_json,
    concatenated,
    costed,
    listed_values,
    properties_after,
    value_schema,
)
from turngrammar.lowered import Lowered, branch_item, branches
from turngrammar.schema import SchemaPlan

MAX_PROPOSALS = 64  # for one value, and for a document
# The first character of a value of each type.
_FIRST: Mapping[str, str] = {"object": "{", "array": "[", "string": '"', "null": "n", "boolean": "tf"}


class ShortestCompletion:
    """Of one document while it grows. For a large schema it takes a second to build; a copy takes microseconds."""

    def __init__(self, plan: SchemaPlan) -> None:
        self._shortest = ShortestValues(plan.lowered)
        self._origin = schema_matcher(plan.lowered, plan.options.texts)
        self.reset()

    def reset(self) -> None:
        """Starts again with an empty document."""
        self.outline = Outline()
        self._matcher = self._origin.deep_copy()

    def copy(self) -> ShortestCompletion:
        """For another document of the same schema."""
        other = object.__new__(ShortestCompletion)
        other._shortest, other._origin = self._shortest, self._origin
        other.reset()
        return other

    def feed(self, text: str) -> bool:
        """More of the document; whether its grammar allows it."""
        self.outline.feed(text)
        return consumes(self._matcher, text)

    def accepts(self, rest: str) -> bool:
        """Whether the document is complete with this rest."""
        return accepts(self._matcher, rest)

    def shortest(self) -> str | None:
        """The shortest rest that completes the document; None where the search for one fails.

        It is the shortest of those that the schema's structure proposes. Where the grammar accepts none of them, it is
        the result of a search over bytes.
        """
        if self.accepts(""):
            return ""
        try:
            proposed = _cheapest(self._value(self._shortest.root, 0))
        except RecursionError:
            return None
        accepted = (rest.text for rest in proposed if self.accepts(rest.text))
        return next(accepted, None) or search_completion(self._matcher.deep_copy())

    def _value(self, node: Lowered, level: int) -> Iterator[CostedText]:
        """Completions of the container that is open at this level; beyond the last level, of the word that is open."""
        containers = self.outline.open
        container = containers[level] if level < len(containers) else None
        begun = self.outline.text[container.start if container else self.outline.at :]
        if not begun:
            yield from _if_any(self._shortest.of(node))
            return
        for branch in branches(node, self._shortest.root):
            kind = branch["type"]
            if "enum" in branch:
                yield from listed_values(branch["enum"], begun)
            elif container is None:
                yield from self._shortest.scalars(kind, branch, begun) if kind not in ("object", "array") else ()
            elif begun[0] == _FIRST.get(kind):
                yield from (self._object if kind == "object" else self._list)(branch, level)

    def _list(self, branch: Branch, level: int) -> Iterator[CostedText]:
        container = self.outline.open[level]
        count = len(container.values)
        if not all(self._may_be(branch_item(branch, index), text) for index, text in enumerate(container.values)):
            return
        behind, separator = self.outline.text[container.behind :], ", " if count else ""
        if not behind:
            yield from filter(None, self._shortest.rests_of_list(branch, count))
        lead = costed(separator[len(behind) :])
        values = _cheapest(self._value(branch_item(branch, count), level + 1))
        for rest in self._shortest.rests_of_list(branch, count + 1):
            yield from filter(None, (concatenated(lead, value, rest) for value in values))

    def _object(self, branch: Branch, level: int) -> Iterator[CostedText]:
        container = self.outline.open[level]
        members = zip(container.keys, container.values, strict=True)
        if not all(self._may_be(value_schema(branch, key), text) for key, text in members):
            return
        behind = self.outline.text[container.behind :]
        if not behind:
            yield from _if_any(self._shortest.rest_of_object(branch, container.keys))
        if container.key is None:
            yield from self._keys(branch, container, behind)
            return
        lead = costed(": "[len(self.outline.text[container.colon :]) :])
        rest = self._shortest.rest_of_object(branch, [*container.keys, container.key])
        for value in _cheapest(self._value(value_schema(branch, container.key), level + 1)):
            yield from _if_any(concatenated(lead, value, rest))

    def _keys(self, branch: Branch, container: OpenContainer, behind: str) -> Iterator[CostedText]:
        """Completions in which the next member's key begins with the text that is there."""
        separator = ", " if container.keys else ""
        lead, begun = costed(separator[len(behind) :]), behind[len(separator) :]
        for text in self._key_texts(branch, container, begun):
            key = json.loads(text)
            value = self._shortest.of(value_schema(branch, key))
            rest = self._shortest.rest_of_object(branch, [*container.keys, key])
            yield from _if_any(concatenated(lead, costed(f"{text[len(begun) :]}: "), value, rest))

    def _key_texts(self, branch: Branch, container: OpenContainer, begun: str) -> Iterator[str]:
        """Keys that begin with `begun`: the properties up to the first required one, or else what follows them all."""
        for key in properties_after(branch, container.keys):
            if (text := canonical_json(key)).startswith(begun):
                yield text
            if key in branch.get("required", ()):
                return
        if not begun:
            yield from map(canonical_json, self._shortest.other_keys(branch, container.keys))
            return
        for schema in ({}, *({"pattern": pattern} for pattern in branch.get("patternProperties", ()))):
            rest = scalar_completion({"type": "string", **schema}, begun)
            if rest is not None:
                yield begun + rest

    def _may_be(self, node: Lowered, text: str) -> bool:
        """Whether a complete value may be of this node, by its first character and the listed values alone."""
        for branch in branches(node, self._shortest.root):
            if "enum" in branch:
                if text in map(canonical_json, branch["enum"]):
                    return True
            elif text[0] in _FIRST.get(branch["type"], "-0123456789"):
                return True
        return False


def _if_any(text: CostedText | None) -> tuple[CostedText, ...]:
    return () if text is None else (text,)


def _cheapest(texts: Iterator[CostedText]) -> list[CostedText]:
    return heapq.nsmallest(MAX_PROPOSALS, texts)
