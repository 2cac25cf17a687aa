"""The shortest instance of each node of a lowered schema, and what an open object or list still needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from turngrammar.closing.scalars import ending
from turngrammar.closing.strings import finds
from turngrammar.closing.words import LITERALS, Words, literal, words
from turngrammar.lowered import Lowered, branches, definition

# Letters. What is longer counts as endless: definitions that use others twice grow without bounds.
MOST = 64 * 2**10
# Letters of all nodes together, and rounds in which definitions get shorter: past them, nodes have no instance or a
# longer one than they might.
MOST_TOGETHER = 8 * 2**20
ROUNDS = 64
Node = Mapping[str, Any]


class Shortest:
    """Of one schema, whose definitions may refer to each other.

    Exact for nulls, booleans, lists of values, plain strings, lists and objects; for patterns and numbers as good as
    the search for their end.
    """

    def __init__(self, root: Lowered) -> None:
        self.root = root
        self._defined: dict[str, Words | None] = {}
        self._made: dict[int, Words | None] = {}
        self._letters = 0
        self._settle()

    def _settle(self) -> None:
        """Until no definition gets shorter. Definitions stand in the order of first use, so most need one round."""
        names = [f"#/$defs/{name}" for name in (self.root.get("$defs", {}) if isinstance(self.root, Mapping) else ())]
        for _ in range(ROUNDS):
            before = dict(self._defined)
            for name in reversed(names):
                self._forget()
                self._defined[name] = self.of(definition(name, self.root))
            if self._defined == before:
                break
        self._forget()

    def _forget(self) -> None:
        self._made.clear()
        self._letters = 0

    def of(self, node: Lowered) -> Words | None:
        """The shortest instance, None where there is none, or none that is short enough."""
        if isinstance(node, bool) or not node:
            return None if node is False else literal("null")
        if id(node) not in self._made:
            found = self._of(node) if self._letters < MOST_TOGETHER else None
            self._letters += found.cost if found else 0
            self._made[id(node)] = found
        return self._made[id(node)]

    def _of(self, node: Node) -> Words | None:
        if "$ref" in node:
            return self._defined.get(node["$ref"])
        if "anyOf" in node:
            return least(self.of(option) for option in node["anyOf"])
        return least(self._branch(branch) for branch in branches(node, self.root))

    def _branch(self, branch: Node) -> Words | None:
        if "enum" in branch:
            return least(iter(spelled(branch["enum"])))
        match branch["type"]:
            case "object":
                return joined(words("{"), self.rest_of_object(branch, ()))
            case "array":
                return joined(words("["), self.rest_of_list(branch, 0))
            case kind:
                return least(self.scalars(kind, branch, ""))

    def scalars(self, kind: str, branch: Node, begun: str) -> Iterator[Words]:
        """What may be left of a scalar of which this much is written."""
        if kind in ("null", "boolean"):
            kinds = LITERALS[:1] if kind == "null" else LITERALS[1:]
            yield from (literal(one, begun) for one in kinds if one.startswith(begun))
        elif (found := ending(branch, begun)) is not None:
            yield words(found)

    def rest_of_list(self, branch: Node, count: int) -> Words | None:
        """What must follow so many items, and the bracket. None where no list can go on so."""
        rest: Words | None = words("")
        for index in range(count, branch.get("minItems", 0)):
            rest = joined(rest, words(", " if index else ""), self.of(item(branch, index)))
        return joined(rest, words("]"))

    def rest_of_object(self, branch: Node, keys: Sequence[str]) -> Words | None:
        """What must follow these members, and the brace. None where no object can go on so."""
        names = self._needed(branch, keys)
        if names is None:
            return None
        rest: Words | None = words("")
        for index, name in enumerate(names, len(keys)):
            rest = joined(rest, words(", " if index else ""), self.member(branch, name))
        return joined(rest, words("}"))

    def member(self, branch: Node, key: str) -> Words | None:
        """A whole member of an object."""
        return joined(words(f"{spell(key)}: "), self.of(value_of(branch, key)))

    def _needed(self, branch: Node, keys: Sequence[str]) -> list[str] | None:
        """The names that must follow, in order: what is required, and the cheapest of the others up to the minimum."""
        left, required = after(branch, keys), frozenset(branch.get("required", ()))
        if not required <= {*keys, *left}:
            return None
        needed = {name for name in left if name in required}
        more = branch.get("minProperties", 0) - len(keys) - len(needed)
        if more > 0:
            priced = [(price, name) for name in left if name not in needed and (price := self.member(branch, name))]
            needed.update(name for _, name in sorted(priced)[:more])
        listed = [name for name in left if name in needed]
        others = self.other_keys(branch, [*keys, *listed])
        while len(listed) + len(keys) < branch.get("minProperties", 0):
            key = next(others, None)
            if key is None:
                return None
            listed.append(key)
        return listed

    def other_keys(self, branch: Node, taken: Sequence[str]) -> Iterator[str]:
        """Names that are no property's, short ones first."""
        for pattern, schema in branch.get("patternProperties", {}).items():
            found = self.of(schema) and ending({"type": "string", "pattern": pattern}, "")
            if found and (key := json.loads(found)) not in taken:
                yield key
        known = branch.get("properties", {})
        if self.of(branch.get("additionalProperties", True)) is not None:
            names = ["", *map(str, range(64))]
            yield from (name for name in names if name not in taken and name not in known)


def after(branch: Node, keys: Sequence[str]) -> list[str]:
    """The properties that may follow these keys: llguidance wants them in order, and others behind them."""
    known = list(branch.get("properties", {}))
    if not keys:
        return known
    return known[known.index(keys[-1]) + 1 :] if keys[-1] in known else []


def value_of(branch: Node, key: str) -> Lowered:
    """What an object says of the value under a key. Its patterns are disjoint."""
    known: Mapping[str, Lowered] = branch.get("properties", {})
    if key in known:
        return known[key]
    patterns: Mapping[str, Lowered] = branch.get("patternProperties", {})
    found = (schema for pattern, schema in patterns.items() if finds(pattern, key))
    return next(found, branch.get("additionalProperties", True))


def item(branch: Node, index: int) -> Lowered:
    """What a list says of the item at that index."""
    prefix: Sequence[Lowered] = branch.get("prefixItems", ())
    return prefix[index] if index < len(prefix) else branch.get("items", True)


def spelled(values: Sequence[Any], begun: str = "") -> list[Words]:
    """What is left of each of these values that begins so."""
    texts = [text for text in map(spell, values) if text.startswith(begun)]
    return [literal(text, begun) if text in LITERALS else words(text[len(begun) :]) for text in texts]


def spell(value: Any) -> str:
    """Canonical JSON text."""
    return json.dumps(value, separators=(", ", ": "), ensure_ascii=False)


def joined(*parts: Words | None) -> Words | None:
    """All of them; None where one is missing, or where they are too long."""
    total = words("")
    for part in parts:
        if part is None or total.cost + part.cost > MOST:
            return None
        total += part
    return total


def least(found: Iterator[Words | None]) -> Words | None:
    return min((one for one in found if one is not None), default=None)
