"""A keyword of JSON Schema as a row of a table. The rows are in `keywords.py`.

Functions in a row get the keyword's name with their arguments, or its value, so that a name is in the table, and
elsewhere only where keywords depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

from turngrammar.schema.dialect import DIALECTS, LATEST, Dialect
from turngrammar.schema.shape import Shape

# What a value holds: one schema, a list of them (or either), schemas by names that are not keywords, or data.
Holds = Literal["schema", "schemas", "schema or schemas", "schemas by name", "data"]
Lower = Callable[..., Shape]  # (reader, node, keyword, shape) -> shape
Measure = Literal["names", "name patterns", "regex", "values"]
ANY_TYPE = "any"


class Stage(IntEnum):
    """When a keyword is lowered, beside others in its schema."""

    NARROW = 0  # in the order of the schema; the later stages are in the order of the table
    SPLIT = 1  # into alternatives
    MEMBERS = 2
    EXCLUDE = 3
    ARRANGE = 4
    UNEVALUATED = 5  # depends on what all others evaluate


def since(first: str, last: str = LATEST) -> tuple[str, ...]:
    """The drafts from `first` to `last`."""
    names = list(DIALECTS)
    return tuple(names[names.index(first) : names.index(last) + 1])


@dataclass(frozen=True, kw_only=True)
class Keyword:
    """One keyword. It asserts something if it has a type, is lowered, or is part of another keyword.

    Attributes:
        example: a schema with the keyword at its root, for the table in docs/guarantees.md.
        drafts: those that define it; () for keywords of OpenAPI, which count in every draft.
        holds: where its subschemas are, or that its value is data.
        in_place: its subschemas apply to the value itself, not to a part of it.
        refers: its value is a reference.
        form: (value, dialect) -> whether the value is valid, as a fast check; by default, that of what it holds.
        only_beside: in draft 4 it is a flag, invalid without this keyword.
        type: the JSON type that it constrains, if the type's reader handles it; ANY_TYPE if it constrains all.
        require: (reader, node, keyword) raises InvalidSchema for a value whose own syntax is wrong.
        lower: narrows the shape, for keywords that no reader of a type handles.
        stage: when it is lowered.
        part_of: the keyword that it is lowered, reported and checked with.
        evaluates: (value, schema) -> the Evaluated names and items that it evaluates in every valid instance.
        cases: (reader, node, keyword, cases, depth) -> cases, split by what its subschemas evaluate.
        bounds_numbers: numbers in its value can become bounds in the grammar.
        inert: (schema, source, options) -> why it asserts nothing in this schema, or "".
        rewritten: the reason in reports; "" if the keyword is enforced as it is.
        check: (table, validator, value, instance, schema) -> errors, instead of jsonschema's own function.
        revisits: its check may visit the same part of a document repeatedly, so it respects the time budget.
        evaluated_names: (rules, validator, instance, value, schema) -> the names that it evaluates in an instance.
        measure: what `turngrammar.limits` counts in it.
    """

    example: Mapping[str, Any]
    drafts: tuple[str, ...] = tuple(DIALECTS)
    holds: Holds | None = None
    in_place: bool = False
    refers: bool = False
    form: Callable[[Any, Dialect], bool] | None = None
    only_beside: str | None = None
    type: str | None = None
    require: Callable[..., None] | None = None
    lower: Lower | None = None
    stage: Stage = Stage.NARROW
    part_of: str | None = None
    evaluates: Callable[[Any, Mapping[str, Any]], Any] | None = None
    cases: Callable[..., Any] | None = None
    bounds_numbers: bool = False
    inert: Callable[..., str] | None = None
    rewritten: str = ""
    check: Callable[..., Any] | None = None
    revisits: bool = False
    evaluated_names: Callable[..., Any] | None = None
    measure: Measure | None = None

    def asserts(self, dialect: str) -> bool:
        """Whether it asserts anything in the draft of that name."""
        return bool(self.type or self.lower or self.part_of) and self.defined(dialect)

    def defined(self, dialect: str) -> bool:
        """Whether it is a keyword in the draft of that name."""
        return not self.drafts or dialect in self.drafts


class KeywordTable:
    """Keywords by group and name, and what other modules look up by a keyword's name.

    Attributes:
        groups: as given, in the order of the documentation.
        rows: all of them, by name.
        of_type: the keywords that each JSON type's reader handles; `typed` has all of them.
        narrowing, changing: how to lower the keywords of Stage.NARROW, and those of later stages in their order.
        structural: the keywords that have such a function.
        require, evaluates, cases, evaluated_names, inert, rewritten, part_of: these columns.
        bounding: keywords with numbers that can become bounds.
        referring: keywords with references as their values.
        applying: the rows of keywords with references or subschemas.
    """

    def __init__(self, groups: Mapping[str, Mapping[str, Keyword]]) -> None:
        self.groups = groups
        self.rows = {name: row for group in groups.values() for name, row in group.items()}
        self._asserted = {
            dialect: frozenset(name for name, row in self.rows.items() if row.asserts(dialect)) for dialect in DIALECTS
        }
        self._defined = {
            dialect: frozenset(name for name, row in self.rows.items() if row.defined(dialect)) for dialect in DIALECTS
        }
        types = dict.fromkeys(row.type for row in self.rows.values() if row.type)
        self.of_type = {kind: frozenset(name for name, row in self.rows.items() if row.type == kind) for kind in types}
        self.typed = frozenset(name for name, row in self.rows.items() if row.type)
        self.narrowing = {name: row.lower for name, row in self._staged() if row.lower and row.stage is Stage.NARROW}
        self.changing = {name: row.lower for name, row in self._staged() if row.lower and row.stage is not Stage.NARROW}
        self.structural = self.narrowing.keys() | self.changing.keys()
        self.require = {name: row.require for name, row in self.rows.items() if row.require}
        self.evaluates = {name: row.evaluates for name, row in self.rows.items() if row.evaluates}
        self.cases = {name: row.cases for name, row in self.rows.items() if row.cases}
        self.evaluated_names = {name: row.evaluated_names for name, row in self.rows.items() if row.evaluated_names}
        self.inert = {name: row.inert for name, row in self.rows.items() if row.inert}
        self.rewritten = {name: row.rewritten for name, row in self.rows.items() if row.rewritten}
        self.part_of = {name: row.part_of for name, row in self.rows.items() if row.part_of}
        self.bounding = tuple(name for name, row in self.rows.items() if row.bounds_numbers)
        self.referring = frozenset(name for name, row in self.rows.items() if row.refers)
        self.applying = {name: row for name, row in self.rows.items() if row.refers or row.holds not in (None, "data")}
        self._holds = {name: row.holds for name, row in self.rows.items() if row.holds and row.holds != "data"}

    def _staged(self) -> list[tuple[str, Keyword]]:
        return sorted(self.rows.items(), key=lambda pair: pair[1].stage)

    def asserts(self, keyword: str, dialect: Dialect) -> bool:
        """Whether the keyword asserts anything in this dialect."""
        return keyword in self._asserted[dialect.name]

    def defines(self, keyword: str, dialect: Dialect) -> bool:
        """Whether it is a keyword in this dialect."""
        return keyword in self._defined[dialect.name]

    def subschemas(self, schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Direct subschemas, with the pointer tokens that lead to each."""
        for keyword, value in schema.items():
            holds = self._holds.get(keyword)
            if holds is None:
                continue
            if isinstance(value, list):
                if holds in _LISTS:
                    yield from (((keyword, str(index)), item) for index, item in enumerate(value))
            elif holds == "schemas by name":
                if isinstance(value, Mapping):
                    # A list is of names that depend on this one, in `dependencies`.
                    yield from (((keyword, name), item) for name, item in value.items() if not isinstance(item, list))
            elif holds in _SINGLE and isinstance(value, Mapping | bool):
                yield (keyword,), value


_LISTS = ("schemas", "schema or schemas")
_SINGLE = ("schema", "schema or schemas")
