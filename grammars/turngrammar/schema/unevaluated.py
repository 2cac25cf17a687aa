"""`unevaluatedProperties` and `unevaluatedItems`: the names and items that a schema evaluates, case by case.

A subschema's evaluations count only in instances that fit it. So the shape is split until, in each case, it is settled
which subschemas fit; there, the keyword is `additionalProperties` (or `items`) beyond what these evaluate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from turngrammar import regex
from turngrammar.regex import Language
from turngrammar.schema.keyword_table import Stage
from turngrammar.schema.load import Subschema
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.shape import (
    ANYTHING,
    NOT_ARRAY,
    NOT_OBJECT,
    NOTHING,
    Array,
    Inexact,
    Object,
    Others,
    Shape,
    array_shape,
    object_shape,
    unite,
)

CASES = 48
DEPTH = 12


@dataclass(frozen=True)
class Evaluated:
    """Names, or names in these languages, or all of them; this many items, or all."""

    names: tuple[str, ...] = ()
    patterns: tuple[Language, ...] = ()
    all_names: bool = False
    items: int = 0
    all_items: bool = False

    def __or__(self, other: Evaluated) -> Evaluated:
        return Evaluated(
            tuple(dict.fromkeys(self.names + other.names)),
            self.patterns + other.patterns,
            self.all_names or other.all_names,
            max(self.items, other.items),
            self.all_items or other.all_items,
        )


Case = tuple[Shape, Evaluated]


def evaluated_all_names(value: Any, schema: Mapping[str, Any]) -> Evaluated:
    return Evaluated(all_names=True)


def evaluated_all_items(value: Any, schema: Mapping[str, Any]) -> Evaluated:
    return Evaluated(all_items=True)


def lower_unevaluated_properties(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    rest = reader.read(node.child(node.schema[keyword]))
    return reader.attempt(
        node, keyword, shape, _limited, reader, node, shape, lambda evaluated: _other_members(evaluated, rest)
    )


def lower_unevaluated_items(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    rest = reader.read(node.child(node.schema[keyword]))

    def limited() -> Shape:
        if reader.source.anywhere("contains"):
            raise Inexact("items that match `contains` count as evaluated")
        return _limited(reader, node, shape, lambda evaluated: _other_items(evaluated, rest))

    return reader.attempt(node, keyword, shape, limited)


def _limited(reader: SchemaReader, node: Subschema, shape: Shape, limit: Callable[[Evaluated], Shape]) -> Shape:
    cases = split_cases(reader, node, [(shape, _own_evaluations(reader, node, root=True))], 0)
    return unite(*(reader.algebra.meet(case, limit(evaluated)) for case, evaluated in cases))


def _other_members(evaluated: Evaluated, rest: Shape) -> Shape:
    if evaluated.all_names:
        return ANYTHING
    language = regex.printable(regex.union(*evaluated.patterns))
    if language is None:
        raise Inexact("the evaluated names need a pattern that is too large")
    patterns = ((language, ANYTHING),) if evaluated.patterns else ()
    names = tuple((name, ANYTHING) for name in evaluated.names)
    limited = Object(properties=names, patterns=patterns, rest=rest, others=Others.STATED)
    return (*NOT_OBJECT, *object_shape(limited))


def _other_items(evaluated: Evaluated, rest: Shape) -> Shape:
    if evaluated.all_items:
        return ANYTHING
    return (*NOT_ARRAY, *array_shape(Array(prefix=(ANYTHING,) * evaluated.items, rest=rest)))


def _own_evaluations(reader: SchemaReader, node: Subschema, *, root: bool = False) -> Evaluated:
    """What the schema's own keywords evaluate. At the root, those that evaluate all the rest are just being lowered."""
    rows = reader.keywords.rows
    evaluated = Evaluated()
    for keyword, own in reader.keywords.evaluates.items():
        if keyword in node.schema and not (root and rows[keyword].stage is Stage.UNEVALUATED):
            evaluated |= own(node.schema[keyword], node.schema)
    return evaluated


def split_cases(reader: SchemaReader, node: Subschema, cases: list[Case], depth: int) -> list[Case]:
    """The cases, split by the node's combinators."""
    if depth > DEPTH:
        raise Inexact("its subschemas nest too deeply, or refer to each other")
    for keyword, split in reader.keywords.cases.items():
        if reader.asserts(node, keyword):
            cases = split(reader, node, keyword, cases, depth)
            if len(cases) > CASES:
                raise Inexact(f"more than {CASES} cases have to be distinguished")
    return cases


def inside(reader: SchemaReader, child: Subschema, cases: list[Case], depth: int) -> list[Case]:
    """Cases in which the child fits, with what it evaluates. The shapes are already within the child's."""
    if not isinstance(child.schema, Mapping):
        return cases
    own = _own_evaluations(reader, child)
    return split_cases(reader, child, [(shape, evaluated | own) for shape, evaluated in cases], depth + 1)


def fitting(reader: SchemaReader, cases: list[Case], allowed: Shape) -> list[Case]:
    return possible([(reader.algebra.meet(shape, allowed), evaluated) for shape, evaluated in cases])


def failing(reader: SchemaReader, cases: list[Case], allowed: Shape) -> list[Case]:
    return possible([(reader.algebra.minus(shape, allowed), evaluated) for shape, evaluated in cases])


def possible(cases: list[Case]) -> list[Case]:
    return [(shape, evaluated) for shape, evaluated in cases if shape != NOTHING]


def _children(node: Subschema, keyword: str) -> Iterator[Subschema]:
    return map(node.child, node.schema[keyword])


def split_reference(reader: SchemaReader, node: Subschema, keyword: str, cases: list[Case], depth: int) -> list[Case]:
    return inside(reader, reader.source.target(node, keyword), cases, depth)


def split_dynamic_reference(
    reader: SchemaReader, node: Subschema, keyword: str, cases: list[Case], depth: int
) -> list[Case]:
    raise Inexact("the evaluations of a dynamic reference depend on the path of references")


def split_all(reader: SchemaReader, node: Subschema, keyword: str, cases: list[Case], depth: int) -> list[Case]:
    for child in _children(node, keyword):
        cases = inside(reader, child, cases, depth)
    return cases


def split_some(reader: SchemaReader, node: Subschema, keyword: str, cases: list[Case], depth: int) -> list[Case]:
    for child in _children(node, keyword):
        if _evaluates(reader, child):
            allowed = reader.read(child)
            fits, fails = fitting(reader, cases, allowed), failing(reader, cases, allowed)
            cases = [*inside(reader, child, fits, depth), *fails]
    return cases


def _evaluates(reader: SchemaReader, child: Subschema) -> bool:
    """False only for subschemas that evaluate nothing."""
    if not isinstance(child.schema, Mapping):
        return False
    return _own_evaluations(reader, child) != Evaluated() or any(
        keyword in child.schema for keyword in reader.keywords.cases
    )


def split_dependent(reader: SchemaReader, node: Subschema, keyword: str, cases: list[Case], depth: int) -> list[Case]:
    for name, schema in node.schema[keyword].items():
        if isinstance(schema, list):
            continue  # names, in `dependencies`
        present = object_shape(Object(rest=ANYTHING, required=(name,)))
        absent = (*NOT_OBJECT, *object_shape(Object(properties=((name, NOTHING),), rest=ANYTHING)))
        fits, fails = fitting(reader, cases, present), fitting(reader, cases, absent)
        cases = [*inside(reader, node.child(schema), fits, depth), *fails]
    return cases
