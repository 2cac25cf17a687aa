"""Intersection and difference of booleans, numbers and strings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

from turngrammar.schema import regex
from turngrammar.schema.formats import FORMATS
from turngrammar.schema.shape import (
    NOTHING,
    Boolean,
    Inexact,
    Number,
    Shape,
    Text,
    Words,
    least_of,
    number,
    text,
    unite,
    words,
)

if TYPE_CHECKING:
    from turngrammar.schema.algebra import Algebra

ENUMERATED = 64  # whole numbers listed one by one


def meet_booleans(algebra: Algebra, left: Boolean, right: Boolean) -> Shape:
    values = left.values & right.values
    return (Boolean(values=values),) if values else NOTHING


def minus_booleans(algebra: Algebra, left: Boolean, right: Boolean) -> Shape:
    values = left.values - right.values
    return (Boolean(values=values),) if values else NOTHING


def meet_numbers(algebra: Algebra, left: Number, right: Number) -> Shape:
    low, open_low = _tighter(left.low, left.open_low, right.low, right.open_low, 1)
    high, open_high = _tighter(left.high, left.open_high, right.high, right.open_high, -1)
    return number(
        Number(
            low=low,
            high=high,
            open_low=open_low,
            open_high=open_high,
            integer=left.integer or right.integer,
            step=_common_step(left.step, right.step),
        )
    )


def _tighter(
    left: Fraction | None, open_left: bool, right: Fraction | None, open_right: bool, sign: int
) -> tuple[Fraction | None, bool]:
    """The stronger of two bounds: lower ones with sign 1, upper ones with sign -1."""
    if left is None or right is None:
        return (right, open_right) if left is None else (left, open_left)
    if left == right:
        return left, open_left or open_right
    return (left, open_left) if (left - right) * sign > 0 else (right, open_right)


def _common_step(left: Fraction | None, right: Fraction | None) -> Fraction | None:
    if left is None or right is None:
        return right if left is None else left
    scale = left.denominator * right.denominator
    return Fraction(lcm(left.numerator * right.denominator, right.numerator * left.denominator), scale)


def minus_numbers(algebra: Algebra, left: Number, right: Number) -> Shape:
    """Below, above, and between the bounds whatever `integer` and `step` of the right leave out."""
    below = above = NOTHING
    if right.low is not None:
        below = meet_numbers(algebra, left, Number(high=right.low, open_high=not right.open_low))
    if right.high is not None:
        above = meet_numbers(algebra, left, Number(low=right.high, open_low=not right.open_high))
    between = meet_numbers(algebra, left, replace(right, integer=False, step=None))
    return unite(below, *(_left_out(one, right) for one in between if isinstance(one, Number)), above)


def _left_out(inside: Number, right: Number) -> Shape:
    step = _common_step(Fraction(1) if right.integer else None, right.step)
    if step is None or _all_multiples(inside, step):
        return NOTHING
    if inside.low is not None and inside.single:
        return NOTHING if inside.low % step == 0 else (inside,)
    if not inside.integer or inside.low is None or inside.high is None or inside.high - inside.low > ENUMERATED:
        raise Inexact("numbers that are no multiple can't be generated")
    values = (Fraction(value) for value in range(int(inside.low), int(inside.high) + 1))
    return unite(*(number(replace(inside, low=value, high=value)) for value in values if value % step))


def _all_multiples(inside: Number, step: Fraction) -> bool:
    own = _common_step(Fraction(1) if inside.integer else None, inside.step)
    return own is not None and own % step == 0


def meet_words(algebra: Algebra, left: Words, right: Words) -> Shape:
    other = set(right.values)
    return words(Words(values=tuple(value for value in left.values if value in other)))


def minus_words(algebra: Algebra, left: Words, right: Words) -> Shape:
    other = set(right.values)
    return words(Words(values=tuple(value for value in left.values if value not in other)))


def fits(value: str, piece: Text) -> bool:
    """Whether a string is one of the piece's."""
    return (
        piece.least <= len(value)
        and (piece.most is None or len(value) <= piece.most)
        and all(regex.automaton(language).matches(value) for language in piece.languages)
        and all(FORMATS[name].matches(value) for name in piece.formats)
    )


def meet_words_text(algebra: Algebra, left: Words, right: Text) -> Shape:
    return words(Words(values=tuple(value for value in left.values if fits(value, right))))


def minus_words_text(algebra: Algebra, left: Words, right: Text) -> Shape:
    return words(Words(values=tuple(value for value in left.values if not fits(value, right))))


def meet_texts(algebra: Algebra, left: Text, right: Text) -> Shape:
    both = Text(
        languages=tuple(dict.fromkeys(left.languages + right.languages)),
        formats=tuple(dict.fromkeys(left.formats + right.formats)),
        least=max(left.least, right.least),
        most=least_of(left.most, right.most),
    )
    return NOTHING if empty(both) else text(both)


def empty(piece: Text) -> bool:
    """Whether the piece surely holds no string."""
    formats = (FORMATS[name].language for name in piece.formats)
    return regex.empty(regex.meet(*piece.languages, *formats, regex.length(piece.least, piece.most))) is True


def minus_text_words(algebra: Algebra, left: Text, right: Words) -> Shape:
    return meet_texts(algebra, left, Text(languages=(regex.all_but(right.values),)))


def minus_texts(algebra: Algebra, left: Text, right: Text) -> Shape:
    return unite(*(meet_texts(algebra, left, outside) for outside in _failures(right)))


def _failures(piece: Text) -> Iterator[Text]:
    """The ways to miss a piece: each alone is enough."""
    if piece.least:
        yield Text(most=piece.least - 1)
    if piece.most is not None:
        yield Text(least=piece.most + 1)
    for language in piece.languages:
        yield Text(languages=(_outside(language),))
    for name in piece.formats:
        yield Text(languages=(_outside(FORMATS[name].language),))


def _outside(language: regex.Language) -> regex.Language:
    plain = regex.plain(regex.negate(language))
    if plain is None:
        raise Inexact("the complement of this pattern would grow too large")
    return plain
