"""Intersection and difference of objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from turngrammar.schema import regex
from turngrammar.schema.regex import Language
from turngrammar.schema.shape import NOTHING, Inexact, Object, Shape, least_of, object_, unite

if TYPE_CHECKING:
    from turngrammar.schema.algebra import Algebra

Region = tuple[Language, Shape]


def value(piece: Object, name: str) -> Shape:
    """What the value under that name has to fit."""
    for known, shape in piece.properties:
        if known == name:
            return shape
    return undeclared(piece, name)


def values(piece: Object, names: Iterable[str]) -> Iterator[Shape]:
    """The same for each of the names."""
    known = dict(piece.properties)
    return (known[name] if name in known else undeclared(piece, name) for name in names)


def undeclared(piece: Object, name: str) -> Shape:
    """The same, for a name that is none of the piece's properties."""
    for language, shape in piece.patterns:
        if regex.automaton(language).matches(name):
            return shape
    return piece.rest


def with_value(piece: Object, name: str, shape: Shape, *, required: bool) -> Shape:
    """The objects of the piece whose value under `name`, if there is one, has that shape."""
    properties = dict(piece.properties) | {name: shape}
    names = dict.fromkeys(piece.required) | (dict.fromkeys([name]) if required else {})
    return object_(replace(piece, properties=tuple(properties.items()), required=tuple(names)))


def meet(algebra: Algebra, left: Object, right: Object) -> Shape:
    mine, theirs = dict(left.properties), dict(right.properties)
    properties: dict[str, Shape] = {}
    for name in mine | theirs:
        one = mine[name] if name in mine else undeclared(left, name)
        other = theirs[name] if name in theirs else undeclared(right, name)
        properties[name] = algebra.meet(one, other)
    return object_(
        Object(
            properties=tuple(properties.items()),
            patterns=tuple(_meet_patterns(algebra, left, right)),
            rest=algebra.meet(left.rest, right.rest),
            required=tuple(dict.fromkeys(left.required + right.required)),
            least=max(left.least, right.least),
            most=least_of(left.most, right.most),
        )
    )


def _meet_patterns(algebra: Algebra, left: Object, right: Object) -> Iterator[Region]:
    """The common refinement: names in patterns of both, of the left only, of the right only."""
    for mine, shape in left.patterns:
        for theirs, other in right.patterns:
            yield from region(regex.meet(mine, theirs), algebra.meet(shape, other))
    for mine, shape in left.patterns:
        yield from region(_without(mine, right.patterns), algebra.meet(shape, right.rest))
    for theirs, other in right.patterns:
        yield from region(_without(theirs, left.patterns), algebra.meet(left.rest, other))


def _without(language: Language, others: tuple[Region, ...]) -> Language:
    return regex.meet(language, *(regex.negate(other) for other, _ in others if not regex.disjoint(language, other)))


def region(language: Language, shape: Shape) -> Iterator[Region]:
    """The pattern, if any name lies in it, spelled without intersection and complement."""
    if regex.empty(language) is True:
        return
    plain = regex.plain(language)
    if plain is None:
        raise Inexact("the names that patterns share, or don't, would take too large a pattern")
    yield plain, shape


def minus(algebra: Algebra, left: Object, right: Object) -> Shape:
    """One of: a name lacks, a value doesn't fit, too few members, too many."""
    _check_open_names(algebra, left, right)
    found = [with_value(left, name, NOTHING, required=False) for name in right.required]
    for name in dict(left.properties) | dict(right.properties):
        misfit = algebra.minus(value(left, name), value(right, name))
        if misfit:
            found.append(with_value(left, name, misfit, required=True))
    if right.least > len(right.required):
        found.append(object_(replace(left, most=least_of(left.most, right.least - 1))))
    if right.most is not None:
        found.append(object_(replace(left, least=max(left.least, right.most + 1))))
    return unite(*found)


def _check_open_names(algebra: Algebra, left: Object, right: Object) -> None:
    """Names that neither side lists must all fit the right: that some value of theirs doesn't can't be asked for."""
    if right.rest and not right.patterns and not algebra.minus(_all_open(left), right.rest):
        return
    for language, shape in (*left.patterns, (regex.ANY, left.rest)):
        for other, allowed in (*right.patterns, (regex.ANY, right.rest)):
            if shape and not regex.disjoint(language, other) and algebra.minus(shape, allowed):
                raise Inexact("a value under some name that the schema doesn't list can't be asked for")


def _all_open(piece: Object) -> Shape:
    return unite(piece.rest, *(shape for _, shape in piece.patterns))


def disjoint(algebra: Algebra, left: Object, right: Object) -> bool:
    """Told by the number of members, or by a member that one of them must have."""
    most = least_of(left.most, right.most)
    if most is not None and most < max(left.least, right.least):
        return True
    names = dict.fromkeys(left.required + right.required)
    return any(algebra.disjoint(value(left, name), value(right, name)) for name in names)
