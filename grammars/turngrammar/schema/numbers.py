"""Numbers as llguidance generates them.

It reads bounds as 64-bit floats, writes bounded numbers without exponents, and knows multiples only where they are not
negative. Bounds that a float can't hold move outwards, and what is left out is noted as checked. Whole numbers that it
can't write at all are none of its business: `large.writable` tells.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import inf
from typing import Any

from turngrammar.schema.large import BOUNDS, COEFFICIENT, EXACT, LARGEST, among_neighbours, literal, outwards
from turngrammar.schema.report import Ledger
from turngrammar.schema.shape import Number, number


def lower_number(piece: Number, digits: int, ledger: Ledger) -> list[dict[str, Any]]:
    """Nodes whose union is the piece, or more with a note."""
    if piece.step is None:
        return [_node(piece, digits, ledger)]
    below = number(replace(piece, high=Fraction(0), open_high=True, step=None))
    above = number(replace(piece, low=Fraction(0), open_low=False)) if piece.low is None or piece.low < 0 else (piece,)
    if below:
        ledger.check_everywhere(("multipleOf",), "negative multiples can't be told from other negative numbers")
    parts = [one for one in (*below, *above) if isinstance(one, Number)]
    return [node for part in parts for node in _multiples(part, digits, ledger)]


def _multiples(piece: Number, digits: int, ledger: Ledger) -> list[dict[str, Any]]:
    """With a fractional step, whole multiples are written in two ways: 7 and 7.0."""
    if piece.step is None or piece.integer or piece.step.denominator == 1:
        return [_node(piece, digits, ledger)]
    whole = number(replace(piece, integer=True, step=Fraction(piece.step.numerator)))
    return [_node(part, digits, ledger) for part in (*whole, piece) if isinstance(part, Number)]


def _node(piece: Number, digits: int, ledger: Ledger) -> dict[str, Any]:
    low, high = piece.low, piece.high
    if piece.integer:
        limit = _limit(piece, digits)
        low, high = _within(low, -limit, limit), _within(high, limit, limit)
    if piece.low is not None and piece.single and not literal(piece.low):
        return dict(among_neighbours(piece.low.numerator))
    node: dict[str, Any] = {"type": "integer" if piece.integer else "number"}
    largest = LARGEST if piece.integer else 10**_LARGEST
    _bound(node, low, ("minimum", "exclusiveMinimum")[piece.open_low], largest, ledger)
    _bound(node, high, ("maximum", "exclusiveMaximum")[piece.open_high], largest, ledger)
    if piece.step is not None:
        _step(node, piece.step, ledger)
    return node


def _limit(piece: Number, digits: int) -> Fraction:
    """How far whole numbers go: as many digits, or as far as can be where the piece lies beyond them."""
    limit = Fraction(10 ** min(digits, _LARGEST))
    beyond = (piece.low is not None and piece.low >= limit) or (piece.high is not None and piece.high <= -limit)
    return Fraction(LARGEST) if beyond else limit


def _within(bound: Fraction | None, default: Fraction, limit: Fraction) -> Fraction:
    """The bound, no farther out than the default is."""
    if bound is None:
        return default
    return max(bound, default) if default < 0 else min(bound, default) if bound >= -limit else bound


def _bound(node: dict[str, Any], bound: Fraction | None, keyword: str, largest: int, ledger: Ledger) -> None:
    if bound is None:
        return
    if abs(bound) > largest:
        ledger.check_everywhere(BOUNDS, "llguidance has no bounds of that size")
        return
    if abs(bound) <= EXACT:
        node[keyword] = plain(bound)
        return
    node[keyword] = outwards(bound, -inf if "inimum" in keyword else inf)
    if node[keyword] != bound:
        ledger.check_everywhere(BOUNDS, "llguidance reads bounds as 64-bit floats")


_LARGEST = 18  # decimal digits of llguidance's 64-bit bounds, where only one of two has as many


def plain(exact: Fraction) -> int | float:
    """As a schema would write it."""
    return exact.numerator if exact.denominator == 1 else float(exact)


def _step(node: dict[str, Any], step: Fraction, ledger: Ledger) -> None:
    """llguidance scales a step by tens, as a float, until it is whole; one that this misses it refuses."""
    scaled, exponent = float(step), 0
    while scaled % 1 and scaled < COEFFICIENT:
        scaled, exponent = scaled * 10, exponent + 1
    if scaled < COEFFICIENT and Fraction(int(scaled), 10**exponent) == step:
        node["multipleOf"] = plain(step)
    else:
        ledger.check_everywhere(("multipleOf",), "llguidance has no steps of that many digits")
