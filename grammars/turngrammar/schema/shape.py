"""Shapes: what a schema allows, as a union of variants. A variant has one JSON type, or refers to a shape by name.

    Shape   = tuple of variants; () allows nothing, (AnyValue(),) everything. Variants of one shape may overlap.
    Variant = AnyValue | Null | Boolean | Number | StringEnum | String | Array | Object | Ref

A `loose` variant allows more than its schema does, so the finished document has to be checked. No variant allows less.
The functions `*_shape` normalize one variant; they return () if no value fits it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from fractions import Fraction
from math import ceil, floor, lcm
from typing import TypeVar

from turngrammar.regex import Language, automaton
from turngrammar.spans import Texts
from turngrammar.string_formats import FORMATS
from turngrammar.terminals.numerals import LARGEST, SMALLEST

ENUMERATED = 64  # numbers that are listed one by one

T = TypeVar("T")


class Inexact(Exception):
    """No shape expresses this exactly, or none within the budget. Its text is the reason in the report."""


def hashed_once(kind: type[T]) -> type[T]:
    """A frozen class whose instances keep their hash: that of a deep shape takes long, and is needed often."""
    compute: Callable[[object], int] = kind.__hash__

    def kept(self: object) -> int:
        if "_hash" not in self.__dict__:
            self.__dict__["_hash"] = compute(self)
        return int(self.__dict__["_hash"])

    kind.__hash__ = kept  # type: ignore[method-assign]
    return kind


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Attributes: loose: allows more than the schema does."""

    loose: bool = False


Shape = tuple[Variant, ...]


@dataclass(frozen=True, kw_only=True)
class AnyValue(Variant):
    """Every JSON value."""


@dataclass(frozen=True, kw_only=True)
class Ref(Variant):
    """The shape of that name, looked up when needed: this is how shapes recurse."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Null(Variant):
    """null"""


@dataclass(frozen=True, kw_only=True)
class Boolean(Variant):
    """true, false, or both."""

    values: frozenset[bool] = frozenset((True, False))


@dataclass(frozen=True, kw_only=True)
class Number(Variant):
    """Numbers between two bounds.

    Attributes:
        integer: integers only.
        step: multiples of it only.
        excluded: no multiples of these.
        point: 1.0 is an integer, which draft 4 denies.
    """

    low: Fraction | None = None
    high: Fraction | None = None
    open_low: bool = False
    open_high: bool = False
    integer: bool = False
    step: Fraction | None = None
    excluded: tuple[Fraction, ...] = ()
    point: bool = True

    @property
    def own_step(self) -> Fraction | None:
        """All of the numbers are multiples of it."""
        return common_multiple(Fraction(1) if self.integer else None, self.step)

    @property
    def single(self) -> bool:
        """Whether it is one number."""
        return self.low is not None and self.low == self.high


@dataclass(frozen=True, kw_only=True)
class StringEnum(Variant):
    """The listed strings."""

    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class String(Variant):
    """Strings that are in all the languages, have all the formats, and `least` to `most` characters.

    Attributes:
        texts: they are spans of one of these; None: any strings.
        implied: only as long as they have neither languages nor formats, nor are listed.
    """

    languages: tuple[Language, ...] = ()
    formats: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None
    texts: Texts | None = None
    implied: bool = False

    @property
    def free(self) -> bool:
        """Whether it has neither a pattern nor a format. A complement is of something else."""
        return not self.formats and all(language.kind == "not" for language in self.languages)


@dataclass(frozen=True)
class Contained:
    """Of an array's items, `least` to `most` fit `shape`. The rest fit `others`, which excludes `shape`."""

    shape: Shape
    others: Shape
    least: int
    most: int | None


@hashed_once
@dataclass(frozen=True, kw_only=True)
class Array(Variant):
    """Arrays of `least` to `most` items: item i fits `prefix[i]`, those after the prefix fit `rest`.

    Attributes:
        contained: counts items after the prefix, of which none can match. The array then has no other bounds.
        distinct: no two items are equal; all of them are listed values.
    """

    prefix: tuple[Shape, ...] = ()
    rest: Shape = ()
    least: int = 0
    most: int | None = None
    contained: Contained | None = None
    distinct: bool = False

    def item(self, index: int) -> Shape:
        """What the item at that index has to fit."""
        return self.prefix[index] if index < len(self.prefix) else self.rest


class Others(IntEnum):
    """What the schema states about names that it doesn't list. Of several subschemas, the one with the most counts."""

    FREE = 0  # nothing, and it lists none
    IMPLIED = 1  # nothing, but it lists some: no others are generated (see `closing.py`)
    STATED = 2


@hashed_once
@dataclass(frozen=True, kw_only=True)
class Object(Variant):
    """Objects. A value fits the shape of its name in `properties`, else that of the pattern that matches, else `rest`.

    Patterns are pairwise disjoint, so their order doesn't matter; the order of `properties` is the order of keys.

    Attributes:
        others, listed: what the schema states about other names, and those that it lists or requires. They don't
            change what the variant allows: a negation sees it as the schema has it.
    """

    properties: tuple[tuple[str, Shape], ...] = ()
    patterns: tuple[tuple[Language, Shape], ...] = ()
    rest: Shape = ()
    required: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None
    others: Others = Others.FREE
    listed: frozenset[str] = frozenset()

    def value(self, name: str) -> Shape:
        """What the value under that name has to fit."""
        for known, shape in self.properties:
            if known == name:
                return shape
        return self.undeclared(name)

    def values(self, names: Iterable[str]) -> Iterator[Shape]:
        """What the value under each of the names has to fit."""
        known = dict(self.properties)
        return (known[name] if name in known else self.undeclared(name) for name in names)

    @property
    def unlisted(self) -> Shape:
        """What values under names that `properties` doesn't list fit, whatever the name."""
        return unite(self.rest, *(shape for _, shape in self.patterns))

    def undeclared(self, name: str) -> Shape:
        """What the value has to fit under a name that `properties` doesn't list."""
        for language, shape in self.patterns:
            if automaton(language).matches(name):
                return shape
        return self.rest


NOTHING: Shape = ()
ANYTHING: Shape = (AnyValue(),)
NULL = Null()
BOOLEAN = Boolean()
NUMBER = Number()
INTEGER = Number(integer=True)
STRING = String()
ARRAY = Array(rest=ANYTHING)
OBJECT = Object(rest=ANYTHING)
EVERY_TYPE: Shape = (NULL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT)
# The shapes of types without keywords, which most properties have, so that those take no reading and no writing.
BARE: Mapping[str, Shape] = {"null": (NULL,), "boolean": (BOOLEAN,), "number": (NUMBER,), "string": (STRING,)}
BARE_TYPES = {id(shape): name for name, shape in BARE.items()}
NOT_ARRAY: Shape = (NULL, BOOLEAN, NUMBER, STRING, OBJECT)
NOT_OBJECT: Shape = (NULL, BOOLEAN, NUMBER, STRING, ARRAY)


def loosen(shape: Shape) -> Shape:
    """The same, marked as allowing too much."""
    return tuple(variant if variant.loose else replace(variant, loose=True) for variant in shape)


def unite(*shapes: Shape) -> Shape:
    """The union, each variant once."""
    variants = dict.fromkeys(variant for shape in shapes for variant in shape)
    for variant in variants:
        if isinstance(variant, AnyValue):
            return (variant,)
    return tuple(variants)


def subshapes(variant: Variant) -> list[Shape]:
    """The shapes of an array's items or of an object's values."""
    if isinstance(variant, Array):
        counted = variant.contained
        return [*variant.prefix, variant.rest, *((counted.shape, counted.others) if counted else ())]
    if isinstance(variant, Object):
        return [*dict(variant.properties).values(), *(shape for _, shape in variant.patterns), variant.rest]
    return []


def common_multiple(left: Fraction | None, right: Fraction | None) -> Fraction | None:
    """The least common multiple; None if there is no condition."""
    if left is None or right is None:
        return right if left is None else left
    scale = left.denominator * right.denominator
    return Fraction(lcm(left.numerator * right.denominator, right.numerator * left.denominator), scale)


def number_shape(variant: Number) -> Shape:
    """The variant; its bounds are multiples, if it has multiples only. A few numbers are listed."""
    step, low, high = variant.own_step, variant.low, variant.high
    if step is not None:
        if any(step % other == 0 for other in variant.excluded):
            return NOTHING
        low = None if low is None else step * (floor(low / step) + 1 if variant.open_low else ceil(low / step))
        high = None if high is None else step * (ceil(high / step) - 1 if variant.open_high else floor(high / step))
        variant = replace(variant, low=low, high=high, open_low=False, open_high=False)
    if low is not None and high is not None:
        if low >= high:
            return _single_number(variant) if low == high else NOTHING
        if variant.excluded and step is not None and high - low < ENUMERATED * step:
            count = int((high - low) / step) + 1
            listed = (replace(variant, low=low + step * index, high=low + step * index) for index in range(count))
            return tuple(single for number in listed for single in _single_number(number))
    return NOTHING if _is_beyond(variant) else (variant,)


def _single_number(variant: Number) -> Shape:
    number = variant.low
    if number is None or variant.open_low or variant.open_high or 0 < abs(number) < SMALLEST:
        return NOTHING
    if any(number % step == 0 for step in variant.excluded):
        return NOTHING
    return (replace(variant, high=number, integer=number.denominator == 1, step=None, excluded=()),)


def _is_beyond(variant: Number) -> bool:
    """Whether no 64-bit float is within the bounds: all numbers are too large, or too close to 0."""
    low = -LARGEST if variant.low is None else variant.low
    high = LARGEST if variant.high is None else variant.high
    if low > LARGEST or high < -LARGEST:
        return True
    zero = low < 0 < high or (low == 0 and not variant.open_low) or (high == 0 and not variant.open_high)
    return low > -SMALLEST and high < SMALLEST and not zero


def array_shape(variant: Array) -> Shape:
    """The variant; its prefix ends where no further item can be."""
    reach = next((i for i, item in enumerate(variant.prefix) if not item), None)
    if reach is None and not variant.rest:
        reach = len(variant.prefix)
    most = lower_limit(variant.most, reach)
    if most is not None and most < variant.least:
        return NOTHING
    return (replace(variant, prefix=variant.prefix[:most], most=most),)


def object_shape(variant: Object) -> Shape:
    """The variant; `least` counts the required names, `most` is None if it exceeds the possible ones."""
    shapes = dict(variant.properties)
    closed = not variant.rest and not any(shape for _, shape in variant.patterns)
    for name in variant.required:
        if shapes.get(name, NOTHING if closed else ANYTHING) == NOTHING:
            return NOTHING
    least = max(variant.least, len(variant.required))
    possible = sum(1 for shape in shapes.values() if shape) if closed else None
    most = lower_limit(variant.most, possible)
    if most is not None and most < least:
        return NOTHING
    return (replace(variant, least=least, most=None if most == possible else most),)


def string_shape(variant: String) -> Shape:
    """The variant, unless its lengths contradict each other or the texts. If there is no text, it lists ""."""
    if variant.most is not None and variant.most < variant.least:
        return NOTHING
    if variant.texts is None:
        return (variant,)
    longest = max(map(len, variant.texts), default=0)
    if longest < variant.least:
        return NOTHING
    return (variant,) if longest or variant.implied else _empty_string(variant)


def _empty_string(variant: String) -> Shape:
    languages = (*variant.languages, *(FORMATS[name].language for name in variant.formats))
    return enum_shape(("",)) if all(automaton(language).matches("") for language in languages) else NOTHING


def enum_shape(values: Iterable[str]) -> Shape:
    """The listed strings."""
    listed = tuple(values)
    return (StringEnum(values=listed),) if listed else NOTHING


def lower_limit(left: int | None, right: int | None) -> int | None:
    """The smaller of two upper limits; None means no limit."""
    return min((limit for limit in (left, right) if limit is not None), default=None)
