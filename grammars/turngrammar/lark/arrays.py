"""The items of arrays, in every notation: in sequence, with a count of those that match, or without repetition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from turngrammar.lark.branches import item_bounds
from turngrammar.lark.rule_set import RuleSet
from turngrammar.lowered import Lowered
from turngrammar.terminals.expressions import Bounds, array_items, behind_prefix, join, quoted, repeated
from turngrammar.terminals.strings import Branch


@dataclass(frozen=True)
class ArrayWriter:
    """Attributes:

    item: the expression of an item of a schema; "" where no value exists.
    comma: the text between items.
    """

    rules: RuleSet
    item: Callable[[Lowered], str]
    comma: str

    def body(self, branch: Branch, bounds: Bounds | None = None) -> str | None:
        """What is between the brackets; None where no such array exists."""
        bounds = bounds or item_bounds(branch)
        if branch.get("uniqueItems"):
            return self._distinct([self.item(option) for option in branch["items"]["anyOf"]], bounds)
        prefix = [self.item(item) for item in branch.get("prefixItems", ())[: bounds.most]]
        if "contains" not in branch:
            return array_items(prefix, self.item(branch.get("items", True)), bounds, self.comma, self.rules.either)
        others, match = self.item(branch["items"]["anyOf"][0]), self.item(branch["contains"])
        matches = Bounds(branch["minContains"], branch.get("maxContains"))
        if not prefix:
            return self._counted_first(others, match, matches)
        return behind_prefix(prefix, self._counted(others, match, matches), bounds, self.comma, self.rules.either)

    def _counted_first(self, others: str, match: str, matches: Bounds) -> str:
        ways = [join(match, self._counted(others, match, matches.after(1)))]
        if others:
            ways.append(join(others, self._counted(others, match, matches)))
        return self.rules.either(ways if matches.least else [*ways, ""])

    def _counted(self, others: str, match: str, matches: Bounds) -> str:
        """Items behind others. Each match ends a run of others, so there is one way only to read them."""
        run = repeated(self._group(others), 0, None) if others else ""
        counted = repeated(f"({join(run, self._group(match))})", matches.least, matches.most or matches.least)
        after = run
        if matches.most is None:
            after = repeated(self._group(self.rules.either([others, match] if others else [match])), 0, None)
        return join(counted, after)

    def _distinct(self, values: Sequence[str], bounds: Bounds) -> str:
        """The rule of further items has a bit for each value that is taken."""
        room = f", bit_count_lt(_, {bounds.most})" if bounds.most is not None and bounds.most < len(values) else ""
        enough = f" %if bit_count_ge(_, {bounds.least})" if bounds.least > 1 else ""

        def further(name: str) -> str:
            taken = (f"{join(self._separator, value)} {name}::set_bit({bit})" for bit, value in enumerate(values))
            free = (f"and(bit_clear({bit}){room})" if room else f"bit_clear({bit})" for bit in range(len(values)))
            ways = (f"{way} %if {condition}" for way, condition in zip(taken, free, strict=True))
            return " | ".join((quoted("") + enough, *ways))

        more = self.rules.parametric(further)
        first = [f"{value} {more}::{1 << bit}" for bit, value in enumerate(values)]
        return self.rules.either(first if bounds.least else [*first, ""])

    def _group(self, item: str) -> str:
        return f"({join(self._separator, item)})"

    @property
    def _separator(self) -> str:
        return quoted(self.comma) if self.comma else ""
