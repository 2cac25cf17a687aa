"""Numbers at their bounds, in the text that llguidance accepts."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turngrammar.audit import Acceptor
from turngrammar.errors import InvalidSchema, RefusedSchema
from turngrammar.lark import schema_grammar
from turngrammar.schema import compile_schema
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.numbers import meet_numbers, minus_numbers
from turngrammar.schema.operations import OPERATIONS
from turngrammar.schema.shape import NOTHING, Inexact, Number, number_shape


def _accepts(schema: Any, text: str) -> bool:
    return Acceptor(schema_grammar(compile_schema(schema).lowered)).accepts(text)


@pytest.mark.parametrize(
    ("schema", "inside", "outside"),
    [
        ({"type": "integer"}, ["0", "-1", "123456789012345678"], ["01", "1.5", "1" * 20]),
        ({"type": "integer", "minimum": 0}, ["0", "99"], ["-1"]),
        ({"type": "integer", "exclusiveMinimum": 0, "maximum": 10}, ["1", "10"], ["0", "11"]),
        ({"type": "integer", "minimum": 1.5, "maximum": 3.5}, ["2", "3"], ["1", "4"]),
        ({"type": "number", "exclusiveMinimum": 0}, ["0.1", "1"], ["0", "0.0", "-1"]),
        ({"type": "number", "minimum": 0.1, "maximum": 0.3}, ["0.1", "0.25", "0.3"], ["0", "0.31"]),
        ({"type": "number", "multipleOf": 2.5, "minimum": 0}, ["5", "2.5", "7.5"], ["3", "2.6"]),
        ({"type": "integer", "multipleOf": 7, "minimum": 0}, ["0", "49"], ["50"]),
        ({"allOf": [{"multipleOf": 4}, {"multipleOf": 6}], "type": "integer", "minimum": 1}, ["12", "24"], ["6", "8"]),
        ({"const": 0.1}, ["0.1"], ["0.2", "1"]),
        ({"const": 1.0}, ["1"], ["2"]),
        ({"enum": [1, 2.5]}, ["1", "2.5"], ["2", "1.5"]),
        ({"type": "number"}, ["1e-07", "6.02e+23", "-0.5"], ["+1", ".5"]),
    ],
)
def test_bounds(schema: Any, inside: list[str], outside: list[str]) -> None:
    for text in inside:
        assert _accepts(schema, text), text
    for text in outside:
        assert not _accepts(schema, text), text


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 9007199254740993},
        {"type": "number", "maximum": 1e300},
        {"type": "number", "multipleOf": 0.07, "minimum": 0},
    ],
)
def test_bounds_that_floats_cannot_hold_are_checked(schema: Any) -> None:
    plan = compile_schema(schema)
    assert not plan.exact
    assert any(finding.status == "checked" for finding in plan.report)
    assert plan.lowered


@pytest.mark.parametrize(
    ("schema", "inside", "outside"),
    [
        ({"const": 2**60}, [2**60], [2**60 + 1]),
        ({"const": -(2**60)}, [-(2**60)], [-(2**60) - 1]),
        ({"const": 9007199254740993}, [9007199254740993], [9007199254740992, 9007199254740994]),
        ({"const": 1234567890123456789}, [1234567890123456789], range(1234567890123456790, 1234567890123457100)),
        ({"enum": [1, 1234567890123456789]}, [1, 1234567890123456789], [2, 1234567890123456788]),
        ({"type": "integer", "minimum": 10**18}, [10**18, 2**62, 2**63 - 2**10], [1, 10**18 - 1]),
        ({"type": "integer", "maximum": -(2**62)}, [-(2**62), -(2**63) + 2**10], [0, 1 - 2**62]),
        ({"type": "integer", "minimum": 0, "maximum": 2**64 - 1}, [0, 10**18], [-1]),
        ({"type": "integer", "not": {"const": 2**64}}, [1, -1], []),
    ],
)
def test_integers_that_floats_cannot_hold(schema: Any, inside: list[int], outside: list[int]) -> None:
    assert compile_schema(schema).exact
    for value in inside:
        assert _accepts(schema, str(value)), value
    for value in outside:
        assert not _accepts(schema, str(value)), value


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(2**53, 2**63), st.integers(1, 1100), st.sampled_from([1, -1]))
def test_a_constant_is_written_alone_or_refused(size: int, apart: int, sign: int) -> None:
    schema = {"const": size * sign}
    try:
        plan = compile_schema(schema)
    except RefusedSchema as error:
        assert (error.pointer, error.keyword) == ("/const", "const")
        return
    assert plan.exact
    assert _accepts(schema, str(size * sign))
    assert not _accepts(schema, str(size * sign + apart))
    assert not _accepts(schema, str(size * sign - apart))


BIG = 2**64 + 1


@pytest.mark.parametrize(
    ("schema", "pointer", "keyword"),
    [
        ({"const": BIG}, "/const", "const"),
        ({"const": -BIG}, "/const", "const"),
        ({"const": 10**400}, "/const", "const"),
        ({"enum": ["a", 1, BIG]}, "/enum/2", "enum"),
        ({"enum": [1.5, 10**400]}, "/enum/1", "enum"),
        ({"properties": {"a/b": {"enum": ["x", {"k": [1, BIG]}]}}}, "/properties/a~1b/enum/1/k/1", "enum"),
        ({"type": "integer", "minimum": BIG}, "/minimum", "minimum"),
        ({"type": "integer", "exclusiveMinimum": BIG}, "/exclusiveMinimum", "exclusiveMinimum"),
        ({"type": "integer", "maximum": -BIG}, "/maximum", "maximum"),
        ({"type": "integer", "not": {"maximum": BIG}}, "/not/maximum", "maximum"),
    ],
)
def test_the_refusal_of_a_number_points_to_it(schema: Any, pointer: str, keyword: str) -> None:
    with pytest.raises(RefusedSchema, match="can't write") as raised:
        compile_schema(schema)
    assert (raised.value.pointer, raised.value.keyword) == (pointer, keyword)
    assert len(raised.value.message) < 200


@pytest.mark.parametrize(
    "keyword", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "const", "multipleOf"]
)
def test_a_number_beyond_floats_is_refused(keyword: str) -> None:
    with pytest.raises(InvalidSchema, match="exceeds 64-bit floats"):
        compile_schema(json.loads(f'{{"{keyword}": 1e400}}'))


BOUNDS = st.none() | st.integers(-4, 4).map(Fraction) | st.sampled_from([Fraction(1, 2), Fraction(5, 2)])
PIECES = st.builds(
    Number,
    low=BOUNDS,
    high=BOUNDS,
    open_low=st.booleans(),
    open_high=st.booleans(),
    integer=st.booleans(),
    step=st.none() | st.sampled_from([Fraction(1), Fraction(2), Fraction(3), Fraction(1, 2)]),
)
ALGEBRA = Algebra(lambda name: NOTHING, OPERATIONS)
VALUES = st.integers(-12, 12).map(lambda halves: Fraction(halves, 2))


def _within(piece: Number, value: Fraction) -> bool:
    low, high = piece.low, piece.high
    above = low is None or value > low or (value == low and not piece.open_low)
    below = high is None or value < high or (value == high and not piece.open_high)
    whole = not piece.integer or value.denominator == 1
    return above and below and whole and (piece.step is None or value % piece.step == 0)


def _among(shape: tuple[Any, ...], value: Fraction) -> bool:
    return any(_within(piece, value) for piece in shape)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(PIECES, PIECES, VALUES)
def test_the_algebra_of_numbers(left: Number, right: Number, value: Fraction) -> None:
    assert _among(number_shape(left), value) == _within(left, value)
    assert _among(meet_numbers(ALGEBRA, left, right), value) == (_within(left, value) and _within(right, value))
    try:
        rest = minus_numbers(ALGEBRA, left, right)
    except Inexact:
        return
    assert _among(rest, value) == (_within(left, value) and not _within(right, value))
