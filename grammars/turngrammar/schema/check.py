"""The last word on a finished document: jsonschema, against the source schema.

Three things are ours: patterns mean what ECMA-262 says, and run in linear time, where they compile to an automaton;
only the formats that the report claims are asserted; and a check that computes for too long is given up, and counts as
failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from turngrammar.schema.budget import Exceeded, budget, left
from turngrammar.schema.dialect import DIALECTS, Dialect, pointer
from turngrammar.schema.evaluated import unevaluated_properties
from turngrammar.schema.finder import finder
from turngrammar.schema.formats import FORMATS, Format
from turngrammar.schema.load import Schema
from turngrammar.schema.options import Options


@dataclass(frozen=True)
class Violation:
    """One place where a finished document breaks its schema: `pointer` leads into the document."""

    pointer: str
    keyword: str
    message: str


Errors = Iterator[ValidationError]

SECONDS = 2.0  # of computing; a megabyte takes less
MOST = 1000  # violations that are told
LETTERS = 500  # of a violation's message, which may print the document or an enum


def validator(schema: Schema, dialect: Dialect, options: Options, *, nullable: bool) -> Validator:
    """jsonschema's validator for the schema, with this module's keywords. Nothing remote is fetched."""
    formats = _formats() if options.assert_formats else FormatChecker(())
    return _class_of(dialect.name, nullable)(schema, registry=REGISTRY, format_checker=formats)


def violations(validator: Validator, instance: Any) -> tuple[Violation, ...]:
    """What is wrong with the document, in jsonschema's order: the first of it, where that is much."""
    found: list[Violation] = []
    try:
        with budget(SECONDS):
            found += map(_violation, islice(validator.iter_errors(instance), MOST))
    except (Exceeded, RecursionError):
        found.append(Violation("", "", f"whether it is valid can't be told by {SECONDS:g} s of computing"))
    return tuple(found)


def _violation(error: ValidationError) -> Violation:
    message = error.message if len(error.message) <= LETTERS else f"{error.message[:LETTERS]} ..."
    return Violation(pointer(tuple(error.absolute_path)), str(error.validator), message)


@lru_cache(maxsize=16)
def _class_of(name: str, nullable: bool) -> type[Validator]:
    base = DIALECTS[name].validator
    keywords: dict[str, Any] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    keywords["uniqueItems"] = _unique_items
    if "unevaluatedProperties" in base.VALIDATORS:
        keywords["unevaluatedProperties"] = unevaluated_properties
    keywords |= {name: _bounded(base.VALIDATORS[name]) for name in _GROWING if name in base.VALIDATORS}
    if nullable:
        keywords |= {"type": _nullable(base.VALIDATORS["type"]), "enum": _nullable(base.VALIDATORS["enum"])}
    extended: type[Validator] = extend(base, keywords)  # type: ignore[no-untyped-call]
    return extended


@lru_cache(maxsize=1)
def _formats() -> FormatChecker:
    checker = FormatChecker(())
    for one in FORMATS.values():
        checker.checks(one.name)(_asserting(one))
    return checker


def _asserting(one: Format) -> Callable[[object], bool]:
    return lambda instance: not isinstance(instance, str) or one.matches(instance)


def _pattern(validator: Validator, pattern: str, instance: Any, schema: Mapping[str, Any]) -> Errors:
    if isinstance(instance, str) and not finder(pattern)(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: Any, schema: Mapping[str, Any]
) -> Errors:
    if not isinstance(instance, Mapping):
        return
    for pattern, subschema in patterns.items():
        for name, value in instance.items():
            if finder(pattern)(name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Mapping[str, Any]) -> Errors:
    if not isinstance(instance, Mapping):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, value in instance.items():
        if name in known or any(finder(pattern)(name) for pattern in patterns):
            continue
        if allowed is False:
            yield ValidationError(f"the property {name!r} is not allowed")
        else:
            yield from validator.descend(value, allowed, path=name)


def _unique_items(validator: Validator, unique: bool, instance: Any, schema: Mapping[str, Any]) -> Errors:
    if unique and isinstance(instance, list) and len(set(map(_comparable, instance))) < len(instance):
        yield ValidationError("an item is there twice")


def _comparable(value: Any) -> Any:
    """Equal for values that JSON Schema calls equal: 1 and 1.0, but not true."""
    if isinstance(value, list):
        return list, tuple(map(_comparable, value))
    if isinstance(value, dict):
        return dict, frozenset((name, _comparable(item)) for name, item in value.items())
    return (bool, value) if isinstance(value, bool) else value


def _bounded(keyword: Callable[..., Errors]) -> Callable[..., Errors]:
    def check(validator: Validator, value: Any, instance: Any, schema: Mapping[str, Any]) -> Errors:
        left()
        yield from keyword(validator, value, instance, schema)

    return check


# By which a document can be looked at again and again: the time that others take, they multiply.
_GROWING = ("$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if", "contains")


def _nullable(keyword: Callable[..., Errors]) -> Callable[..., Errors]:
    """OpenAPI 3.0: `nullable: true` beside a `type` allows null."""

    def check(validator: Validator, value: Any, instance: Any, schema: Mapping[str, Any]) -> Errors:
        if instance is not None or schema.get("nullable") is not True or "type" not in schema:
            yield from keyword(validator, value, instance, schema)

    return check
