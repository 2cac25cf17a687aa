"""Keywords about numbers and equal values in the check of a finished document, in decimal arithmetic of any size.

jsonschema computes in binary floats, where 0.01 doesn't divide 19.99, and compares each pair of items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any

from jsonschema.exceptions import ValidationError

from turngrammar.exact import Number, decimal, is_digits, is_integer, is_multiple, is_number, number_text
from turngrammar.schema.keyword_table import KeywordTable

Errors = Iterator[ValidationError]
JsonObject = Mapping[str, Any]


def assert_minimum(table: KeywordTable, validator: Any, bound: Number, instance: Any, schema: JsonObject) -> Errors:
    """In draft 4 and OpenAPI 3.0, a flag beside the bound excludes it."""
    if schema.get("exclusiveMinimum") is True:
        return _compared(instance, gt, bound, "is less than or equal to the minimum of")
    return _compared(instance, ge, bound, "is less than the minimum of")


def assert_maximum(table: KeywordTable, validator: Any, bound: Number, instance: Any, schema: JsonObject) -> Errors:
    if schema.get("exclusiveMaximum") is True:
        return _compared(instance, lt, bound, "is greater than or equal to the maximum of")
    return _compared(instance, le, bound, "is greater than the maximum of")


def assert_exclusive_minimum(
    table: KeywordTable, validator: Any, bound: Number, instance: Any, schema: JsonObject
) -> Errors:
    return _compared(instance, gt, bound, "is less than or equal to the minimum of")


def assert_exclusive_maximum(
    table: KeywordTable, validator: Any, bound: Number, instance: Any, schema: JsonObject
) -> Errors:
    return _compared(instance, lt, bound, "is greater than or equal to the maximum of")


def _compared(instance: Any, within: Callable[[Decimal, Decimal], bool], bound: Number, problem: str) -> Errors:
    if _is_number(instance) and not isinstance(bound, bool) and not within(decimal(instance), decimal(bound)):
        yield ValidationError(f"{number_text(instance)} {problem} {number_text(bound)}")


def assert_multiple(table: KeywordTable, validator: Any, step: Number, instance: Any, schema: JsonObject) -> Errors:
    if _is_number(instance) and not (decimal(instance).is_finite() and is_multiple(decimal(instance), decimal(step))):
        yield ValidationError(f"{number_text(instance)} is not a multiple of {number_text(step)}")


def assert_const(table: KeywordTable, validator: Any, const: Any, instance: Any, schema: JsonObject) -> Errors:
    if _comparable(instance) != _comparable(const):
        yield ValidationError(f"{_shown(const)} was expected")


def assert_enum(table: KeywordTable, validator: Any, values: list[Any], instance: Any, schema: JsonObject) -> Errors:
    if _comparable(instance) not in map(_comparable, values):
        yield ValidationError(f"{_shown(instance)} is not one of [{', '.join(map(_shown, values))}]")


def assert_unique_items(table: KeywordTable, validator: Any, unique: bool, instance: Any, schema: JsonObject) -> Errors:
    if not unique or not isinstance(instance, list):
        return
    seen: set[Any] = set()
    repeated: dict[Any, Any] = {}
    for item in instance:
        value = _comparable(item)
        if value in seen:
            repeated.setdefault(value, item)
        seen.add(value)
    if repeated:
        yield ValidationError(f"repeated items: {', '.join(map(_shown, repeated.values()))}")


def _comparable(value: Any) -> Any:
    """Equal for values that are equal in JSON Schema: 1 and 1.0, but not 1 and true."""
    if isinstance(value, list):
        return list, tuple(map(_comparable, value))
    if isinstance(value, dict):
        return dict, frozenset((name, _comparable(item)) for name, item in value.items())
    if isinstance(value, float):
        return decimal(value)
    return (bool, value) if isinstance(value, bool) else value


def _is_number(value: Any) -> bool:
    return is_number(value) and value == value


def _shown(value: Any) -> str:
    return number_text(value) if isinstance(value, Decimal) else repr(value)


def is_any_integer(checker: Any, value: Any) -> bool:
    """1.0 and 1e2 are integers, in every draft but 4."""
    return _is_number(value) and is_integer(decimal(value))


def is_draft4_integer(checker: Any, value: Any) -> bool:
    """In draft 4, an integer has neither point nor exponent."""
    return _is_number(value) and is_digits(value)
