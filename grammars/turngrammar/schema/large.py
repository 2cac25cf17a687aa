"""Whole numbers beyond those that 64-bit floats hold one by one, as far as llguidance can be told of them.

It reads every number as a float and computes with whole ones in 64 bits, so they reach to `LARGEST`. A constant that is
no float is told from its neighbours by a divisor, where it has one that is large enough; others can't be written.
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

EXACT = 2**53  # whole numbers up to here are floats, one by one
LARGEST = 2**63 - 2**10  # the largest float that is a 64-bit whole number
COEFFICIENT = 2**32  # llguidance keeps a step as a 32-bit coefficient and a decimal exponent
_FACTORS = (2, *range(3, 2**14, 2))  # no need of them to be prime: what is not finds nothing left to divide
_TOLD = 40  # digits of a number that an error repeats
# Where a bound can come from: `not` turns them round, and a constant is two of them.
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "const", "enum")


def literal(value: Fraction) -> bool:
    """Whether llguidance, told of this constant, writes no other."""
    return abs(value) <= EXACT or (abs(value) <= LARGEST and Fraction(float(value)) == value)


@lru_cache(maxsize=1024)
def among_neighbours(value: int) -> dict[str, Any]:
    """The node of a constant that is no float: between two that are, the only multiple of one of its divisors."""
    low, high = outwards(Fraction(value), -inf), outwards(Fraction(value), inf)
    return {"type": "integer", "minimum": low, "maximum": high, "multipleOf": _telling(value, low, high)}


def _telling(value: int, low: int, high: int) -> int | None:
    """A divisor of which nothing else between the two is a multiple; None where none is found in little time.

    Of negative numbers llguidance knows no multiples.
    """
    room = max(value - low, high - value)
    divisor, rest = 1, max(value, 1)
    for factor in _FACTORS:
        while rest % factor == 0 and divisor <= room:
            divisor, rest = divisor * factor, rest // factor
        if divisor > room:
            return divisor
    return rest if room < rest < COEFFICIENT else None


def writable(piece: Number) -> bool:
    """Whether any number of the piece can be written, as far as its bounds go."""
    if piece.low is not None and piece.single and not literal(piece.low):
        return _tellable(piece.low.numerator)
    below = piece.low is None or piece.low <= LARGEST
    above = piece.high is None or piece.high >= -LARGEST
    return not piece.integer or (below and above)


def outwards(bound: Fraction, direction: float) -> int:
    """The float that is next to a whole number, or is it; on that side of it (inf or -inf)."""
    nearest = float(bound)
    inside = Fraction(nearest) < bound if direction == inf else Fraction(nearest) > bound
    return int(nextafter(nearest, direction)) if inside else int(nearest)


def _tellable(value: int) -> bool:
    if abs(value) > LARGEST:
        return False
    return among_neighbours(value)["multipleOf"] is not None


def refusal(source: Source, piece: Number) -> RefusedSchema:
    """The error for numbers that can't be written, at the keyword that asks for them."""
    near = piece.high if piece.low is None else piece.low
    value = 0 if near is None else near.numerator
    where, keyword = next(_places(source, value), ("", ""))
    written = str(value) if abs(value) < 10**_TOLD else f"{str(value)[:_TOLD]}..."
    what = (
        f"the number {written}"
        if piece.single
        else f"a whole number {'up to' if piece.low is None else 'from'} {written}"
    )
    why = f"it goes up to {LARGEST}" if abs(value) > LARGEST else "64-bit floats don't tell it from its neighbours"
    message = f"the grammar can't write {what}: {why}; ask for a string instead"
    return RefusedSchema(message, pointer=where, keyword=keyword)


def _places(source: Source, value: int) -> Iterator[tuple[str, str]]:
    """Where the schema says this number. An excluded bound, and one that `not` turned round, is next to it."""
    for tokens, node in source.walk():
        for keyword in BOUNDS:
            if isinstance(node, Mapping) and keyword in node:
                yield from ((pointer((*tokens, keyword, *path)), keyword) for path in _within(node[keyword], value))


def _within(value: Any, wanted: int) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping):
        yield from ((name, *path) for name, item in value.items() for path in _within(item, wanted))
    elif isinstance(value, list):
        yield from ((str(index), *path) for index, item in enumerate(value) for path in _within(item, wanted))
    elif isinstance(value, int | float) and wanted - 1 <= value <= wanted + 1:  # subtracting from a float may overflow
        yield ()
