"""Numbers: read from their keywords, intersected, subtracted, and written as nodes. All arithmetic is in fractions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from turngrammar.exact import fraction, number_of
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.load import Options, Subschema
from turngrammar.schema.lower import Lowering, typed
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.shape import (
    INTEGER,
    NOTHING,
    NUMBER,
    Inexact,
    Number,
    Shape,
    common_multiple,
    number_shape,
    unite,
)
from turngrammar.terminals.digits import NoShortExpression, exponent, last_digits
from turngrammar.terminals.numbers import OWN_LIMIT, has_own_multiples, number_language
from turngrammar.terminals.numerals import DIGITS

TOO_LARGE = "no expression of reasonable size distinguishes the multiples"
_STEP = ("multipleOf",)
_POINTLESS = replace(INTEGER, point=False)


def read_numbers(reader: SchemaReader, node: Subschema, base: Number = NUMBER) -> Shape:
    if not reader.has_keyword_of(node, "number"):
        return (base,)
    schema = node.schema
    low, open_low = _read_bound(schema, "minimum", "exclusiveMinimum", max)
    high, open_high = _read_bound(schema, "maximum", "exclusiveMaximum", min)
    step = fraction(schema["multipleOf"]) if "multipleOf" in schema else None
    return number_shape(replace(base, low=low, open_low=open_low, high=high, open_high=open_high, step=step))


def read_integers(reader: SchemaReader, node: Subschema) -> Shape:
    """In draft 4, 1.0 is not an integer."""
    return read_numbers(reader, node, _POINTLESS if node.dialect.name == "draft4" else INTEGER)


def _read_bound(
    schema: Mapping[str, Any], inclusive: str, exclusive: str, tighter: Callable[..., Fraction]
) -> tuple[Fraction | None, bool]:
    """A bound and whether it is exclusive. In draft 4 the exclusive keyword is a flag beside the bound."""
    bound, excluded = schema.get(inclusive), schema.get(exclusive)
    if isinstance(excluded, bool) or excluded is None:
        return (None, False) if bound is None else (fraction(bound), excluded is True)
    if bound is None:
        return fraction(excluded), True
    tightest = tighter(fraction(bound), fraction(excluded))
    return tightest, tightest == fraction(excluded)


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
            step=common_multiple(left.step, right.step),
            excluded=tuple(dict.fromkeys(left.excluded + right.excluded)),
            point=left.point and right.point,
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


def minus_numbers(algebra: Algebra, left: Number, right: Number) -> Shape:
    """Numbers below and above the right's bounds, and those between that the right's other conditions exclude."""
    below = above = NOTHING
    if right.low is not None:
        below = meet_numbers(algebra, left, Number(high=right.low, open_high=not right.open_low))
    if right.high is not None:
        above = meet_numbers(algebra, left, Number(low=right.high, open_low=not right.open_high))
    bounds = replace(right, integer=False, step=None, excluded=(), point=True)
    between = meet_numbers(algebra, left, bounds)
    rest = (_outside_step(algebra, inside, right) for inside in between if isinstance(inside, Number))
    return unite(below, *rest, above)


def _outside_step(algebra: Algebra, inside: Number, right: Number) -> Shape:
    """Of numbers between the bounds: those that are no multiples, and multiples of what the right excludes."""
    excluded = NOTHING if right.own_step is None else _no_multiples(inside, right.own_step)
    return unite(excluded, *(meet_numbers(algebra, inside, Number(step=step)) for step in right.excluded))


def _no_multiples(inside: Number, step: Fraction) -> Shape:
    shape = number_shape(replace(inside, excluded=tuple(dict.fromkeys((*inside.excluded, step)))))
    if last_digits(step) is None and any(isinstance(rest, Number) and step in rest.excluded for rest in shape):
        raise Inexact(TOO_LARGE)
    return shape


def write_number(lowering: Lowering, variant: Number) -> list[dict[str, Any]]:
    """The narrowest node of which there is an expression; what that leaves out is recorded."""
    for candidate, dropped in _ever_wider_numbers(variant, lowering.ledger.source.keywords.bounding):
        node = _number_node(candidate, lowering.options)
        capped = {**node, "maximum": min(node.get("maximum", OWN_LIMIT), OWN_LIMIT)}
        written = _is_written(node)
        if written or has_own_multiples(capped):
            if dropped:
                lowering.ledger.check_everywhere(dropped, TOO_LARGE)
            return [node if written else capped]
    return [typed("number", {})]


def _ever_wider_numbers(variant: Number, bounding: tuple[str, ...]) -> Iterator[tuple[Number, tuple[str, ...]]]:
    """From the narrowest to the widest, with the keywords that are left out."""
    yield variant, ()
    yield replace(variant, step=None), _STEP
    yield Number(integer=variant.integer, point=variant.point), (*_STEP, *bounding)


def _is_written(node: Mapping[str, Any]) -> bool:
    try:
        number_language(node)
    except NoShortExpression:
        return False
    return True


def _number_node(variant: Number, options: Options) -> dict[str, Any]:
    low, high = variant.low, variant.high
    if variant.integer and options.digits != DIGITS:
        limit = Fraction(10 ** max(options.digits, _digits(variant) + 1) - 1)
        low, high = -limit if low is None else low, limit if high is None else high
    keywords: dict[str, Any] = {}
    if low is not None:
        keywords["exclusiveMinimum" if variant.open_low else "minimum"] = number_of(low)
    if high is not None:
        keywords["exclusiveMaximum" if variant.open_high else "maximum"] = number_of(high)
    if variant.step is not None:
        keywords["multipleOf"] = number_of(variant.step)
    if variant.excluded:
        keywords["allOf"] = [{"not": {"multipleOf": number_of(step)}} for step in variant.excluded]
    if not variant.point:
        keywords["fraction"] = False
    return typed("integer" if variant.integer else "number", keywords)


def _digits(variant: Number) -> int:
    """Of the number in the schema beyond which the integers are."""
    return exponent(max(variant.low or Fraction(0), -(variant.high or Fraction(0)), variant.step or Fraction(0))) + 1
