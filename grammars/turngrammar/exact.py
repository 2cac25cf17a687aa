"""Numbers without rounding: from JSON text, and from Python's ints, floats and Decimals.

A float is the decimal that Python writes for it: 0.1 is a tenth. A number beyond `EXTREME`, far beyond any
float, becomes another that compares to floats alike, because 1e999999999 has a billion digits.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import gcd, isfinite
from typing import TypeGuard

Number = int | float | Decimal

EXTREME = 400  # the largest exponent, of either sign
_ROUND_TRIP = 15  # digits that a float holds in any case
_EXPONENT = 17  # digits of an exponent that Decimal can hold
_INT_DIGITS = 640  # of an integer's text that Python reads, whatever its limit is set to


def is_number(value: object) -> TypeGuard[Number]:
    """Whether the value is a number of JSON, which Python's booleans are not."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def parse_float(text: str) -> float | Decimal:
    """A JSON number with a point or an exponent: the float if it is equal, else a Decimal."""
    value = float(text)
    if len(text) <= _ROUND_TRIP and "e" not in text and "E" not in text:
        return value
    mantissa, _, exponent = text.lower().partition("e")
    sign = "-" if exponent.startswith("-") else ""
    number = _moderate(Decimal(f"{mantissa}e{sign}{exponent.lstrip('+-0')[:_EXPONENT] or 0}"))
    return value if number == decimal(value) else number


def parse_int(text: str) -> int | Decimal:
    """A JSON number of digits: a Decimal where Python may read no int so long."""
    return int(text) if len(text) <= _INT_DIGITS else Decimal(text)


def number_text(number: Number) -> str:
    """The JSON text of a number, also of one for which Python's encoder has none. Raises ValueError for NaN."""
    if number != number:
        raise ValueError("NaN is not JSON")
    if isinstance(number, float) and isfinite(number):
        return repr(number)
    return str(_moderate(decimal(number))).replace("E", "e")


def decimal(number: Number) -> Decimal:
    """The same number, an infinite one included."""
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def fraction(number: Number) -> Fraction:
    """The same number; one beyond EXTREME, or infinite, at it."""
    return Fraction(number) if isinstance(number, int) else Fraction(_moderate(decimal(number)))


def number_of(exact: Fraction) -> Number:
    """A decimal as an int or a float if one is equal, else as a Decimal."""
    if exact.denominator == 1:
        return exact.numerator
    places = fraction_digits(exact)
    digits = Decimal(int(abs(exact) * 10**places)).as_tuple().digits
    number = Decimal((int(exact < 0), digits, -places))
    value = float(number)
    return value if decimal(value) == number else number


def fraction_digits(exact: Fraction) -> int:
    """How many digits a decimal has after its point."""
    places, rest = 0, exact.denominator
    while rest > 1:
        places, rest = places + 1, rest // gcd(rest, 10)
    return places


def _moderate(number: Decimal) -> Decimal:
    """Another number for one that is infinite, or beyond EXTREME by its exponent. Digits are there to be kept."""
    if not number or (number.is_finite() and min(abs(number.adjusted()), abs(_exponent(number))) <= EXTREME):
        return number
    beyond = number.is_infinite() or number.adjusted() > 0
    return Decimal((0, (1,), EXTREME + 1 if beyond else -EXTREME - 1)).copy_sign(number)


def is_multiple(number: Decimal, step: Decimal) -> bool:
    """Whether the finite number is a multiple of the step, which is positive. 1e999999999 is not written out."""
    digits, times = _integer(number), _exponent(number) - _exponent(step)
    coefficient = _integer(step)
    if times >= 0:
        return digits * pow(10, times, coefficient) % coefficient == 0
    return digits == 0 or (-times <= number.adjusted() - _exponent(number) and digits % (coefficient * 10**-times) == 0)


def is_integer(number: Decimal) -> bool:
    return number.is_finite() and is_multiple(number, Decimal(1))


def is_digits(number: Number) -> bool:
    """Whether its text has digits only, without point and exponent."""
    return not isinstance(number, float) and _exponent(Decimal(number)) == 0


def _exponent(number: Decimal) -> int:
    return int(number.as_tuple().exponent)


def _integer(number: Decimal) -> int:
    """Its digits."""
    return int(Decimal((0, number.as_tuple().digits, 0)))
