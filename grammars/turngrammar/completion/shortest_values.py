"""The shortest instance of each node of a lowered schema, and what an open object or list still needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from turngrammar.completion.scalars import Branch, scalar_completion
from turngrammar.completion.strings import pattern_matches
from turngrammar.json_style import CANONICAL
from turngrammar.lowered import Lowered, branch_item, branches, definition

# Characters. What is longer counts as endless: definitions that use others twice grow without bounds.
MAX_COST = 64 * 2**10
# Characters of all nodes together, and rounds in which definitions get shorter: past them, nodes have no instance or a
# longer one than they might.
MAX_TOTAL_COST = 8 * 2**20
MAX_ROUNDS = 64
MAX_MISSING = 8  # matching items, of more than which all are missing
# One token in every vocabulary; null, the best for an unknown value, comes first.
LITERALS = ("null", "false", "true")


@dataclass(frozen=True, order=True, slots=True)
class CostedText:
    """A text and its cost: one for each character, and one for each of null, false and true.

    Texts are ordered by preference: the cheapest first; of two at the same cost, the one with literals.
    """

    cost: int
    rank: int
    text: str

    def __add__(self, other: CostedText) -> CostedText:
        return CostedText(self.cost + other.cost, self.rank + other.rank, self.text + other.text)


def costed(text: str) -> CostedText:
    """A text other than null, false and true."""
    return CostedText(len(text), 0, text)


def costed_literal(text: str, begun: str = "") -> CostedText:
    """What is left of null, false or true behind `begun`."""
    rest = text[len(begun) :]
    return CostedText(min(1, len(rest)), LITERALS.index(text) - len(LITERALS), rest)


class ShortestValues:
    """The shortest value of each node of one schema, whose definitions may refer to each other.

    Exact for nulls, booleans, lists of values, plain strings, lists and objects; for patterns and numbers as good as
    the search for their end.
    """

    def __init__(self, root: Lowered) -> None:
        self.root = root
        self._defined: dict[str, CostedText | None] = {}
        self._made: dict[int, CostedText | None] = {}
        self._total_cost = 0
        self._settle()

    def _settle(self) -> None:
        """Until no definition gets shorter. Definitions are in the order of first use, so most need one round."""
        names = [f"#/$defs/{name}" for name in (self.root.get("$defs", {}) if isinstance(self.root, Mapping) else ())]
        for _ in range(MAX_ROUNDS):
            before = dict(self._defined)
            for name in reversed(names):
                self._forget()
                self._defined[name] = self.of(definition(name, self.root))
            if self._defined == before:
                break
        self._forget()

    def _forget(self) -> None:
        self._made.clear()
        self._total_cost = 0

    def of(self, node: Lowered) -> CostedText | None:
        """The shortest instance; None where there is no instance, or only longer ones than MAX_COST."""
        if isinstance(node, bool) or not node:
            return None if node is False else costed_literal("null")
        if id(node) not in self._made:
            value = self._of(node) if self._total_cost < MAX_TOTAL_COST else None
            self._total_cost += value.cost if value else 0
            self._made[id(node)] = value
        return self._made[id(node)]

    def _of(self, node: Branch) -> CostedText | None:
        if "$ref" in node:
            return self._defined.get(node["$ref"])
        if "anyOf" in node:
            return cheapest(self.of(option) for option in node["anyOf"])
        return cheapest(self._branch(branch) for branch in branches(node, self.root))

    def _branch(self, branch: Branch) -> CostedText | None:
        if "enum" in branch:
            return cheapest(iter(listed_values(branch["enum"])))
        match branch["type"]:
            case "object":
                return concatenated(costed("{"), self.rest_of_object(branch, ()))
            case "array":
                *_, rest = self.rests_of_list(branch, 0)
                return concatenated(costed("["), rest)
            case kind:
                return cheapest(self.scalars(kind, branch, ""))

    def scalars(self, kind: str, branch: Branch, begun: str) -> Iterator[CostedText]:
        """What may be left of a scalar behind `begun`."""
        if kind in ("null", "boolean"):
            texts = LITERALS[:1] if kind == "null" else LITERALS[1:]
            yield from (costed_literal(text, begun) for text in texts if text.startswith(begun))
        elif (rest := scalar_completion(branch, begun)) is not None:
            yield costed(rest)

    def rests_of_list(self, branch: Branch, count: int) -> Iterator[CostedText | None]:
        """What may follow `count` items, bracket included, for each number of matching items that may be missing."""
        matching = branch.get("minContains", 0)
        for missing in sorted({*range(min(matching, MAX_MISSING) + 1), matching}):
            rest: CostedText | None = costed("")
            for index, item in enumerate(_required_items(branch, count, missing), count):
                rest = concatenated(rest, costed(", " if index else ""), self.of(item))
            yield concatenated(rest, costed("]"))

    def rest_of_object(self, branch: Branch, keys: Sequence[str]) -> CostedText | None:
        """What must follow these members, brace included. None where no object can go on so."""
        names = self._needed(branch, keys)
        if names is None:
            return None
        rest: CostedText | None = costed("")
        for index, name in enumerate(names, len(keys)):
            rest = concatenated(rest, costed(", " if index else ""), self.member(branch, name))
        return concatenated(rest, costed("}"))

    def member(self, branch: Branch, key: str) -> CostedText | None:
        """A whole member of an object."""
        return concatenated(costed(f"{canonical_json(key)}: "), self.of(value_schema(branch, key)))

    def _needed(self, branch: Branch, keys: Sequence[str]) -> list[str] | None:
        """The names that must follow, in order: what is required, and the cheapest of the others up to the minimum."""
        left, required = properties_after(branch, keys), frozenset(branch.get("required", ()))
        if not required <= {*keys, *left}:
            return None
        needed = {name for name in left if name in required}
        more = branch.get("minProperties", 0) - len(keys) - len(needed)
        if more > 0:
            priced = [(cost, name) for name in left if name not in needed and (cost := self.member(branch, name))]
            needed.update(name for _, name in sorted(priced)[:more])
        listed = [name for name in left if name in needed]
        others = self.other_keys(branch, [*keys, *listed])
        while len(listed) + len(keys) < branch.get("minProperties", 0):
            key = next(others, None)
            if key is None:
                return None
            listed.append(key)
        return listed

    def other_keys(self, branch: Branch, taken: Sequence[str]) -> Iterator[str]:
        """Names that are not listed as properties, short ones first."""
        for pattern, schema in branch.get("patternProperties", {}).items():
            text = self.of(schema) and scalar_completion({"type": "string", "pattern": pattern}, "")
            if text and (key := json.loads(text)) not in taken:
                yield key
        known = branch.get("properties", {})
        if self.of(branch.get("additionalProperties", True)) is not None:
            names = ["", *map(str, range(64))]
            yield from (name for name in names if name not in taken and name not in known)


def _required_items(branch: Branch, count: int, matching: int) -> list[Lowered]:
    """The schemas of the items that must follow `count` of them, with so many that match at the end."""
    least = branch.get("minItems", 0)
    if branch.get("uniqueItems"):
        values: list[Lowered] = branch["items"]["anyOf"][count:least]
        return values
    others = range(count, least - branch.get("minContains", 0))
    return [*(branch_item(branch, index) for index in others), *([branch["contains"]] * matching if matching else ())]


def properties_after(branch: Branch, keys: Sequence[str]) -> list[str]:
    """The properties that may follow these keys: llguidance takes them in order, and other members behind them."""
    known = list(branch.get("properties", {}))
    if not keys:
        return known
    return known[known.index(keys[-1]) + 1 :] if keys[-1] in known else []


def value_schema(branch: Branch, key: str) -> Lowered:
    """The schema of the value under a key. The patterns of a branch are disjoint."""
    known: Mapping[str, Lowered] = branch.get("properties", {})
    if key in known:
        return known[key]
    patterns: Mapping[str, Lowered] = branch.get("patternProperties", {})
    matching = (schema for pattern, schema in patterns.items() if pattern_matches(pattern, key))
    return next(matching, branch.get("additionalProperties", True))


def listed_values(values: Sequence[Any], begun: str = "") -> list[CostedText]:
    """What is left of each of these values that begins with `begun`."""
    texts = [text for text in map(canonical_json, values) if text.startswith(begun)]
    return [costed_literal(text, begun) if text in LITERALS else costed(text[len(begun) :]) for text in texts]


def canonical_json(value: Any) -> str:
    return CANONICAL.encode(value)


def concatenated(*parts: CostedText | None) -> CostedText | None:
    """All parts in one; None where one is missing, or where they cost too much."""
    total = costed("")
    for part in parts:
        if part is None or total.cost + part.cost > MAX_COST:
            return None
        total += part
    return total


def cheapest(options: Iterator[CostedText | None]) -> CostedText | None:
    return min((option for option in options if option is not None), default=None)
