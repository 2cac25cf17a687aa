"""Numbers without rounding, from text to value and back."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turngrammar import exact
from turngrammar.scan import MOST_DIGITS, dump_json, load_json, load_long_numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1),
        ("1.10", 1.1),
        ("-0.0", 0.0),
        ("1e2", 100.0),
        ("1e-07", 1e-07),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("0.1000000000000000000", 0.1),
        ("0.1234567890123456789", Decimal("0.1234567890123456789")),
        ("0.1000000000000000055511151231257827", Decimal("0.1000000000000000055511151231257827")),
        ("0.99999999999999999", Decimal("0.99999999999999999")),
        ("1e400", Decimal("1e400")),
        ("-1e-400", Decimal("-1e-400")),
        ("1e999999999", Decimal("1e401")),
        ("-1e99999999999999999999999", Decimal("-1e401")),
        ("1e-99999999999999999999999", Decimal("1e-401")),
        ("0e99999999999999999999999", 0.0),
        ("1e000000000000000000000002", 100.0),
        ("12345678901234567890123", 12345678901234567890123),
    ],
)
def test_a_number_is_a_float_only_where_that_is_the_same(text: str, value: Any) -> None:
    loaded = load_json(text)
    assert (type(loaded), loaded) == (type(value), value)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.decimals(allow_nan=False, allow_infinity=False) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_as_text(number: Decimal | float) -> None:
    text = str(number)
    loaded = load_json(text)
    if not isinstance(loaded, int):
        assert exact.decimal(loaded) == exact.decimal(number) or abs(exact.decimal(number).adjusted()) > exact.EXTREME
    assert load_json(dump_json([loaded, {"a": loaded}])) == [loaded, {"a": loaded}]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    )
)
def test_the_encoder_of_decimals_writes_what_python_writes(value: Any) -> None:
    with_decimal = dump_json([value, Decimal("1e400")])
    assert with_decimal == f"[{json.dumps(value, ensure_ascii=False)}, 1e+400]"


def test_integers_that_python_does_not_write() -> None:
    assert dump_json({"a": 10**5000 + 1}, ",", ":") == f'{{"a":1{"0" * 4999}1}}'
    assert load_long_numbers("9" * 5000) == 10**5000 - 1
    assert dump_json({"b": 1, "a": Decimal("0.5")}, sort_keys=True) == '{"a": 0.5, "b": 1}'


@pytest.mark.parametrize("text", ["1" * (MOST_DIGITS + 1), "0." + "1" * MOST_DIGITS, f"1.{'1' * MOST_DIGITS}e5"])
def test_numbers_of_thousands_of_digits_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a number has too many digits"):
        load_json(text)


def test_no_number() -> None:
    for value in (float("nan"), Decimal("nan")):
        with pytest.raises(ValueError, match="NaN"):
            dump_json([value])
    with pytest.raises(TypeError):
        dump_json({"a": {1, 2}})
    assert dump_json([float("inf"), float("-inf")]) == "[1e+401, -1e+401]"


def test_infinite_numbers_become_finite_ones_beyond_all_floats() -> None:
    assert exact.fraction(float("inf")) == exact.fraction(Decimal("1e999999999")) > Fraction(1.7976931348623157e308)
    assert exact.fraction(Decimal("-1e-999999999")) == -Fraction(1, 10 ** (exact.EXTREME + 1))
    assert exact.fraction(10**5000) == exact.fraction(Decimal("1" + "0" * 5000)) == 10**5000


@pytest.mark.parametrize(
    ("number", "step", "multiple"),
    [
        ("19.99", "0.01", True),
        ("19.999", "0.01", False),
        ("-4.35", "0.05", True),
        ("0", "7", True),
        ("1e999999999", "3", False),
        ("3e999999999", "3", True),
        ("1e999999999", "0.25", True),
        ("1e-999999999", "3", False),
        ("1e-999999999", "1e-999999999", True),
        ("7", "1e999999999", False),
        ("1000", "1e3", True),
        ("1500", "1e3", False),
        ("2.50", "5e-1", True),
        ("0.12", "1e-1", False),
    ],
)
def test_multiples(number: str, step: str, multiple: bool) -> None:
    assert exact.is_multiple(Decimal(number), Decimal(step)) is multiple


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.decimals(-1000, 1000, places=3), st.decimals(1, 9, places=2) | st.integers(1, 300).map(Decimal))
def test_fractions_agree_on_multiples(number: Decimal, step: Decimal) -> None:
    assert exact.is_multiple(number, step) == (Fraction(number) % Fraction(step) == 0)
