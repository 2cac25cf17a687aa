"""References, listed values and combinators, as intersections and differences of shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from turngrammar.exact import decimal, fraction, is_digits
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.keyword_table import Lower
from turngrammar.schema.load import Subschema
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.shape import (
    ANYTHING,
    NOT_OBJECT,
    NOTHING,
    NULL,
    Array,
    Boolean,
    Inexact,
    Number,
    Object,
    Others,
    Shape,
    enum_shape,
    loosen,
    number_shape,
    object_shape,
    unite,
)
from turngrammar.schema.unevaluated import Case, failing, fitting, inside
from turngrammar.terminals.numerals import LARGEST

PARTS = 8  # of a branch of oneOf without its overlaps
ALTERNATIVES = 64  # from dependencies, each of which may double them


def lower_reference(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    target = reader.refer(reader.source.target(node, keyword))
    return reader.attempt(node, keyword, shape, reader.algebra.meet, shape, target)


def dynamic_reference(anchor: str) -> Lower:
    """A plain reference if only one anchor of the document is possible; otherwise the path of references decides."""

    def lower(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
        if len(reader.source.anywhere(anchor)) > 1 or reader.source.has_embedded_resources:
            reader.ledger.check(node.schema, keyword, "its anchor depends on the path of references")
            return loosen(shape)
        return lower_reference(reader, node, keyword, shape)

    return lower


def lower_const(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    return reader.attempt(node, keyword, shape, _among, reader, shape, [node.schema[keyword]])


def lower_enum(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    return reader.attempt(node, keyword, shape, _among, reader, shape, node.schema[keyword])


def _among(reader: SchemaReader, shape: Shape, values: list[Any]) -> Shape:
    """The listed values that the shape allows. Strings form one variant, others one each, in the order of the list."""
    strings = enum_shape(dict.fromkeys(value for value in values if isinstance(value, str)))
    others = (shape_of_value(value) for value in values if not isinstance(value, str))
    return reader.algebra.meet(shape, unite(strings, *others))


def shape_of_value(value: Any) -> Shape:
    """The shape of this value only."""
    if value is None:
        return (NULL,)
    if isinstance(value, bool):
        return (Boolean(values=frozenset((value,))),)
    if isinstance(value, str):
        return enum_shape((value,))
    if isinstance(value, list):
        return (Array(prefix=tuple(map(shape_of_value, value)), least=len(value), most=len(value)),)
    if isinstance(value, Mapping):
        members = tuple((name, shape_of_value(item)) for name, item in value.items())
        return object_shape(Object(properties=members, required=tuple(value), others=Others.STATED))
    exact = fraction(value)
    if decimal(value) != exact or (exact > LARGEST and not is_digits(value)):
        return NOTHING  # no 64-bit float holds it
    return number_shape(Number(low=exact, high=exact))


def lower_all_of(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    for child in node.schema[keyword]:
        other = reader.read(node.child(child))
        shape = reader.attempt(node, keyword, shape, reader.algebra.meet, shape, other)
    return shape


def lower_any_of(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    branches = unite(*(reader.read(node.child(child)) for child in node.schema[keyword]))
    return reader.attempt(node, keyword, shape, reader.algebra.meet, shape, branches)


def lower_one_of(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    """Each branch without its overlap with others."""
    read = [reader.read(node.child(child)) for child in node.schema[keyword]]
    branches = [reader.attempt(node, keyword, shape, reader.algebra.meet, shape, other) for other in read]
    return reader.attempt(node, keyword, unite(*branches), _exclusive, reader.algebra, branches)


def _exclusive(algebra: Algebra, branches: list[Shape]) -> Shape:
    return unite(*(_alone(algebra, branches, index) for index in range(len(branches))))


def _alone(algebra: Algebra, branches: list[Shape], index: int) -> Shape:
    mine = branches[index]
    most = min(max(PARTS, len(mine)), algebra.alternatives)
    for other in chain(branches[:index], branches[index + 1 :]):
        if not algebra.disjoint(branches[index], other):
            mine = _without(algebra, mine, other, most)
    return mine


def _without(algebra: Algebra, shape: Shape, excluded: Shape, most: int) -> Shape:
    """The difference. Variants that would have too many parts in all, or have no exact one, stay whole and loose."""
    room = most - len(shape)
    parts: list[Shape] = []
    for variant in shape:
        parts.append(algebra.without(variant, excluded, room + 1))
        room -= len(parts[-1]) - 1
    return unite(*parts)


def lower_not(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    excluded = reader.read(node.child(node.schema[keyword]))
    return reader.attempt(node, keyword, shape, _without, reader.algebra, shape, excluded, reader.algebra.alternatives)


def lower_conditional(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    """`then` within what `if` allows, `else` without it."""
    schema, algebra = node.schema, reader.algebra
    if "then" not in schema and "else" not in schema:
        return shape
    condition = reader.read(node.child(schema[keyword]))
    then, otherwise = (reader.read(node.child(schema.get(branch, True))) for branch in ("then", "else"))
    fits = reader.attempt(node, keyword, shape, algebra.meet, shape, _as_condition(condition))
    fits = reader.attempt(node, "then", fits, algebra.meet, fits, then)
    narrowed = reader.attempt(node, "else", shape, algebra.meet, shape, otherwise)
    fails = reader.attempt(node, keyword, narrowed, _without, algebra, narrowed, condition, algebra.alternatives)
    return unite(fits, fails)


def _as_condition(shape: Shape) -> Shape:
    """The same: that it lists properties closes no object."""
    return tuple(
        replace(variant, others=Others.FREE)
        if isinstance(variant, Object) and variant.others is Others.IMPLIED
        else variant
        for variant in shape
    )


def split_conditional(reader: SchemaReader, node: Subschema, keyword: str, cases: list[Case], depth: int) -> list[Case]:
    condition = node.child(node.schema[keyword])
    allowed = reader.read(condition)
    fits, fails = fitting(reader, cases, allowed), failing(reader, cases, allowed)
    fits = inside(reader, condition, fits, depth)
    if "then" in node.schema:
        fits = inside(reader, node.child(node.schema["then"]), fits, depth)
    if "else" in node.schema:
        fails = inside(reader, node.child(node.schema["else"]), fails, depth)
    return [*fits, *fails]


def lower_dependencies(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    """For each name: objects without it, and those with it that satisfy its dependency."""
    for name, needed in node.schema[keyword].items():
        shape = reader.attempt(node, keyword, shape, _depending, reader, node, shape, name, needed)
    return shape


def _depending(reader: SchemaReader, node: Subschema, shape: Shape, name: str, needed: Any) -> Shape:
    if isinstance(needed, list):
        names = tuple(dict.fromkeys([name, *needed]))
        present = Object(rest=ANYTHING, required=names, listed=frozenset(needed))
        satisfied: Shape = (*NOT_OBJECT, *object_shape(present))
    else:
        having = object_shape(Object(rest=ANYTHING, required=(name,)))
        satisfied = (*NOT_OBJECT, *reader.algebra.meet(having, reader.read(node.child(needed))))
    absent: Shape = object_shape(Object(properties=((name, NOTHING),), rest=ANYTHING))
    met = unite(reader.algebra.meet(shape, absent), reader.algebra.meet(shape, satisfied))
    most = min(ALTERNATIVES, reader.algebra.alternatives)
    if len(met) > len(shape) and len(met) > most:
        raise Inexact(f"more than {most} alternatives, including those of other keywords")
    return met
