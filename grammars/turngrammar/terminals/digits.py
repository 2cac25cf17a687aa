"""Decimals between two bounds, and multiples of a step among them, as regular languages.

A language is built digit by digit. A digit has a place: the exponent of its power of ten. Which digits may follow
depends on whether those so far equal the bounds' (`low`, `high`: the rest has to respect that bound) and on their
remainder by the step. Divisibility by 3 depends on all digits, so it is an intersection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, gcd

from turngrammar.exact import fraction_digits
from turngrammar.regex import NEVER, Language, complement, intersection, union
from turngrammar.regex.charset import of
from turngrammar.regex.language import EMPTY, cat, chars, repeat, text_language

TAIL = 25  # digits after those that bounds and steps decide; a double's shortest text has at most 23 after the point
LISTED = 256  # multiples that are written one by one if no shorter expression is known
PRECISION = 40  # digits of a bound, and after its point: a uint128 has 39
_DECIDING = 4  # last digits that a step may decide: those of multiples of 16
_ANY_WIDTH = 400  # digits before the point, and after it

ZERO = text_language("0")
POINT = text_language(".")
DIGIT = chars(of("0123456789"))
NONZERO = chars(of("123456789"))


class NoShortExpression(Exception):
    """The language has no expression of reasonable size."""


@dataclass(frozen=True)
class Span:
    """Non-negative decimals between two bounds."""

    low: Fraction = Fraction(0)
    high: Fraction | None = None
    open_low: bool = False
    open_high: bool = False


def decimals(span: Span, width: int, step: Fraction | None = None, excluded: Iterable[Fraction] = ()) -> Language:
    """The texts without exponent of the span's numbers, with at most `width` digits before the point.

    Args:
        step: only multiples of it.
        excluded: no multiples of these.

    Raises:
        NoShortExpression: no short expression distinguishes the multiples.
    """
    span = _with_short_bounds(span)
    if step is None:
        texts = _Builder(span, None).language(width)
    else:
        texts = cat(_multiples_in_span(span, width, step), _zero_fraction(TAIL) if step.denominator == 1 else EMPTY)
    return _without_multiples(texts, excluded)


def integers(span: Span, width: int, step: int = 1, excluded: Iterable[Fraction] = ()) -> Language:
    """The span's multiples of the step without a fraction, with at most `width` digits. Raises NoShortExpression."""
    return _without_multiples(_multiples_in_span(_with_short_bounds(span), width, Fraction(step)), excluded)


def _without_multiples(texts: Language, excluded: Iterable[Fraction]) -> Language:
    return intersection(texts, *(complement(_all_multiples(step)) for step in excluded))


def _multiples_in_span(span: Span, width: int, step: Fraction) -> Language:
    """Those that are integers have a fraction if the step has."""
    first, last = _multiples_within(span, step, width)
    if first > last:
        return NEVER
    deciding = last_digits(step)
    if deciding is not None and (deciding.thirds == 1 or last - first >= LISTED):
        return deciding.language(Span(first * step, last * step), width)
    if last - first >= LISTED:
        raise NoShortExpression
    return union(*(_spellings(number * step, step) for number in range(first, last + 1)))


def _all_multiples(step: Fraction) -> Language:
    """In any number of digits."""
    deciding = last_digits(step)
    if deciding is None:
        raise NoShortExpression
    texts = deciding.language(Span(), _ANY_WIDTH, _ANY_WIDTH)
    return cat(texts, _zero_fraction(_ANY_WIDTH) if step.denominator == 1 else EMPTY)


def _zero_fraction(tail: int) -> Language:
    return union(EMPTY, cat(POINT, repeat(ZERO, 1, tail)))


def _with_short_bounds(span: Span) -> Span:
    """The span with bounds of at most PRECISION digits, moved inwards if they have more.

    Raises NoShortExpression if it is less than that wide.
    """
    low, high = span.low, span.high
    grid = _grid(low)
    if low % grid or (span.open_low and grid >= 1):
        span = replace(span, low=floor(low / grid) * grid + grid, open_low=False)
    if high is not None and high % _grid(high):
        high -= high % _grid(high)
        span = replace(span, high=high, open_high=high > span.low)
        if high < span.low or (high == span.low and span.open_low):
            raise NoShortExpression
    return span


def _grid(bound: Fraction) -> Fraction:
    return Fraction(10) ** (max(exponent(bound), 0) - PRECISION)


def _multiples_within(span: Span, step: Fraction, width: int) -> tuple[int, int]:
    """The first and the last multiple, in steps."""
    low = span.low / step
    first = floor(low) + 1 if span.open_low else ceil(low)
    if span.high is None:
        return first, ceil(10**width / step) - 1
    high = span.high / step
    return first, ceil(high) - 1 if span.open_high else floor(high)


def _spellings(number: Fraction, step: Fraction) -> Language:
    text = decimal_text(number)
    more = repeat(ZERO, 0, TAIL) if "." in text else EMPTY if step.denominator == 1 else _zero_fraction(TAIL)
    return cat(text_language(text), more)


def exponent(number: Fraction) -> int:
    """The exponent in scientific notation of a positive decimal; 0 for 0."""
    guess = Decimal(number.numerator).adjusted() - Decimal(number.denominator).adjusted()
    return guess - (number < Fraction(10) ** guess) if number else 0


def decimal_text(number: Fraction) -> str:
    """A non-negative decimal without exponent and superfluous zeros."""
    places = fraction_digits(number)
    digits = str(Decimal(int(number * 10**places))).zfill(places + 1)  # str of an int has a limit
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


@dataclass(frozen=True)
class LastDigits:
    """The multiples of thirds * coefficient * 10**place: the digits between `place` and `top` decide, and their sum.

    Attributes:
        coefficient: without factors of ten.
        thirds: 1 or 3.
    """

    coefficient: int
    place: int
    top: int
    thirds: int

    def language(self, span: Span, width: int, tail: int = TAIL) -> Language:
        """The bounds of the span are multiples."""
        texts = _Builder(span, self, tail).language(width)
        return texts if self.thirds == 1 else intersection(texts, _DIVISIBLE_BY_3)

    def remainder(self, remainder: int, place: int, digit: int) -> int:
        """The remainder after one more digit, as far as it matters for the digits to come."""
        if place >= self.top or place < self.place:
            return remainder
        to_come = gcd(self.coefficient, 10 ** (place - self.place))
        return (remainder * 10 + digit) % (self.coefficient // to_come)


def last_digits(step: Fraction) -> LastDigits | None:
    """None unless few digits and their sum decide, which takes the factors 2, 5 and a single 3."""
    place = -fraction_digits(step)
    coefficient = int(step * 10**-place)
    thirds = gcd(coefficient, 3)
    coefficient //= thirds
    while coefficient % 10 == 0:
        coefficient, place = coefficient // 10, place + 1
    count = next((count for count in range(_DECIDING + 1) if 10**count % coefficient == 0), None)
    return None if count is None else LastDigits(coefficient, place, place + count, thirds)


def _divisible_by_3() -> Language:
    """Texts of digits and a point whose digits have a sum that 3 divides, by elimination of the remainders 2 and 1."""
    same, one, two = (chars(of(digits)) for digits in ("0369.", "147", "258"))
    stay = repeat(same, 0, None)
    into = union(one, cat(two, stay, two))
    around = union(same, cat(one, stay, two))
    back = union(two, cat(one, stay, one))
    return repeat(union(same, cat(two, stay, one), cat(into, repeat(around, 0, None), back)), 0, None)


_DIVISIBLE_BY_3 = _divisible_by_3()


class _Builder:
    """Builds one language. Its table of what may follow is its only state."""

    def __init__(self, span: Span, step: LastDigits | None, tail: int = TAIL) -> None:
        bounds = [bound for bound in (span.low, span.high) if bound is not None]
        self.base = min(-max(map(fraction_digits, bounds)), step.place if step else 0, 0)
        self.low, *high = (int(bound * 10**-self.base) for bound in bounds)  # in units of 10**base
        self.high = high[0] if high else None
        self.open_low, self.open_high = span.open_low, span.open_high
        self.step = step
        self.tail = tail
        self.zeros = repeat(ZERO, 0, tail)
        self.fraction = EMPTY if step and step.place >= 0 else _zero_fraction(tail)  # of an integer at a bound
        self.distance = step.thirds * step.coefficient * self.unit(step.place) if step else 0
        self.top = max(step.top, 0) if step else 0
        self.known: dict[tuple[int, bool, bool, int], Language] = {}

    def unit(self, place: int) -> int:
        """10**place in units, or one unit."""
        return int(10 ** max(place - self.base, 0))

    def language(self, width: int) -> Language:
        """Integer parts of any length are alike where neither the bounds nor the step decide."""
        options: list[Language] = []
        free: list[int] = []
        for place in range(width):
            least = self.unit(place) if place else 0
            if self.low >= self.unit(place + 1) or (self.high is not None and self.high < least):
                continue
            low = self.low > least or (self.low == least and self.open_low)
            low, high = self.undecided(place, low, self.high is not None and self.high < self.unit(place + 1))
            if low or high or place < self.top:
                options.append(self.digits(place, low, high, 0, leading=place > 0))
            else:
                free.append(place)
        return union(self.free(free), *options) if free else union(*options)

    def free(self, places: list[int]) -> Language:
        heads = [cat(NONZERO, repeat(DIGIT, places[0] - self.top, places[-1] - self.top))]
        if places[0] == 0:
            heads.insert(0, ZERO)
            heads[1] = cat(NONZERO, repeat(DIGIT, 0, places[-1]))
        return cat(union(*heads), self.rest(self.top - 1, False, False, 0))

    def undecided(self, place: int, low: bool, high: bool) -> tuple[bool, bool]:
        """The bounds that the digits from this place on may still exceed."""
        room = self.unit(place + 1)
        if low:
            low = self.low % room >= self.distance if self.step else self.open_low or self.low % room > 0
        if high and self.high is not None and self.step:
            high = self.high % room + self.distance < room
        return low, high

    def rest(self, place: int, low: bool, high: bool, remainder: int) -> Language:
        """What may follow: the next digit has this place."""
        key = (place, *self.undecided(place, low, high), remainder)
        if key not in self.known:
            self.known[key] = self.build(*key)
        return self.known[key]

    def build(self, place: int, low: bool, high: bool, remainder: int) -> Language:
        if high and self.high is not None and self.high % self.unit(place + 1) == 0:
            return self.at_bound(place, low)
        return (self.before_point if place >= 0 else self.after_point)(place, low, high, remainder)

    def at_bound(self, place: int, low: bool) -> Language:
        """The digits so far are the upper bound's, and it has only zeros left."""
        if low or self.open_high:
            return NEVER
        if place < -1:
            return self.zeros
        return cat(repeat(ZERO, place + 1, place + 1), self.fraction)

    def before_point(self, place: int, low: bool, high: bool, remainder: int) -> Language:
        if low or high or place < self.top:
            return self.digits(place, low, high, remainder)
        count = place - self.top + 1
        return cat(repeat(DIGIT, count, count), self.rest(self.top - 1, False, False, 0))

    def after_point(self, place: int, low: bool, high: bool, remainder: int) -> Language:
        """The point, if it is still to come, and digits."""
        end = EMPTY if self.may_end(place, low, high, remainder) else NEVER
        if place == -1 and self.step and self.step.place >= 0:
            return end
        more = self.rest_of_digits(place, low, high, remainder)
        if more is None:
            more = self.digits(place, low, high, remainder)
        return union(end, cat(POINT, more) if place == -1 else more)

    def may_end(self, place: int, low: bool, high: bool, remainder: int) -> bool:
        """Whether the digits so far are a number."""
        if self.step and remainder * 10 ** max(place + 1 - self.step.place, 0) % self.step.coefficient:
            return False
        return not low

    def rest_of_digits(self, place: int, low: bool, high: bool, remainder: int) -> Language | None:
        """The digits at the end that nothing decides; None before."""
        least = 1 if place == -1 else 0
        if self.step:
            return None if place >= self.step.place else repeat(ZERO, least, self.tail) if remainder == 0 else NEVER
        if not low and not high:
            return repeat(DIGIT, least, self.tail)
        if place >= self.base:
            return None
        return cat(self.zeros, NONZERO, repeat(DIGIT, 0, self.tail))

    def digits(self, place: int, low: bool, high: bool, remainder: int, *, leading: bool = False) -> Language:
        """One digit and what may follow it; digits with the same continuation are one option."""
        first = self.low // self.unit(place) % 10 if low else 0
        last = 9 if not high or self.high is None else self.high // self.unit(place) % 10
        if self.step and place < self.step.place:
            last = min(last, 0)
        options: dict[Language, str] = {}
        for digit in range(max(first, 1) if leading else first, last + 1):
            after = self.step.remainder(remainder, place, digit) if self.step else 0
            rest = self.rest(place - 1, low and digit == first, high and digit == last, after)
            options[rest] = options.get(rest, "") + str(digit)
        return union(*(cat(chars(of(text)), rest) for rest, text in options.items()))
