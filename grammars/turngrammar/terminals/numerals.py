"""The JSON texts of numbers, as regular languages.

A number has many texts. These are the ones that programs and models write: decimals with up to `DIGITS` digits before
the point, and scientific notation with one digit before it (`1e-06`, `6.02E+23`). Multiples of a step have the latter
only below 0.0001, integers never. Texts that 64-bit floats read as infinite, or as zero although they are not, are
left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from turngrammar.exact import fraction_digits
from turngrammar.regex import NEVER, Language, union
from turngrammar.regex.charset import of
from turngrammar.regex.language import EMPTY, cat, chars, repeat, text_language
from turngrammar.terminals.digits import (
    TAIL,
    ZERO,
    Span,
    decimal_text,
    decimals,
    exponent,
    integers,
)

DIGITS = 20  # before the point, unless a bound has more: all of int64 and uint64
LARGEST = Fraction(Decimal("1.7976931348623157e308"))  # of 64-bit floats
_NEARLY_LARGEST = Fraction(Decimal("1.797e308"))  # between the two, nothing is written: it would take 17 alternatives
_TINY = Fraction(1, 10**299)
SMALLEST = Fraction(Decimal("5e-324"))
_WHOLE_DIGITS = 308  # of any integer that a 64-bit float holds
_PLAIN = (-4, 15)  # exponents of the numbers that Python writes without one
_FINEST = -12  # multiples of smaller steps have no scientific notation

_MINUS = text_language("-")
_E = chars(of("eE"))
_LEADING_ZEROS = repeat(ZERO, 0, 2)  # 1e-06, and 1e-006 of older C libraries
_POINT_ZERO = union(EMPTY, text_language(".0"))  # 2020-12 counts 1.0 as an integer


@dataclass(frozen=True)
class NumberRange:
    """Numbers between two bounds.

    Attributes:
        step: only multiples of it.
        excluded: no multiples of these.
        integers: they are integers and written as such.
        point: `1.0` is an integer, which draft 4 denies.
    """

    low: Fraction | None = None
    high: Fraction | None = None
    open_low: bool = False
    open_high: bool = False
    step: Fraction | None = None
    excluded: tuple[Fraction, ...] = ()
    integers: bool = False
    point: bool = True

    def positive(self) -> Span | None:
        """Those from zero on."""
        if self.high is not None and (self.high < 0 or (self.high == 0 and self.open_high)):
            return None
        if self.low is None or self.low < 0:
            return Span(Fraction(0), self.high, False, self.open_high)
        return Span(self.low, self.high, self.open_low, self.open_high)

    def negative(self) -> Span | None:
        """The magnitudes of those up to zero, which is among them if it is within the bounds; None if it is alone."""
        if self.low is not None and self.low >= 0:
            return None
        low = Fraction(0) if self.high is None else max(-self.high, Fraction(0))
        high = None if self.low is None else -self.low
        return Span(low, high, self.open_high and self.high == -low, self.open_low)


@lru_cache(maxsize=4096)
def numeral_language(numbers: NumberRange) -> Language:
    """The texts of the numbers. Raises NoShortExpression if none of reasonable size distinguishes the multiples."""
    magnitudes = _integers if numbers.integers else _numbers if numbers.step is None else _multiple_texts
    negative, positive = (
        NEVER if span is None or _is_empty_span(span) else magnitudes(span, numbers)
        for span in (numbers.negative(), numbers.positive())
    )
    if negative == positive:
        return cat(union(EMPTY, _MINUS), positive)
    return union(cat(_MINUS, negative), positive)


def _is_empty_span(span: Span) -> bool:
    return span.low > LARGEST or (
        span.high is not None
        and (span.low > span.high or (span.low == span.high and (span.open_low or span.open_high)))
    )


def _integers(span: Span, numbers: NumberRange) -> Language:
    step = 1 if numbers.step is None else numbers.step.numerator  # of the multiples that are integers
    width = _width(span, step) if span.high is None else _integer_digits(span.high)
    texts = integers(span, min(width, _WHOLE_DIGITS), step, numbers.excluded)
    return cat(texts, _POINT_ZERO if numbers.point else EMPTY)


def _integer_digits(number: Fraction) -> int:
    return max(exponent(number), 0) + 1


def _width(span: Span, step: Fraction | int = 0) -> int:
    """How many digits may stand before the point: enough for some number with one more than the bound."""
    return max(DIGITS, _integer_digits(max(span.low, Fraction(step))) + 1)


def _numbers(span: Span, numbers: NumberRange) -> Language:
    plain = decimals(span, _width(span), excluded=numbers.excluded)
    if numbers.excluded:  # scientific notation has those that are less than any of them
        return union(plain, _scientific(_below(span, min(numbers.excluded))))
    if span != Span():
        return union(plain, _scientific(span))
    # With any number of digits before the point, so that what a model began with 12.5 can end as 12.5e6.
    marked = cat(plain, union(EMPTY, _exponents(-299, 308 - DIGITS)))
    return union(marked, _scientific(Span(Fraction(10) ** (309 - DIGITS))), _scientific(_below(span, _TINY)))


def _below(span: Span, limit: Fraction) -> Span:
    if span.high is not None and span.high < limit:
        return span
    return replace(span, high=limit, open_high=True)


def _scientific(span: Span) -> Language:
    largest = _scientific_constant(LARGEST) if span.high is None or span.high >= LARGEST else NEVER
    low, open_low = max((span.low, span.open_low), (SMALLEST, False))
    high, closed = min((_NEARLY_LARGEST, False), (LARGEST if span.high is None else span.high, not span.open_high))
    span = Span(low, high, open_low, not closed)
    if _is_empty_span(span):
        return largest
    first, last = exponent(low), exponent(high)
    options: dict[Language, list[int]] = {}
    for place in sorted({first, min(first + 1, last), max(first, last - 1), last}):
        options.setdefault(_mantissas(span, place), []).append(place)
    parts = (cat(mantissas, _exponents(places[0], places[-1])) for mantissas, places in options.items())
    return union(*parts, largest)


def _mantissas(span: Span, place: int, step: Fraction | None = None, excluded: tuple[Fraction, ...] = ()) -> Language:
    """The digits before this exponent: one before the point, which is not zero."""
    scale = Fraction(10) ** place
    low, open_low = max((span.low / scale, span.open_low), (Fraction(1), False))
    scaled = Span(low, None if span.high is None else span.high / scale, open_low, span.open_high)
    if _is_empty_span(scaled):
        return NEVER
    return decimals(scaled, 1, None if step is None else step / scale, [other / scale for other in excluded])


@lru_cache(maxsize=1024)  # few numbers have bounds with many digits
def _exponents(low: int, high: int) -> Language:
    options = [NEVER, NEVER]
    if high >= 0:
        options[0] = cat(union(EMPTY, text_language("+")), _LEADING_ZEROS, _whole(max(low, 0), high))
    if low < 0:
        options[1] = cat(_MINUS, _LEADING_ZEROS, _whole(max(-high, 1), -low))
    return cat(_E, union(*options))


def _whole(low: int, high: int) -> Language:
    return integers(Span(Fraction(low), Fraction(high)), 3)


def _multiple_texts(span: Span, numbers: NumberRange) -> Language:
    step = numbers.step
    assert step is not None
    width = min(_width(span, step), _WHOLE_DIGITS)
    if span.high is not None:
        width = min(width, _integer_digits(span.high))
    return union(decimals(span, width, step, numbers.excluded), *_small_multiples(span, step, numbers.excluded))


def _small_multiples(span: Span, step: Fraction, excluded: tuple[Fraction, ...]) -> Iterator[Language]:
    for place in range(_PLAIN[0] - 1, max(-fraction_digits(step), _FINEST) - 1, -1):
        yield cat(_mantissas(span, place, step, excluded), _exponents(place, place))


def constant_language(number: Fraction, *, point: bool = True) -> Language:
    """The texts of one number: the digits, and scientific notation for those that Python writes so.

    Args:
        point: an integer is also written with `.0`, or as `1e+20`.
    """
    magnitude, place = abs(number), exponent(abs(number))
    usual = _PLAIN[0] <= place <= _PLAIN[1]
    texts = NEVER if usual or not point or magnitude > LARGEST else _scientific_constant(magnitude)
    if texts is NEVER or abs(place) < 2 * TAIL:
        texts = union(_with_zero(magnitude, _POINT_ZERO if point else EMPTY), texts)
    return cat(_MINUS if number < 0 else EMPTY, texts)


@lru_cache(maxsize=256)
def _scientific_constant(number: Fraction) -> Language:
    place = exponent(number)
    return cat(_with_zero(number / Fraction(10) ** place, _POINT_ZERO), _exponents(place, place))


def _with_zero(number: Fraction, zero: Language) -> Language:
    return cat(text_language(decimal_text(number)), zero if number.denominator == 1 else EMPTY)
