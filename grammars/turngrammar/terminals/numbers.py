"""Terminal expressions for the numbers of a lowered branch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turngrammar.exact import Number, fraction
from turngrammar.regex import Language, expression_text
from turngrammar.terminals.digits import NoShortExpression
from turngrammar.terminals.numerals import LARGEST, NumberRange, constant_language, numeral_language

Branch = Mapping[str, Any]
OWN_LIMIT = 10**18  # of numbers that llguidance computes in 64 bits
OWN_STEPS = 2**32


def json_number(branch: Branch) -> str:
    """The numbers of a branch as JSON; "" where only llguidance's own automaton distinguishes the multiples."""
    try:
        return language_expression(number_language(branch))
    except NoShortExpression:
        return ""


def json_constant(number: Number) -> str:
    """One number as JSON."""
    return language_expression(constant_language(fraction(number)))


def number_language(branch: Branch) -> Language:
    """The texts of the numbers of a branch of type number or integer, or of a constant. Raises NoShortExpression."""
    return numeral_language(number_range(branch))


def number_range(branch: Branch) -> NumberRange:
    lows = [(fraction(branch[name]), name != "minimum") for name in ("minimum", "exclusiveMinimum") if name in branch]
    highs = [(fraction(branch[name]), name == "maximum") for name in ("maximum", "exclusiveMaximum") if name in branch]
    low, open_low = max(lows, default=(-LARGEST, False))
    high, closed_high = min(highs, default=(LARGEST, True))
    return NumberRange(
        low=low if low > -LARGEST else None,
        high=high if high < LARGEST else None,
        open_low=open_low and low > -LARGEST,
        open_high=not closed_high and high < LARGEST,
        step=fraction(branch["multipleOf"]) if "multipleOf" in branch else None,
        excluded=tuple(fraction(part["not"]["multipleOf"]) for part in branch.get("allOf", ())),
        integers=branch["type"] == "integer",
        point=branch.get("fraction", True),
    )


def has_own_multiples(branch: Branch) -> bool:
    """Whether llguidance's own automaton of multiples serves for a branch: for natural numbers of 18 digits."""
    step = branch.get("multipleOf")
    if branch["type"] != "integer" or not isinstance(step, int) or step >= OWN_STEPS or "allOf" in branch:
        return False
    low, high = branch.get("minimum", -1), branch.get("maximum", OWN_LIMIT)
    return bool(0 <= low <= OWN_LIMIT - step and high <= OWN_LIMIT)


def language_expression(language: Language) -> str:
    """A terminal expression of the texts of a language, with operators where a regex has none."""
    if not language.boolean:
        return f"/{expression_text(language)}/"
    parts = [language_expression(part) for part in language.parts]
    if language.kind == "not":
        return f"~({parts[0]})"
    return f"({_OPERATORS[language.kind].join(parts)})"


_OPERATORS = {"and": " & ", "or": " | ", "cat": " "}
