"""Integers beyond 2**53, of which 64-bit floats hold only some, as far as llguidance can be made to write them.

It reads every number as a float and computes integers in 64 bits, so they reach `LARGEST`. A constant that no
float equals is expressed as the only multiple of a divisor between its neighbouring floats, if it has a divisor that is
large enough; other constants can't be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from math import inf, nextafter
from typing import Any

from turngrammar.errors import RefusedSchema
from turngrammar.schema.dialect import pointer
from turngrammar.schema.load import Source
from turngrammar.schema.shape import Number

EXACT = 2**53  # every integer up to here is a float
LARGEST = 2**63 - 2**10  # the largest float that is a 64-bit integer
COEFFICIENT = 2**32  # llguidance stores a step as a 32-bit coefficient and a decimal exponent
_FACTORS = (
    2,
    *range(3, 2**14, 2),
)  # a composite factor never divides: its prime factors come first
_REPEATED_DIGITS = 40  # of a number in an error message


def json_number(exact: Fraction) -> int | float:
    """The number as in a schema."""
    return exact.numerator if exact.denominator == 1 else float(exact)


def is_literal(value: Fraction) -> bool:
    """Whether llguidance generates exactly this number for the constant."""
    return abs(value) <= EXACT or (abs(value) <= LARGEST and Fraction(float(value)) == value)


@lru_cache(maxsize=1024)
def divisor_among_neighbours(value: int) -> tuple[int, int, int | None]:
    """For a constant that no float equals: the floats below and above it, and a divisor of it with no other multiple
    between them; None if it takes long to find. llguidance has no multiples of negative numbers."""
    low, high = outwards(Fraction(value), -inf), outwards(Fraction(value), inf)
    room = max(value - low, high - value)
    divisor, rest = 1, max(value, 1)
    for factor in _FACTORS:
        while rest % factor == 0 and divisor <= room:
            divisor, rest = divisor * factor, rest // factor
        if divisor > room:
            return low, high, divisor
    return low, high, rest if room < rest < COEFFICIENT else None


def is_writable(variant: Number) -> bool:
    """Whether llguidance can write any number of the variant, by its bounds."""
    if variant.low is not None and variant.single and not is_literal(variant.low):
        value = variant.low.numerator
        return abs(value) <= LARGEST and divisor_among_neighbours(value)[2] is not None
    below = variant.low is None or variant.low <= LARGEST
    above = variant.high is None or variant.high >= -LARGEST
    return not variant.integer or (below and above)


def outwards(bound: Fraction, direction: float) -> int:
    """The float equal to an integer, or the next one in that direction (inf or -inf)."""
    nearest = float(bound)
    inside = Fraction(nearest) < bound if direction == inf else Fraction(nearest) > bound
    return int(nextafter(nearest, direction)) if inside else int(nearest)


def refusal(source: Source, variant: Number) -> RefusedSchema:
    """The error for numbers that can't be written, at the keyword that requires them."""
    near = variant.high if variant.low is None else variant.low
    value = 0 if near is None else near.numerator
    where, keyword = next(_occurrences(source, value), ("", ""))
    digits = str(value) if abs(value) < 10**_REPEATED_DIGITS else f"{str(value)[:_REPEATED_DIGITS]}..."
    what = f"the number {digits}" if variant.single else f"an integer {'<=' if variant.low is None else '>='} {digits}"
    why = f"the limit is {LARGEST}" if abs(value) > LARGEST else "64-bit floats can't distinguish it"
    return RefusedSchema(
        f"The grammar can't write {what}: {why}. Use a string instead.", pointer=where, keyword=keyword
    )


def _occurrences(source: Source, value: int) -> Iterator[tuple[str, str]]:
    """Where the schema has this number. An exclusive bound, and one negated by `not`, differ from it by 1."""
    for place in source.places:
        for keyword in source.keywords.bounding:
            if isinstance(place.schema, Mapping) and keyword in place.schema:
                paths = _paths_to(value, place.schema[keyword])
                yield from ((place.pointer + pointer((keyword, *path)), keyword) for path in paths)


def _paths_to(wanted: int, value: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping):
        yield from ((name, *path) for name, item in value.items() for path in _paths_to(wanted, item))
    elif isinstance(value, list):
        yield from ((str(index), *path) for index, item in enumerate(value) for path in _paths_to(wanted, item))
    elif isinstance(value, int | float) and wanted - 1 <= value <= wanted + 1:  # subtracting from a float may overflow
        yield ()
