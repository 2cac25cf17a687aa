"""The texts of numbers: brute force over short texts, random boundaries, and llguidance, against decimal arithmetic."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer

from turngrammar.exact import fraction
from turngrammar.regex import NEVER, Language, automaton, pattern_text
from turngrammar.terminals.digits import TAIL, NoShortExpression
from turngrammar.terminals.numbers import language_expression, number_language
from turngrammar.terminals.numerals import constant_language

Branch = dict[str, Any]

_NUMBER = re.compile(r"(-?)(0|[1-9]\d*)(\.\d+)?(?:[eE]([+-]?)0{0,2}(0|[1-9]\d*))?")
_BYTES = LLTokenizer("byte")
SEARCHED = range(-12, -4)  # exponents of multiples


def number(**keywords: Any) -> Branch:
    return {"type": "number", **keywords}


def integer(**keywords: Any) -> Branch:
    return {"type": "integer", **keywords}


BRANCHES = [
    number(), integer(),
    number(minimum=0), number(exclusiveMinimum=0), number(maximum=0), number(exclusiveMaximum=0),
    number(minimum=0, maximum=1), number(exclusiveMinimum=0, exclusiveMaximum=1), number(minimum=-1, maximum=1),
    number(maximum=0.95), number(minimum=0, maximum=0.95), number(minimum=-0.95), number(minimum=-9.05, maximum=5.9),
    number(exclusiveMinimum=0.9), number(exclusiveMaximum=-0.9), number(minimum=0.9, exclusiveMaximum=0.91),
    number(minimum=10), number(exclusiveMinimum=99), number(maximum=-10), number(minimum=5, maximum=5),
    number(minimum=5, exclusiveMaximum=5), number(minimum=9, maximum=1), number(minimum=0.015, maximum=15),
    number(exclusiveMinimum=1e-5), number(maximum=1e-5), number(minimum=-1e5),
    number(minimum=95e7, maximum=Decimal("1e99")),
    number(minimum=Decimal("1e400")), number(maximum=Decimal("1e999999999")), number(minimum=Decimal("1e-999999999")),
    number(minimum=Decimal("-1e-999999999"), maximum=0), number(minimum=-1.8e308, maximum=float("inf")),
    number(minimum=0, exclusiveMinimum=0.5, maximum=5, exclusiveMaximum=5),
    number(multipleOf=1), number(multipleOf=0.1), number(multipleOf=0.01), number(multipleOf=0.5),
    number(multipleOf=0.25),
    number(multipleOf=2.5), number(multipleOf=5), number(multipleOf=50), number(multipleOf=10), number(multipleOf=1.6),
    number(multipleOf=0.01, minimum=0), number(multipleOf=0.01, minimum=-9.95, exclusiveMaximum=5.1),
    number(multipleOf=0.1, exclusiveMinimum=0.8, maximum=0.99), number(multipleOf=0.25, exclusiveMinimum=0),
    number(multipleOf=0.7, minimum=-10, maximum=91), number(multipleOf=0.09, exclusiveMinimum=0, maximum=9.9),
    number(multipleOf=1e-6, minimum=0), number(multipleOf=5e-7, maximum=1e-5), number(multipleOf=1e-30),
    integer(minimum=0), integer(minimum=5), integer(maximum=-5), integer(minimum=-95, maximum=105),
    integer(minimum=0.5, exclusiveMaximum=9.5), integer(exclusiveMinimum=9, exclusiveMaximum=10),
    integer(multipleOf=5), integer(multipleOf=2.5), integer(multipleOf=0.01), integer(multipleOf=10, minimum=1),
    integer(multipleOf=16), integer(multipleOf=15, minimum=0, maximum=999), integer(multipleOf=4, minimum=-90),
    integer(multipleOf=3), integer(multipleOf=12), integer(multipleOf=30, minimum=-5000, maximum=91),
    number(multipleOf=0.3), number(multipleOf=1.5, minimum=-5), number(multipleOf=15e-7), number(multipleOf=0.75),
    integer(fraction=False), integer(fraction=False, minimum=-5, maximum=99, multipleOf=5),
    number(allOf=[{"not": {"multipleOf": 1}}]), number(allOf=[{"not": {"multipleOf": 0.5}}], minimum=0.3),
    number(multipleOf=0.1, allOf=[{"not": {"multipleOf": 0.5}}, {"not": {"multipleOf": 0.3}}]),
    integer(allOf=[{"not": {"multipleOf": 3}}]), integer(allOf=[{"not": {"multipleOf": 10}}], minimum=-95),
    integer(multipleOf=5, allOf=[{"not": {"multipleOf": 3}}], maximum=905),
    number(allOf=[{"not": {"multipleOf": 1e-6}}], maximum=1),
    number(multipleOf=1e-7, allOf=[{"not": {"multipleOf": 1e-6}}]),
]  # fmt: skip


@cache
def short_texts() -> list[str]:
    """Every JSON number of up to six of these characters, and some longer ones."""
    texts = ["".join(chars) for length in range(1, 6) for chars in product("-0159.eE+", repeat=length)]
    parts = product(
        ["", "-"], ["0", "1", "5", "9", "10", "15", "95", "100", "909"],
        ["", ".0", ".00", ".1", ".5", ".90", ".95", ".05", ".15", ".01", ".905", ".25"],
        ["", "e0", "e+00", "e5", "E+1", "e-1", "e-05", "e-06", "e-007", "e99", "e307", "e308", "e309"],
    )  # fmt: skip
    return [text for text in {*texts, *map("".join, parts)} if _NUMBER.fullmatch(text)]


def _exact(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, float) else value


_TESTS: dict[str, Any] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
    "multipleOf": lambda value, step: Fraction(value) % Fraction(step) == 0,
    "type": lambda value, name: name == "number" or value == int(value),
    "allOf": lambda value, parts: (
        not any(_TESTS["multipleOf"](value, _exact(part["not"]["multipleOf"])) for part in parts)
    ),
    "fraction": lambda value, fraction: True,
}
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _fits(branch: Branch, value: Decimal) -> bool:
    return all(_TESTS[key](value, (key == "type" and item) or _exact(item)) for key, item in branch.items())


def _reaches(branch: Branch, *limits: str) -> bool:
    """Whether numbers with so many digits, or so few, are within its bounds."""
    bounds = {key: item for key, item in branch.items() if key in _BOUNDS}
    return all(_fits(bounds, Decimal(limit)) for limit in limits)


def _expected(branch: Branch, text: str) -> bool:
    """Whether the text is to be in the language of the branch."""
    match = _NUMBER.fullmatch(text)
    assert match
    sign, whole, fraction, exponent_sign, exponent = match.groups()
    value, place = Decimal(text), int(f"{exponent_sign}{exponent}") if exponent else 0
    if not _fits(branch, value) or (sign and not value and not _reaches(branch, "-1e-999999999")):
        return False
    if branch["type"] == "integer":
        return exponent is None and (fraction is None or (fraction == ".0" and branch.get("fraction", True)))
    if exponent is None:
        return True
    if exponent_sign == "-" and not place:
        return False
    normal = len(whole) == 1 and whole != "0" and Decimal("5e-324") <= abs(value) < Decimal("1.797e308")
    if "multipleOf" in branch:
        return normal and place in SEARCHED
    if "allOf" in branch:
        return normal and all(abs(value) < _exact(part["not"]["multipleOf"]) for part in branch["allOf"])
    open_end = _reaches(branch, "0", f"{sign}1e-999999", f"{sign}1e999999")
    return normal or (open_end and -300 < place <= 288)


def _matcher(language: Language) -> Callable[[str], object]:
    if language is NEVER:
        return lambda text: None
    if language.boolean:
        return automaton(language).matches
    return re.compile(pattern_text(language).replace("$", r"\Z")).match


@pytest.mark.parametrize("branch", BRANCHES, ids=str)
def test_short_texts(branch: Branch) -> None:
    matches = _matcher(number_language(branch))
    wrong = [text for text in short_texts() if bool(matches(text)) != _expected(branch, text)]
    assert not wrong


DECIMALS = st.decimals(allow_nan=False, allow_infinity=False).filter(lambda value: abs(value.adjusted()) < 18)
BOUNDS = DECIMALS | st.integers(-(2**65), 2**65).map(Decimal) | st.floats(1e-9, 1e19).map(repr).map(Decimal)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(BOUNDS, st.sampled_from(_BOUNDS), st.sampled_from(["number", "integer"]), st.data())
def test_neighbours_of_a_bound(bound: Decimal, keyword: str, kind: str, data: st.DataObject) -> None:
    branch = {"type": kind, keyword: bound}
    matches = _matcher(number_language(branch))
    plain, scientific = f"{bound:f}", f"{bound:e}"
    cut = data.draw(st.integers(0, len(plain) - 1))
    changed = plain[:cut] + data.draw(st.sampled_from("0123456789")) + plain[cut + 1 :]
    negated = plain[1:] if plain[0] == "-" else f"-{plain}"
    texts = [plain, scientific, changed, negated, plain[:cut], f"{plain}0", f"{plain}1", f"{plain}.0", f"{plain}.01"]
    for text in texts:
        if _NUMBER.fullmatch(text) and len(text.partition(".")[2]) <= TAIL:
            assert bool(matches(text)) == _expected(branch, text), text


def _grammar(language: Language) -> LLMatcher:
    matcher = LLMatcher(_BYTES, f"start: T\nT: {language_expression(language)}", log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    return matcher


def _walk(matcher: LLMatcher, choose: random.Random) -> str:
    """A text that llguidance generates, byte by byte."""
    text = ""
    while not (matcher.is_accepting() and choose.random() < 0.2):
        mask = matcher.compute_bitmask()
        allowed = [char for char in "-+.eE0123456789" if mask[ord(char) // 8] >> ord(char) % 8 & 1]
        if not allowed:
            break
        text += choose.choice(allowed)
        assert matcher.consume_token(ord(text[-1]))
    assert matcher.is_accepting(), f"a dead end after {text}"
    return text


@pytest.mark.parametrize("branch", BRANCHES, ids=str)
def test_llguidance_generates_these_texts(branch: Branch) -> None:
    language, choose = number_language(branch), random.Random(0)
    if language is NEVER:
        return
    matcher = _grammar(language)
    for _ in range(30):
        matcher.reset()
        text = _walk(matcher, choose)
        assert _expected(branch, text), text


@pytest.mark.parametrize(
    ("number", "texts", "others"),
    [
        (0, ["0", "0.0"], ["-0", "0.00", "0e0"]),
        (10, ["10", "10.0"], ["1e1", "10."]),
        (-2.5, ["-2.5"], ["2.5", "-2.50"]),
        (1e-06, ["1e-06", "1e-6", "1.0E-006", "0.000001"], ["1e-07"]),
        (2**64, [f"{2**64}", f"{2**64}.0", "1.8446744073709551616e+19"], [f"{2**64 + 1}"]),
        (1e300, ["1e300", "1E+300"], ["1e30"]),
        (Decimal("0.1234567890123456789"), ["0.1234567890123456789"], ["0.12345678901234568"]),
        (10**5000 + 1, [f"1{'0' * 4999}1"], ["1"]),
    ],
    ids=["0", "10", "-2.5", "1e-06", "2**64", "1e300", "long fraction", "5001 digits"],
)
def test_the_texts_of_a_constant(number: Any, texts: list[str], others: list[str]) -> None:
    matches = _matcher(constant_language(fraction(number)))
    assert [text for text in texts if not matches(text)] == []
    assert [text for text in others if matches(text)] == []


def test_a_constant_without_point() -> None:
    """As draft 4 has it."""
    assert pattern_text(constant_language(Fraction(10**20), point=False)) == f"^{10**20}$"


@pytest.mark.parametrize("branch", [integer(multipleOf=7), number(multipleOf=Decimal("0.0007"), minimum=0, maximum=9)])
def test_multiples_without_a_short_expression(branch: Branch) -> None:
    with pytest.raises(NoShortExpression):
        number_language(branch)


@pytest.mark.parametrize(
    ("branch", "most"),
    [
        (integer(), 40),
        (integer(minimum=0, maximum=100), 40),
        (number(minimum=0, multipleOf=0.01), 60),
        (number(minimum=0, maximum=1), 220),
        (number(), 500),
        (integer(minimum=-(2**63), maximum=2**63 - 1), 720),
    ],
    ids=str,
)
def test_common_ranges_are_short(branch: Branch, most: int) -> None:
    """llguidance compiles the expression for each request."""
    assert len(pattern_text(number_language(branch))) <= most
