"""Keywords about an object's names and an array's items that no variant has as such."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, permutations

from turngrammar import regex
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.arrays import with_item
from turngrammar.schema.load import Subschema
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.shape import (
    ANYTHING,
    EVERY_TYPE,
    NOT_OBJECT,
    NOTHING,
    AnyValue,
    Array,
    Boolean,
    Inexact,
    Null,
    Number,
    Object,
    Ref,
    Shape,
    String,
    StringEnum,
    Variant,
    array_shape,
    lower_limit,
    object_shape,
    unite,
)
from turngrammar.schema.strings import string_language

ARRANGEMENTS = 128  # of the items of an array without repetition
POSITIONS = 8  # of an array in which one item is required


def lower_property_names(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    """No value fits under names outside the allowed language."""
    names = reader.read(node.child(node.schema[keyword]))
    return reader.attempt(node, keyword, shape, _with_names, reader.algebra, shape, names)


def _with_names(algebra: Algebra, shape: Shape, names: Shape) -> Shape:
    if len(names) == 1 and isinstance(names[0], AnyValue):
        return shape
    if not algebra.exact(names):
        raise Inexact("the allowed names are themselves only checked")
    resolved = _resolved(algebra, algebra.meet(names, EVERY_TYPE))
    strings = [variant for variant in resolved if isinstance(variant, StringEnum | String)]
    listed = [word for variant in strings if isinstance(variant, StringEnum) for word in variant.values]
    if all(isinstance(variant, StringEnum) for variant in strings):
        properties = tuple((word, ANYTHING) for word in listed)
        return algebra.meet(shape, (*NOT_OBJECT, *object_shape(Object(properties=properties))))
    language = regex.printable(regex.union(*map(string_language, strings)))
    if language is None:
        raise Inexact("the allowed names need a pattern that is too large")
    if language == regex.ANY:
        return shape
    return algebra.meet(shape, (*NOT_OBJECT, Object(patterns=((language, ANYTHING),))))


def _resolved(algebra: Algebra, shape: Shape) -> Shape:
    """The shape without references and AnyValue."""
    variants: list[Variant] = []
    for variant in shape:
        if isinstance(variant, Ref):
            variants.extend(_resolved(algebra, algebra.resolve(variant)))
        else:
            variants.extend(EVERY_TYPE if isinstance(variant, AnyValue) else (variant,))
    return unite(tuple(variants))


def _each_array(algebra: Algebra, shape: Shape, change: Callable[[Array], Shape]) -> Shape:
    changed = (change(variant) if isinstance(variant, Array) else (variant,) for variant in _resolved(algebra, shape))
    return unite(*changed)


def lower_contains(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    schema, algebra = node.schema, reader.algebra
    matching = reader.read(node.child(schema[keyword]))
    least = int(schema["minContains"]) if reader.asserts(node, "minContains") else 1
    most = int(schema["maxContains"]) if reader.asserts(node, "maxContains") else None
    longer = reader.attempt(node, keyword, shape, _each_array, algebra, shape, lambda array: _at_least(array, least))
    return reader.attempt(
        node,
        keyword,
        longer,
        _each_array,
        algebra,
        shape,
        lambda array: _containing(algebra, array, matching, least, most),
    )


def _at_least(array: Array, least: int) -> Shape:
    return array_shape(replace(array, least=max(array.least, least)))


def _containing(algebra: Algebra, array: Array, matching: Shape, least: int, most: int | None) -> Shape:
    """Exact if every item counts, none does, or the array is short enough for an alternative for each position."""
    if least == 0 and most is None:
        return (array,)
    every = unite(*array.prefix, array.rest)
    if algebra.disjoint(every, matching):
        return NOTHING if least else (array,)
    if algebra.exact(matching) and algebra.minus(every, matching) == NOTHING:
        return _at_least(replace(array, most=lower_limit(array.most, most)), least)
    if least == 0 and most == 0:
        prefix = tuple(algebra.minus(item, matching) for item in array.prefix)
        return array_shape(replace(array, prefix=prefix, rest=algebra.minus(array.rest, matching)))
    if least != 1 or most is not None or array.most is None or array.most > POSITIONS:
        raise Inexact("matching items can only be counted in the finished array")
    return unite(*(with_item(array, i, algebra.meet(array.item(i), matching)) for i in range(array.most)))


def lower_unique_items(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    if node.schema[keyword] is not True:
        return shape
    algebra = reader.algebra
    return reader.attempt(
        node, keyword, shape, _each_array, algebra, shape, lambda array: _without_repetition(algebra, array)
    )


def _without_repetition(algebra: Algebra, array: Array) -> Shape:
    """Exact if no item can repeat, or if the items' values have few enough arrangements."""
    if array.most is not None and array.most <= 1:
        return (array,)
    closed = array.most is not None and array.most <= len(array.prefix)
    if closed and all(algebra.disjoint(left, right) for left, right in combinations(array.prefix, 2)):
        return (array,)
    values = _single_values(_resolved(algebra, unite(*array.prefix, array.rest)))
    if values is None:
        raise Inexact("repeated items can only be detected in the finished array")
    longest = min(len(values), len(values) if array.most is None else array.most)
    rows: list[Shape] = []
    for size in range(array.least, longest + 1):
        for row in permutations(values, size):
            rows.append(_row_shape(algebra, array, row))
            if len(rows) > min(ARRANGEMENTS, algebra.alternatives):
                raise Inexact(f"its values have more than {min(ARRANGEMENTS, algebra.alternatives)} arrangements")
    return unite(*rows)


def _row_shape(algebra: Algebra, array: Array, row: tuple[Variant, ...]) -> Shape:
    prefix = tuple(algebra.meet(array.item(i), (value,)) for i, value in enumerate(row))
    return array_shape(Array(prefix=prefix, least=len(row), most=len(row), loose=array.loose))


def _single_values(shape: Shape) -> list[Variant] | None:
    """The values that a shape consists of, a variant each; None if they can't be listed."""
    values: list[Variant] = []
    for variant in shape:
        if isinstance(variant, StringEnum):
            values.extend(StringEnum(values=(word,)) for word in variant.values)
        elif isinstance(variant, Boolean):
            values.extend(Boolean(values=frozenset((value,))) for value in sorted(variant.values))
        elif isinstance(variant, Null) or (isinstance(variant, Number) and variant.single):
            values.append(variant)
        else:
            return None
    return list(dict.fromkeys(values))
