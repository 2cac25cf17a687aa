"""Shapes: what a schema allows, as a union of pieces. A piece has one JSON type, or refers to a shape by name.

    Shape   = tuple of pieces; () allows nothing, (AnyPiece(),) everything. Pieces of one shape may overlap.
    Piece   = AnyPiece | Null | Boolean | Number | Words | Text | Array | Object | Ref

A piece may be `loose`: it allows more than its source does, and the finished document has to be checked. Nothing here
ever allows less. The functions that build arrays and objects answer () where no value can exist.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from turngrammar.schema.regex import Language


class Inexact(Exception):
    """No shape says this exactly, or none within the budget. Its text is the reason, for the report."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Attributes: loose: allows more than the source says."""

    loose: bool = False


Shape = tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True)
class AnyPiece(Piece):
    """Every JSON value."""


@dataclass(frozen=True, kw_only=True)
class Ref(Piece):
    """The shape of that name, looked up when needed: this is how shapes recurse."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Null(Piece):
    """null"""


@dataclass(frozen=True, kw_only=True)
class Boolean(Piece):
    """true, false, or both."""

    values: frozenset[bool] = frozenset((True, False))


@dataclass(frozen=True, kw_only=True)
class Number(Piece):
    """Numbers between two bounds, whole ones only if `integer`, multiples of `step` if it is given."""

    low: Fraction | None = None
    high: Fraction | None = None
    open_low: bool = False
    open_high: bool = False
    integer: bool = False
    step: Fraction | None = None

    @property
    def single(self) -> bool:
        """Whether it is one number."""
        return self.low is not None and self.low == self.high


@dataclass(frozen=True, kw_only=True)
class Words(Piece):
    """The listed strings."""

    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Text(Piece):
    """Strings that lie in all the languages, have all the formats, and `least` to `most` characters."""

    languages: tuple[Language, ...] = ()
    formats: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Array(Piece):
    """Arrays of `least` to `most` items: item i fits `prefix[i]`, those beyond fit `rest`."""

    prefix: tuple[Shape, ...] = ()
    rest: Shape = ()
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Object(Piece):
    """Objects. A name's value fits the shape in `properties`, else that of the pattern it lies in, else `rest`.

    Patterns are pairwise disjoint, so the order of `patterns` means nothing; that of `properties` is the order of keys.
    """

    properties: tuple[tuple[str, Shape], ...] = ()
    patterns: tuple[tuple[Language, Shape], ...] = ()
    rest: Shape = ()
    required: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None


NOTHING: Shape = ()
ANYTHING: Shape = (AnyPiece(),)
NULL = Null()
BOOLEAN = Boolean()
NUMBER = Number()
INTEGER = Number(integer=True)
TEXT = Text()
ARRAY = Array(rest=ANYTHING)
OBJECT = Object(rest=ANYTHING)
EVERY_TYPE: Shape = (NULL, BOOLEAN, NUMBER, TEXT, ARRAY, OBJECT)


def is_any(shape: Shape) -> bool:
    return len(shape) == 1 and isinstance(shape[0], AnyPiece)


def loosen(shape: Shape) -> Shape:
    """The same, marked as allowing too much."""
    return tuple(piece if piece.loose else replace(piece, loose=True) for piece in shape)


def unite(*shapes: Shape) -> Shape:
    """The union, each piece once."""
    pieces = dict.fromkeys(piece for shape in shapes for piece in shape)
    for piece in pieces:
        if isinstance(piece, AnyPiece):
            return (piece,)
    return tuple(pieces)


def number(piece: Number) -> Shape:
    """The piece, or nothing where its bounds leave nothing."""
    low, high = piece.low, piece.high
    if piece.integer:
        low = None if low is None else Fraction(floor(low) + 1 if piece.open_low else ceil(low))
        high = None if high is None else Fraction(ceil(high) - 1 if piece.open_high else floor(high))
        piece = replace(piece, low=low, high=high, open_low=False, open_high=False)
    if low is None or high is None or low < high:
        return (piece,)
    single = low == high and not (piece.open_low or piece.open_high)
    if not single or (piece.step is not None and low % piece.step):
        return NOTHING
    return (replace(piece, integer=low.denominator == 1, step=None),)


def array(piece: Array) -> Shape:
    """The piece in normal form: no prefix that can't be reached."""
    reach = next((i for i, item in enumerate(piece.prefix) if not item), None)
    if reach is None and not piece.rest:
        reach = len(piece.prefix)
    most = least_of(piece.most, reach)
    if most is not None and most < piece.least:
        return NOTHING
    return (replace(piece, prefix=piece.prefix[:most], most=most),)


def object_(piece: Object) -> Shape:
    """The piece in normal form: `least` counts the required names, `most` no more than there can be."""
    shapes = dict(piece.properties)
    closed = not piece.rest and not any(shape for _, shape in piece.patterns)
    for name in piece.required:
        if shapes.get(name, NOTHING if closed else ANYTHING) == NOTHING:
            return NOTHING
    least = max(piece.least, len(piece.required))
    possible = sum(1 for shape in shapes.values() if shape) if closed else None
    most = least_of(piece.most, possible)
    if most is not None and most < least:
        return NOTHING
    return (replace(piece, least=least, most=None if most == possible else most),)


def least_of(left: int | None, right: int | None) -> int | None:
    """The smaller of two upper bounds, None being none."""
    return min((bound for bound in (left, right) if bound is not None), default=None)


def text(piece: Text) -> Shape:
    """The piece, or nothing where its lengths contradict each other."""
    return NOTHING if piece.most is not None and piece.most < piece.least else (piece,)


def words(piece: Words) -> Shape:
    return (piece,) if piece.values else NOTHING
