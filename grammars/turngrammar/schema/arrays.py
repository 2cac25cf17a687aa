"""Intersection and difference of arrays."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from turngrammar.schema.shape import Array, Inexact, Shape, array, least_of, unite

if TYPE_CHECKING:
    from turngrammar.schema.algebra import Algebra

POSITIONS = 16  # items of a bounded array that are told apart one by one


def item(piece: Array, index: int) -> Shape:
    """What the item at that index has to fit."""
    return piece.prefix[index] if index < len(piece.prefix) else piece.rest


def with_item(piece: Array, index: int, shape: Shape) -> Shape:
    """The arrays of the piece that have an item at that index, and of that shape."""
    prefix = [item(piece, i) for i in range(max(index + 1, len(piece.prefix)))]
    prefix[index] = shape
    return array(replace(piece, prefix=tuple(prefix), least=max(piece.least, index + 1)))


def meet(algebra: Algebra, left: Array, right: Array) -> Shape:
    most = least_of(left.most, right.most)
    reach = max(len(left.prefix), len(right.prefix))
    length = reach if most is None else min(reach, most)
    return array(
        Array(
            prefix=tuple(algebra.meet(item(left, i), item(right, i)) for i in range(length)),
            rest=algebra.meet(left.rest, right.rest),
            least=max(left.least, right.least),
            most=most,
        )
    )


def minus(algebra: Algebra, left: Array, right: Array) -> Shape:
    """One of: too short, too long, an item that doesn't fit."""
    found: list[Shape] = []
    if right.least:
        found.append(array(replace(left, most=least_of(left.most, right.least - 1))))
    if right.most is not None:
        found.append(array(replace(left, least=max(left.least, right.most + 1))))
    reach = max(len(left.prefix), len(right.prefix))
    found.extend(_misfit(algebra, left, right, i) for i in range(reach))
    if algebra.minus(left.rest, right.rest):
        if left.most is None or left.most > POSITIONS:
            raise Inexact("an item somewhere in an unbounded array can't be asked for")
        found.extend(_misfit(algebra, left, right, i) for i in range(reach, left.most))
    return unite(*found)


def _misfit(algebra: Algebra, left: Array, right: Array, index: int) -> Shape:
    return with_item(left, index, algebra.minus(item(left, index), item(right, index)))


def disjoint(algebra: Algebra, left: Array, right: Array) -> bool:
    """Told by length, or by an item that both must have."""
    least, most = max(left.least, right.least), least_of(left.most, right.most)
    if most is not None and most < least:
        return True
    pairs = zip_longest(left.prefix[:least], right.prefix[:least])
    return any(
        algebra.disjoint(left.rest if one is None else one, right.rest if other is None else other)
        for one, other in pairs
    ) or (least > max(len(left.prefix), len(right.prefix)) and algebra.disjoint(left.rest, right.rest))
