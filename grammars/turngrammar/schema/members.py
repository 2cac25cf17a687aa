"""Keywords about an object's names and an array's items that no piece holds as such."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, permutations
from typing import TYPE_CHECKING

from turngrammar.schema import regex
from turngrammar.schema.arrays import item, with_item
from turngrammar.schema.combine import NO_OBJECT
from turngrammar.schema.formats import FORMATS
from turngrammar.schema.load import Node
from turngrammar.schema.regex import Language
from turngrammar.schema.shape import (
    ANYTHING,
    EVERY_TYPE,
    NOTHING,
    AnyPiece,
    Array,
    Boolean,
    Inexact,
    Null,
    Number,
    Object,
    Piece,
    Ref,
    Shape,
    Text,
    Words,
    array,
    is_any,
    least_of,
    object_,
    unite,
)

if TYPE_CHECKING:
    from turngrammar.schema.algebra import Algebra
    from turngrammar.schema.read import Reader

ARRANGEMENTS = 128  # of the items of an array without repetition
POSITIONS = 8  # of an array in which one item is looked for


def property_names(reader: Reader, node: Node, shape: Shape) -> Shape:
    """Names outside the allowed language have no value that fits."""
    names = reader.read(node.child(node.schema["propertyNames"]))
    return reader.attempt(node, "propertyNames", shape, _named, reader.algebra, shape, names)


def _named(algebra: Algebra, shape: Shape, names: Shape) -> Shape:
    if is_any(names):
        return shape
    if not algebra.exact(names):
        raise Inexact("the names that it allows are themselves only checked")
    strings = _open(algebra, algebra.meet(names, EVERY_TYPE))
    if all(isinstance(piece, Words) for piece in strings if isinstance(piece, Words | Text)):
        listed = tuple((word, ANYTHING) for piece in strings if isinstance(piece, Words) for word in piece.values)
        return algebra.meet(shape, (*NO_OBJECT, *object_(Object(properties=listed))))
    language = regex.union(*(_language(piece) for piece in strings if isinstance(piece, Words | Text)))
    plain = regex.plain(language)
    if plain is None:
        raise Inexact("the names that it allows would take too large a pattern")
    if plain == regex.ANY:
        return shape
    return algebra.meet(shape, (*NO_OBJECT, Object(patterns=((plain, ANYTHING),))))


def _language(piece: Words | Text) -> Language:
    if isinstance(piece, Words):
        return regex.words(piece.values)
    formats = (FORMATS[name].language for name in piece.formats)
    return regex.meet(*piece.languages, *formats, regex.length(piece.least, piece.most))


def _open(algebra: Algebra, shape: Shape) -> Shape:
    """The shape with references and "anything" spelled out."""
    pieces: list[Piece] = []
    for piece in shape:
        if isinstance(piece, Ref):
            pieces.extend(_open(algebra, algebra.resolve(piece)))
        else:
            pieces.extend(EVERY_TYPE if isinstance(piece, AnyPiece) else (piece,))
    return unite(tuple(pieces))


def _each_array(algebra: Algebra, shape: Shape, change: Callable[[Array], Shape]) -> Shape:
    return unite(*(change(piece) if isinstance(piece, Array) else (piece,) for piece in _open(algebra, shape)))


def contains(reader: Reader, node: Node, shape: Shape) -> Shape:
    schema, counted = node.schema, node.dialect.knows("dependentRequired")  # minContains came with 2019-09
    wanted = reader.read(node.child(schema["contains"]))
    least = int(schema.get("minContains", 1)) if counted else 1
    most = int(schema["maxContains"]) if counted and "maxContains" in schema else None
    algebra = reader.algebra
    longer = reader.attempt(node, "contains", shape, _each_array, algebra, shape, lambda piece: _at_least(piece, least))
    return reader.attempt(
        node,
        "contains",
        longer,
        lambda: _each_array(algebra, shape, lambda piece: _containing(algebra, piece, wanted, least, most)),
    )


def _at_least(piece: Array, least: int) -> Shape:
    return array(replace(piece, least=max(piece.least, least)))


def _containing(algebra: Algebra, piece: Array, wanted: Shape, least: int, most: int | None) -> Shape:
    """Exact where every item counts, none does, or the array is short enough to say which."""
    if least == 0 and most is None:
        return (piece,)
    every = unite(*piece.prefix, piece.rest)
    if algebra.disjoint(every, wanted):
        return NOTHING if least else (piece,)
    if algebra.exact(wanted) and algebra.minus(every, wanted) == NOTHING:
        return _at_least(replace(piece, most=least_of(piece.most, most)), least)
    if least == 0 and most == 0:
        prefix = tuple(algebra.minus(one, wanted) for one in piece.prefix)
        return array(replace(piece, prefix=prefix, rest=algebra.minus(piece.rest, wanted)))
    if least != 1 or most is not None or piece.most is None or piece.most > POSITIONS:
        raise Inexact("how many items fit it can only be counted when the array is complete")
    return unite(*(with_item(piece, i, algebra.meet(item(piece, i), wanted)) for i in range(piece.most)))


def unique_items(reader: Reader, node: Node, shape: Shape) -> Shape:
    if node.schema["uniqueItems"] is not True:
        return shape
    algebra = reader.algebra
    return reader.attempt(
        node, "uniqueItems", shape, lambda: _each_array(algebra, shape, lambda piece: _distinct(algebra, piece))
    )


def _distinct(algebra: Algebra, piece: Array) -> Shape:
    """Exact where items can't repeat, or where few enough values can be arranged."""
    if piece.most is not None and piece.most <= 1:
        return (piece,)
    closed = piece.most is not None and piece.most <= len(piece.prefix)
    if closed and all(algebra.disjoint(one, other) for one, other in combinations(piece.prefix, 2)):
        return (piece,)
    values = _values(_open(algebra, unite(*piece.prefix, piece.rest)))
    if values is None:
        raise Inexact("whether an item repeats is only known when the array is complete")
    longest = min(len(values), len(values) if piece.most is None else piece.most)
    rows: list[Shape] = []
    for size in range(piece.least, longest + 1):
        for row in permutations(values, size):
            rows.append(_row(algebra, piece, row))
            if len(rows) > ARRANGEMENTS:
                raise Inexact(f"its values can be arranged in more than {ARRANGEMENTS} ways")
    return unite(*rows)


def _row(algebra: Algebra, piece: Array, row: tuple[Piece, ...]) -> Shape:
    prefix = tuple(algebra.meet(item(piece, i), (value,)) for i, value in enumerate(row))
    return array(Array(prefix=prefix, least=len(row), most=len(row), loose=piece.loose))


def _values(shape: Shape) -> list[Piece] | None:
    """The single values that a shape consists of; None if there is another piece among them."""
    values: list[Piece] = []
    for piece in shape:
        if isinstance(piece, Words):
            values.extend(Words(values=(word,)) for word in piece.values)
        elif isinstance(piece, Boolean):
            values.extend(Boolean(values=frozenset((value,))) for value in sorted(piece.values))
        elif isinstance(piece, Null) or (
            isinstance(piece, Number) and piece.low is not None and piece.low == piece.high
        ):
            values.append(piece)
        else:
            return None
    return list(dict.fromkeys(values))
