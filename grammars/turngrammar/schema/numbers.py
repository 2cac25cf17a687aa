"""Numbers: read from their keywords, intersected, subtracted, and written as llguidance generates them.

llguidance reads bounds as 64-bit floats, writes bounded numbers without exponents, and has multiples of non-negative
numbers only. Bounds that a float can't hold are moved outwards, and whatever is lost is recorded as checked. Integers
that it can't write at all never get here: see `large.is_writable`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import inf, isfinite, lcm
from typing import Any

from turngrammar.errors import InvalidSchema
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.digits import TooLarge
from turngrammar.schema.large import (
    COEFFICIENT,
    EXACT,
    LARGEST,
    divisor_among_neighbours,
    is_literal,
    json_number,
    outwards,
)
from turngrammar.schema.load import Subschema
from turngrammar.schema.lower import Lowering, typed
from turngrammar.schema.numerals import has_own_multiples, numeral_language
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.report import Ledger
from turngrammar.schema.shape import INTEGER, NOTHING, NUMBER, Inexact, Number, Shape, number_shape, unite

ENUMERATED = 64  # integers listed one by one
_DIGITS = 18  # decimal digits of llguidance's 64-bit bounds; of numbers with 19 digits it holds only some
_STEP = ("multipleOf",)


def read_numbers(reader: SchemaReader, node: Subschema, base: Number = NUMBER) -> Shape:
    if not reader.has_keyword_of(node, "number"):
        return (base,)
    schema = node.schema
    low, open_low = _read_bound(schema, "minimum", "exclusiveMinimum", max)
    high, open_high = _read_bound(schema, "maximum", "exclusiveMaximum", min)
    step = as_fraction(schema["multipleOf"]) if "multipleOf" in schema else None
    return number_shape(replace(base, low=low, open_low=open_low, high=high, open_high=open_high, step=step))


def read_integers(reader: SchemaReader, node: Subschema) -> Shape:
    return read_numbers(reader, node, INTEGER)


def _read_bound(
    schema: Mapping[str, Any], inclusive: str, exclusive: str, tighter: Callable[..., Fraction]
) -> tuple[Fraction | None, bool]:
    """A bound and whether it is exclusive. In draft 4 the exclusive keyword is a flag beside the bound."""
    bound, excluded = schema.get(inclusive), schema.get(exclusive)
    if isinstance(excluded, bool) or excluded is None:
        return (None, False) if bound is None else (as_fraction(bound), excluded is True)
    if bound is None:
        return as_fraction(excluded), True
    tightest = tighter(as_fraction(bound), as_fraction(excluded))
    return tightest, tightest == as_fraction(excluded)


def as_fraction(value: int | float) -> Fraction:
    """The exact decimal in the schema's text. Raises InvalidSchema for 1e400, which Python reads as infinite."""
    if isinstance(value, float) and not isfinite(value):
        raise InvalidSchema("A number in the schema exceeds 64-bit floats. Omit it, or write all its digits.")
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def meet_numbers(algebra: Algebra, left: Number, right: Number) -> Shape:
    low, open_low = _tighter(left.low, left.open_low, right.low, right.open_low, 1)
    high, open_high = _tighter(left.high, left.open_high, right.high, right.open_high, -1)
    return number_shape(
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
    """The tighter of two bounds: lower ones with sign 1, upper ones with sign -1."""
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
    """Numbers below and above the right's bounds, and those between that its `integer` and `step` exclude."""
    below = above = NOTHING
    if right.low is not None:
        below = meet_numbers(algebra, left, Number(high=right.low, open_high=not right.open_low))
    if right.high is not None:
        above = meet_numbers(algebra, left, Number(low=right.high, open_low=not right.open_high))
    between = meet_numbers(algebra, left, replace(right, integer=False, step=None))
    return unite(below, *(_no_multiples(inside, right) for inside in between if isinstance(inside, Number)), above)


def _no_multiples(inside: Number, right: Number) -> Shape:
    step = _common_step(Fraction(1) if right.integer else None, right.step)
    if step is None or _all_multiples(inside, step):
        return NOTHING
    if inside.low is not None and inside.single:
        return NOTHING if inside.low % step == 0 else (inside,)
    if not inside.integer or inside.low is None or inside.high is None or inside.high - inside.low > ENUMERATED:
        raise Inexact("the grammar can't exclude multiples")
    values = (Fraction(value) for value in range(int(inside.low), int(inside.high) + 1))
    return unite(*(number_shape(replace(inside, low=value, high=value)) for value in values if value % step))


def _all_multiples(inside: Number, step: Fraction) -> bool:
    own = _common_step(Fraction(1) if inside.integer else None, inside.step)
    return own is not None and own % step == 0


def write_number(lowering: Lowering, variant: Number) -> list[dict[str, Any]]:
    """Nodes with the variant as their union, or more than it, which is then recorded."""
    if variant.step is None:
        return [_number_node(lowering, variant)]
    below = number_shape(replace(variant, high=Fraction(0), open_high=True, step=None))
    above: Shape = (variant,)
    if variant.low is None or variant.low < 0:
        above = number_shape(replace(variant, low=Fraction(0), open_low=False))
    if below:
        lowering.ledger.check_everywhere(_STEP, "the grammar can't restrict negative numbers to multiples")
    parts = [part for part in (*below, *above) if isinstance(part, Number)]
    return [node for part in parts for node in _multiples(lowering, part)]


def _multiples(lowering: Lowering, variant: Number) -> list[dict[str, Any]]:
    """With a fractional step, integers among the multiples are written in two ways: 7 and 7.0."""
    if variant.step is None or variant.integer or variant.step.denominator == 1:
        return [_number_node(lowering, variant)]
    integers = number_shape(replace(variant, integer=True, step=Fraction(variant.step.numerator)))
    return [_number_node(lowering, part) for part in (*integers, variant) if isinstance(part, Number)]


def _number_node(lowering: Lowering, variant: Number) -> dict[str, Any]:
    low, high, ledger = variant.low, variant.high, lowering.ledger
    if variant.integer:
        limit = _integer_limit(variant, lowering.options.digits)
        low, high = _inside(low, -limit, limit), _inside(high, limit, limit)
    if variant.low is not None and variant.single and not is_literal(variant.low):
        below, above, divisor = divisor_among_neighbours(variant.low.numerator)
        return typed("integer", {"minimum": below, "maximum": above, "multipleOf": divisor})
    largest = LARGEST if variant.integer else 10**_DIGITS
    node = {
        **_bound_node(low, ("minimum", "exclusiveMinimum")[variant.open_low], -inf, largest, ledger),
        **_bound_node(high, ("maximum", "exclusiveMaximum")[variant.open_high], inf, largest, ledger),
        **_step_node(variant.step, ledger),
    }
    node = typed("integer" if variant.integer else "number", node)
    try:
        numeral_language(node)
    except TooLarge:
        if has_own_multiples(node):
            return node
        ledger.check_everywhere(_STEP, "no expression of reasonable size distinguishes the multiples")
        del node["multipleOf"]
    return node


def _integer_limit(variant: Number, digits: int) -> Fraction:
    """The limit of integers: that many digits, or the largest possible if all of the variant is beyond them."""
    limit = Fraction(10 ** min(digits, _DIGITS))
    beyond = (variant.low is not None and variant.low >= limit) or (variant.high is not None and variant.high <= -limit)
    return Fraction(LARGEST) if beyond else limit


def _inside(bound: Fraction | None, default: Fraction, limit: Fraction) -> Fraction:
    """The bound, no farther out than the default."""
    if bound is None:
        return default
    return max(bound, default) if default < 0 else min(bound, default) if bound >= -limit else bound


def _bound_node(
    bound: Fraction | None, keyword: str, direction: float, largest: int, ledger: Ledger
) -> dict[str, int | float]:
    if bound is None:
        return {}
    if abs(bound) > largest:
        ledger.check_everywhere(ledger.source.keywords.bounding, "llguidance has no bounds of that size")
        return {}
    if abs(bound) <= EXACT:
        return {keyword: json_number(bound)}
    moved = outwards(bound, direction)
    if moved != bound:
        ledger.check_everywhere(ledger.source.keywords.bounding, "llguidance reads bounds as 64-bit floats")
    return {keyword: moved}


def _step_node(step: Fraction | None, ledger: Ledger) -> dict[str, int | float]:
    """llguidance scales a step by tens, as a float, until it is an integer, and refuses a step that this misses."""
    if step is None:
        return {}
    scaled, exponent = float(step), 0
    while scaled % 1 and scaled < COEFFICIENT:
        scaled, exponent = scaled * 10, exponent + 1
    if scaled < COEFFICIENT and Fraction(int(scaled), 10**exponent) == step:
        return {"multipleOf": json_number(step)}
    ledger.check_everywhere(_STEP, "llguidance has no steps of that many digits")
    return {}
