"""Keywords about an object's names and an array's items that no variant has as such."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from turngrammar import regex
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.items import containing, most_distinct, resolved, without_repetition
from turngrammar.schema.load import Subschema
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.shape import (
    ANYTHING,
    EVERY_TYPE,
    NOT_OBJECT,
    AnyValue,
    Array,
    Inexact,
    Object,
    Others,
    Shape,
    String,
    StringEnum,
    array_shape,
    object_shape,
    unite,
)
from turngrammar.schema.strings import variant_language


def lower_property_names(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    """No value fits under names outside the allowed language."""
    names = reader.read(node.child(node.schema[keyword]))
    return reader.attempt(node, keyword, shape, _with_names, reader.algebra, shape, names)


def _with_names(algebra: Algebra, shape: Shape, names: Shape) -> Shape:
    if len(names) == 1 and isinstance(names[0], AnyValue):
        return shape
    if not algebra.exact(names):
        raise Inexact("the allowed names are themselves only checked")
    typed = resolved(algebra, algebra.meet(names, EVERY_TYPE))
    strings = [variant for variant in typed if isinstance(variant, StringEnum | String)]
    listed = [word for variant in strings if isinstance(variant, StringEnum) for word in variant.values]
    if all(isinstance(variant, StringEnum) for variant in strings):
        properties = tuple((word, ANYTHING) for word in listed)
        named = object_shape(Object(properties=properties, others=Others.STATED))
        return algebra.meet(shape, (*NOT_OBJECT, *named))
    language = regex.printable(regex.union(*map(variant_language, strings)))
    if language is None:
        raise Inexact("the allowed names need a pattern that is too large")
    if language == regex.ANY:
        return shape
    return algebra.meet(shape, (*NOT_OBJECT, Object(patterns=((language, ANYTHING),), others=Others.STATED)))


def _each_array(algebra: Algebra, shape: Shape, change: Callable[[Array], Shape]) -> Shape:
    changed = (change(variant) if isinstance(variant, Array) else (variant,) for variant in resolved(algebra, shape))
    return unite(*changed)


def lower_contains(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    schema, algebra = node.schema, reader.algebra
    matching = reader.read(node.child(schema[keyword]))
    least = int(schema["minContains"]) if reader.asserts(node, "minContains") else 1
    most = int(schema["maxContains"]) if reader.asserts(node, "maxContains") else None

    def longer(array: Array) -> Shape:
        return array_shape(replace(array, least=max(array.least, least)))

    def counted(array: Array) -> Shape:
        return containing(algebra, array, matching, least, most)

    fallback = reader.attempt(node, keyword, shape, _each_array, algebra, shape, longer)
    return reader.attempt(node, keyword, fallback, _each_array, algebra, shape, counted)


def lower_unique_items(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    if node.schema[keyword] is not True:
        return shape
    algebra = reader.algebra
    shorter, distinct = partial(most_distinct, algebra), partial(without_repetition, algebra)
    fallback = reader.attempt(node, keyword, shape, _each_array, algebra, shape, shorter)
    return reader.attempt(node, keyword, fallback, _each_array, algebra, shape, distinct)
