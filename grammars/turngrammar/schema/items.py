"""Arrays by all of their items: how many match a shape, and that none is repeated.

An array has an attribute for each, as far as a grammar can count while it generates; short arrays are alternatives
instead, with a shape for each position.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations

from turngrammar.schema.algebra import Algebra
from turngrammar.schema.shape import (
    EVERY_TYPE,
    NOTHING,
    AnyValue,
    Array,
    Boolean,
    Contained,
    Inexact,
    Null,
    Number,
    Ref,
    Shape,
    StringEnum,
    Variant,
    array_shape,
    lower_limit,
    unite,
)

ARRANGEMENTS = 128  # of the items of an array without repetition
DISTINCT = 63  # values of which none is repeated: counts of the bits of llguidance's parameters end there
POSITIONS = 16  # of an array, one of which has a match


def with_item(array: Array, index: int, shape: Shape) -> Shape:
    """The arrays that have an item at that index, of that shape."""
    return array_shape(replace(with_prefix_item(array, index, shape), least=max(array.least, index + 1)))


def with_prefix_item(array: Array, index: int, shape: Shape) -> Array:
    """The arrays whose item at that index, if they have it, has that shape."""
    prefix = [array.item(i) for i in range(max(index + 1, len(array.prefix)))]
    prefix[index] = shape
    return replace(array, prefix=tuple(prefix))


def constrained(algebra: Algebra, shape: Shape, original: Array) -> Shape:
    """Of plain arrays, those with the original's count of matches, and without repetition if it has none."""
    arrays = [variant for variant in shape if isinstance(variant, Array)]
    if original.contained is not None:
        counted = original.contained
        found = (containing(algebra, array, counted.shape, counted.least, counted.most) for array in arrays)
        arrays = [variant for variant in unite(*found) if isinstance(variant, Array)]
    return unite(*(without_repetition(algebra, array) for array in arrays)) if original.distinct else tuple(arrays)


def containing(algebra: Algebra, array: Array, matching: Shape, least: int, most: int | None = None) -> Shape:
    """The arrays of which `least` to `most` items match. Raises Inexact."""
    if least == 0 and most is None:
        return (array,)
    if most is not None and most < least:
        return NOTHING
    every = unite(*array.prefix, array.rest)
    if algebra.disjoint(every, matching):
        return NOTHING if least else (array,)
    if array.distinct:
        found = containing(algebra, replace(array, distinct=False), matching, least, most)
        return constrained(algebra, found, replace(array, contained=None))
    if array.contained is not None:
        return _containing_also(algebra, array, array.contained, matching, least, most)
    if algebra.minus(every, matching) == NOTHING:
        return array_shape(replace(array, least=max(array.least, least), most=lower_limit(array.most, most)))
    if most == 0:
        prefix = tuple(algebra.minus(item, matching) for item in array.prefix)
        return array_shape(replace(array, prefix=prefix, rest=algebra.minus(array.rest, matching)))
    if least == 1 and most is None:
        return _with_match(algebra, array, matching)
    return _counting(algebra, array, matching, least, most)


def _containing_also(
    algebra: Algebra, array: Array, counted: Contained, matching: Shape, least: int, most: int | None
) -> Shape:
    """An array counts one kind of items only."""
    if matching != counted.shape:
        raise Inexact("the grammar counts items that match one subschema, not two")
    least, most = max(least, counted.least), lower_limit(most, counted.most)
    return containing(algebra, replace(array, least=0, contained=None), matching, least, most)


def _with_match(algebra: Algebra, array: Array, matching: Shape) -> Shape:
    """An alternative for the first match at each position that is required, limited, or in the prefix."""
    shapes: list[Shape] = []
    listed = max(len(array.prefix), array.least - 1) if array.most is None else array.most
    if listed > POSITIONS:
        raise Inexact(f"a match has to be found among {listed} or more items")
    for index in range(listed):
        item = array.item(index)
        shapes.append(with_item(array, index, algebra.meet(item, matching)))
        array = with_prefix_item(array, index, algebra.minus(item, matching))
    if array.most is None:
        shapes.append(_counting(algebra, array, matching, 1, None))
    return unite(*shapes)


def _counting(algebra: Algebra, array: Array, matching: Shape, least: int, most: int | None) -> Shape:
    if array.most is not None or array.least > len(array.prefix) + least:
        raise Inexact("the grammar counts either all items of an array or those that match")
    if any(not algebra.disjoint(item, matching) for item in array.prefix):
        raise Inexact("the grammar counts matching items only if none of the first can match")
    shape, others = algebra.meet(array.rest, matching), algebra.minus(array.rest, matching)
    counted = Contained(shape, others, least, most)
    required = len(array.prefix) + least if least else array.least
    return array_shape(replace(array, rest=unite(others, shape), least=required, contained=counted))


def without_repetition(algebra: Algebra, array: Array) -> Shape:
    """The arrays in which no item is repeated. Raises Inexact."""
    closed = array.most is not None and array.most <= len(array.prefix)
    if array.most in (0, 1) or (closed and _exclude_each_other(algebra, array.prefix)):
        return (array,)
    values = listed_values(algebra, array)
    if values is None:
        raise Inexact("repeated items can only be detected in the finished array")
    if len(values) > DISTINCT:
        raise Inexact(f"its items have more than {DISTINCT} values")
    if array.prefix or array.contained is not None:
        return _rows(algebra, array, values)
    shapes = at_most(array, len(values))
    arrays = [variant for variant in shapes if isinstance(variant, Array)]
    return tuple(replace(variant, distinct=True) for variant in arrays) if len(values) > 1 else shapes


def _exclude_each_other(algebra: Algebra, items: tuple[Shape, ...]) -> bool:
    return all(algebra.disjoint(left, right) for left, right in combinations(items, 2))


def most_distinct(algebra: Algebra, array: Array) -> Shape:
    """The arrays that are not longer than the number of values that their items can have."""
    values = listed_values(algebra, array)
    return (array,) if values is None else at_most(array, len(values))


def at_most(array: Array, most: int) -> Shape:
    return array_shape(replace(array, most=lower_limit(array.most, most)))


def _rows(algebra: Algebra, array: Array, values: list[Variant]) -> Shape:
    """An alternative for each arrangement of values in which as many match as have to."""
    rows: list[Shape] = []
    counted = array.contained or Contained(NOTHING, NOTHING, 0, None)
    matching = {value for value in values if not algebra.disjoint((value,), counted.shape)}
    most = min(ARRANGEMENTS, algebra.alternatives)
    longest = min(len(values), len(values) if array.most is None else array.most)
    for size in range(array.least, longest + 1):
        for row in permutations(values, size):
            matches = len(matching.intersection(row[len(array.prefix) :]))
            if matches < counted.least or (counted.most is not None and matches > counted.most):
                continue
            prefix = tuple(algebra.meet(array.item(i), (value,)) for i, value in enumerate(row))
            rows.append(array_shape(Array(prefix=prefix, least=size, most=size, loose=array.loose)))
            if len(rows) > most:
                raise Inexact(f"its values have more than {most} arrangements")
    return unite(*rows)


def listed_values(algebra: Algebra, array: Array) -> list[Variant] | None:
    """The values that items can have, a variant each; None if they can't be listed."""
    values: list[Variant] = []
    for variant in resolved(algebra, unite(*array.prefix, array.rest)):
        if isinstance(variant, StringEnum):
            values.extend(StringEnum(values=(word,)) for word in variant.values)
        elif isinstance(variant, Boolean):
            values.extend(Boolean(values=frozenset((value,))) for value in sorted(variant.values))
        elif isinstance(variant, Null) or (isinstance(variant, Number) and variant.single):
            values.append(variant)
        else:
            return None
    return list(dict.fromkeys(values))


def resolved(algebra: Algebra, shape: Shape) -> Shape:
    """The shape without references and AnyValue."""
    variants: list[Variant] = []
    for variant in shape:
        if isinstance(variant, Ref):
            variants.extend(resolved(algebra, algebra.resolve(variant)))
        else:
            variants.extend(EVERY_TYPE if isinstance(variant, AnyValue) else (variant,))
    return unite(tuple(variants))
