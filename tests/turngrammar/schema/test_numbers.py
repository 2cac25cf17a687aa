"""Numbers in schemas: what the grammar accepts and what the check allows, against decimal arithmetic."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turngrammar.audit import Acceptor
from turngrammar.errors import ImpossibleSchema, InvalidSchema
from turngrammar.lark import schema_grammar
from turngrammar.scan import load_json
from turngrammar.schema import Options, SchemaPlan, compile_schema
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.numbers import meet_numbers, minus_numbers
from turngrammar.schema.operations import OPERATIONS
from turngrammar.schema.shape import NOTHING, Number, number_shape

D4 = {"$schema": "http://json-schema.org/draft-04/schema#"}


def acceptor(plan: SchemaPlan) -> Acceptor:
    made = Acceptor(schema_grammar(plan.lowered))
    assert not made.error, made.error
    return made


@pytest.mark.parametrize(
    ("schema", "inside", "outside"),
    [
        ({"type": "integer"}, f"0 -1 1.0 {2**63 - 1} -{'9' * 20}", f"01 1.5 1.00 1e2 {'1' * 21}"),
        ({"type": "integer", "minimum": 0}, "0 99 18446744073709551615", "-1 -0"),
        ({"type": "integer", "exclusiveMinimum": 0, "maximum": 10}, "1 10 10.0", "0 11"),
        ({"type": "integer", "minimum": 1.5, "maximum": 3.5}, "2 3", "1 4"),
        ({"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}, f"-{2**63} {2**63 - 1}", f"{2**63} -{2**64}"),
        ({"type": "integer", "minimum": 0, "maximum": 2**64 - 1}, f"0 {2**64 - 1}", f"{2**64} -1"),
        ({"type": "integer", "minimum": 10**25}, f"{10**25} {10**26 + 7}", f"{10**25 - 1} 5 {10**27}"),
        ({"type": "integer", "minimum": 9007199254740993}, "9007199254740993", "9007199254740992"),
        ({"type": "integer", "multipleOf": 7, "minimum": 0}, "0 49 700000000000000007", "50 700000000000000008"),
        ({"type": "integer", "multipleOf": 86400, "minimum": 0}, "0 86400 172800", "86401 1"),
        ({"type": "integer", "multipleOf": 60}, "0 60 -180", "61 30 -20"),
        ({"type": "integer", **D4}, "0 -7", "1.0 1e2"),
        ({"enum": [1, 2], **D4}, "1 1.0 2", "3"),
        ({"enum": [1, 2], "type": "integer", **D4}, "1 2", "1.0"),
        ({"type": "number", "exclusiveMinimum": 0}, "0.1 1 5e-324", "0 0.0 -1 1e-400"),
        ({"type": "number", "minimum": 0}, "1e-06 6.02e+23 3.2E-11 12.5e6 1.7976931348623157e308", "-1e-06 1e309"),
        ({"type": "number", "minimum": 0.1, "maximum": 0.3}, "0.1 0.25 0.3 0.30", "0 0.31 0.30000000000000000001"),
        ({"type": "number", "minimum": 0, "maximum": 0.95}, "0.9 0.95 0.950 9e-1 0", "0.96 1"),
        ({"type": "number", "minimum": -459.67}, "-459.6 -459 -459.67 7.5", "-459.671 -460"),
        ({"type": "number", "exclusiveMaximum": 1}, "0.99999999999999999 -7e300", "1 1.0"),
        ({"maximum": Decimal("0.12345678901234567")}, "0.12345678901234567", "0.12345678901234568"),
        ({"type": "number", "maximum": Decimal("1e400")}, "1e308 0.5", "1e309"),
        ({"type": "number", "minimum": -1.8e308, "maximum": float("inf")}, "1e308 0.5", "1e309"),
        ({"type": "number", "minimum": Decimal("1e-999999999")}, "5e-324 1", "0 -1"),
        ({"type": "number", "multipleOf": 2.5, "minimum": 0}, "5 2.5 7.50", "3 2.6"),
        ({"type": "number", "multipleOf": 0.01}, "19.99 -4.35 0.070 1", "0.005 -0.001"),
        ({"type": "number", "multipleOf": 0.1, "exclusiveMinimum": 0.8, "maximum": 0.99}, "0.9", "0.8 0.95 1"),
        ({"type": "number", "multipleOf": 1e-8, "minimum": 0}, "0.00000001 1e-08 1.5e-7", "1e-09 1.55e-8"),
        ({"type": "number", "multipleOf": 0.75}, "1.5 -0.75 3", "0.5 1"),
        ({"allOf": [{"multipleOf": 4}, {"multipleOf": 6}], "type": "integer", "minimum": 1}, "12 24", "6 8"),
        ({"const": 0.1}, "0.1", "0.2 1 0.10000000000000000555"),
        ({"const": 1.0}, "1 1.0", "2"),
        ({"enum": [1, 2.5]}, "1 2.5 1.0", "2 1.5"),
        ({"const": 9007199254740993}, "9007199254740993", "9007199254740992 9007199254740994"),
        ({"const": -(2**64) - 1}, f"{-(2**64) - 1}", f"{-(2**64)}"),
        ({"const": 10**5000 + 1}, f"1{'0' * 4999}1", "1"),
        ({"enum": [Decimal("1e400"), 5]}, "5", "1e400"),
        ({"type": "integer", "not": {"const": 2**64}}, "1 -1 18446744073709551615", "18446744073709551616"),
        ({"type": "integer", "not": {"multipleOf": 3}}, "1 -2 1000000", "0 -3 999999"),
        ({"type": "number", "not": {"type": "integer"}}, "0.5 1e-7 -3.25", "1 1.0 0 3.000"),
        ({"oneOf": [{"type": "integer", "multipleOf": 5}, {"type": "integer", "multipleOf": 3}]}, "5 3 -9", "15 0 7"),
        ({"type": "number", "not": {"multipleOf": 0.5}, "minimum": 0}, "0.25 0.7", "0.5 0 3"),
    ],
)  # fmt: skip
def test_grammar_and_check_agree_on_numbers(schema: Any, inside: str, outside: str) -> None:
    plan = compile_schema(schema)
    accepts = acceptor(plan).accepts
    assert plan.exact
    assert [text for text in inside.split() if not accepts(text)] == []
    assert [text for text in outside.split() if accepts(text)] == []
    assert [text for text in inside.split() if len(text) < 4000 and plan.violations(load_json(text))] == []


PRICES = {"type": "number", "minimum": 0, "maximum": 99.99, "multipleOf": 0.01}


def test_every_price() -> None:
    plan = compile_schema(PRICES)
    accepts = acceptor(plan).accepts
    for cents in range(10_000):
        price = cents / 100
        assert accepts(json.dumps(price)) and not plan.violations(price), price
        assert not accepts(f"{cents // 100}.{cents % 100:02}5") and plan.violations(price + 0.005), price


@pytest.mark.parametrize(
    "schema",
    [
        {"const": Decimal("1e400")},
        {"type": "number", "minimum": Decimal("1e400")},
        {"type": "number", "minimum": float("inf")},
        {"type": "integer", "maximum": -(10**5000)},
        {"type": "number", "exclusiveMinimum": 0, "maximum": Decimal("1e-999999999")},
        {"type": "number", "exclusiveMinimum": 0.8, "exclusiveMaximum": 0.9, "multipleOf": 0.1},
        {"type": "integer", "multipleOf": 2, "not": {"multipleOf": 2}},
        {"type": "integer", "minimum": 3, "maximum": 3, "not": {"multipleOf": 3}},
    ],
)
def test_numbers_that_no_float_holds_are_not_generated(schema: Any) -> None:
    with pytest.raises(ImpossibleSchema):
        compile_schema(schema)


def test_nan_is_refused() -> None:
    with pytest.raises(InvalidSchema, match="NaN"):
        compile_schema({"type": "number", "maximum": float("nan")})


def test_the_digits_of_integers_are_an_option() -> None:
    accepts = acceptor(compile_schema({"type": "integer"}, Options(digits=3))).accepts
    assert accepts("-999") and not accepts("1000")
    beyond = acceptor(compile_schema({"type": "integer", "minimum": 5000}, Options(digits=3))).accepts
    assert beyond("5000") and beyond("99999") and not beyond("100000")


def test_multiples_beyond_what_llguidance_computes_are_checked() -> None:
    plan = compile_schema({"type": "integer", "multipleOf": 7, "minimum": 10**21})
    assert [finding.keyword for finding in plan.report if finding.status == "checked"] == ["multipleOf"]
    assert acceptor(plan).accepts(str(7 * 10**21))
    assert not acceptor(plan).accepts("7")


def test_multiples_that_no_expression_distinguishes_are_checked() -> None:
    plan = compile_schema({"type": "number", "multipleOf": 0.07})
    assert [(finding.keyword, finding.status) for finding in plan.report if finding.status == "checked"] == [
        ("multipleOf", "checked")
    ]
    assert plan.violations(0.08) and not plan.violations(-0.14)
    assert acceptor(plan).accepts("0.08")


VALUES = st.one_of(
    st.integers(-1200, 1200).map(lambda hundredths: Decimal(hundredths) / 100),
    st.integers(-12, 12).map(Decimal),
    st.sampled_from([Decimal(text) for text in ("0.95", "-0.1", "9.999", "1e-7", "-0.30000000000000000001", "1e19")]),
)
NUMBERS = VALUES | st.sampled_from([Decimal("1e22"), Decimal("-1e300"), Decimal("1e400"), 10**30])
STEPS = st.sampled_from([Decimal(text) for text in ("1", "2", "3", "5", "10", "0.1", "0.25", "0.01", "1.5", "0.05")])
KEYWORDS: dict[str, Any] = {
    "minimum": NUMBERS,
    "maximum": NUMBERS,
    "exclusiveMinimum": NUMBERS,
    "exclusiveMaximum": NUMBERS,
    "multipleOf": STEPS,
}
TYPED = {"type": st.sampled_from(["number", "integer"])}
EXCLUDED = st.fixed_dictionaries({}, optional={**KEYWORDS, **TYPED})


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.fixed_dictionaries(TYPED, optional={**KEYWORDS, "not": EXCLUDED}), st.lists(VALUES, min_size=12, max_size=24))
def test_grammar_check_and_another_validator_agree(schema: Any, values: list[Decimal]) -> None:
    """jsonschema-rs computes with Decimals of any size, too."""
    allows = jsonschema_rs.validator_for(schema).is_valid
    try:
        plan = compile_schema(schema)
    except ImpossibleSchema:
        assert [value for value in values if allows(value)] == []
        return
    assert plan.exact
    accepts = acceptor(plan).accepts
    for value in values:
        assert accepts(f"{value.normalize():f}") == (plan.violations(value) == ()) == allows(value), value


BOUNDS = st.none() | st.integers(-4, 4).map(Fraction) | st.sampled_from([Fraction(1, 2), Fraction(5, 2)])
PIECES = st.builds(
    Number,
    low=BOUNDS,
    high=BOUNDS,
    open_low=st.booleans(),
    open_high=st.booleans(),
    integer=st.booleans(),
    step=st.none() | st.sampled_from([Fraction(1), Fraction(2), Fraction(3), Fraction(1, 2)]),
    excluded=st.sampled_from([(), (Fraction(1),), (Fraction(2), Fraction(3)), (Fraction(5, 2),)]),
)
ALGEBRA = Algebra(lambda name: NOTHING, OPERATIONS)
HALVES = st.integers(-12, 12).map(lambda halves: Fraction(halves, 2))


def _within(piece: Number, value: Fraction) -> bool:
    low, high = piece.low, piece.high
    above = low is None or value > low or (value == low and not piece.open_low)
    below = high is None or value < high or (value == high and not piece.open_high)
    whole = not piece.integer or value.denominator == 1
    multiple = piece.step is None or value % piece.step == 0
    return above and below and whole and multiple and all(value % step for step in piece.excluded)


def _among(shape: tuple[Any, ...], value: Fraction) -> bool:
    return any(_within(piece, value) for piece in shape)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(PIECES, PIECES, HALVES)
def test_the_algebra_of_numbers(left: Number, right: Number, value: Fraction) -> None:
    assert _among(number_shape(left), value) == _within(left, value)
    assert _among(meet_numbers(ALGEBRA, left, right), value) == (_within(left, value) and _within(right, value))
    rest = minus_numbers(ALGEBRA, left, right)
    assert _among(rest, value) == (_within(left, value) and not _within(right, value))
