"""The last word on a finished document: jsonschema, against the source schema.

Two things are ours: patterns mean what ECMA-262 says, and run in linear time, where they compile to an automaton; and
only the formats that the report claims are asserted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from grammars.schema import regex
from grammars.schema.dialect import DIALECTS, Dialect, pointer
from grammars.schema.formats import FORMATS, Format
from grammars.schema.load import Schema
from grammars.schema.options import Options


@dataclass(frozen=True)
class Violation:
    """One place where a finished document breaks its schema: `pointer` leads into the document."""

    pointer: str
    keyword: str
    message: str


Errors = Iterator[ValidationError]


def validator(schema: Schema, dialect: Dialect, options: Options, *, nullable: bool) -> Validator:
    """jsonschema's validator for the schema, with this module's keywords. Nothing remote is fetched."""
    formats = _formats() if options.assert_formats else FormatChecker(())
    return _class_of(dialect.name, nullable)(schema, registry=REGISTRY, format_checker=formats)


def violations(validator: Validator, instance: Any) -> tuple[Violation, ...]:
    """Everything that is wrong with the document, in jsonschema's order."""
    return tuple(
        Violation(pointer(tuple(error.absolute_path)), str(error.validator), error.message)
        for error in validator.iter_errors(instance)
    )


@lru_cache(maxsize=1024)
def finder(pattern: str) -> Callable[[str], bool]:
    """Whether the pattern matches somewhere in a text: by automaton, or by `re` where it is not regular."""
    try:
        return regex.automaton(regex.compile_pattern(pattern)).matches
    except regex.RegexError:
        search = re.compile(pattern).search
        return lambda text: search(text) is not None


@lru_cache(maxsize=16)
def _class_of(name: str, nullable: bool) -> type[Validator]:
    base = DIALECTS[name].validator
    keywords: dict[str, Any] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
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


def _nullable(keyword: Callable[..., Errors]) -> Callable[..., Errors]:
    """OpenAPI 3.0: `nullable: true` beside a `type` allows null."""

    def check(validator: Validator, value: Any, instance: Any, schema: Mapping[str, Any]) -> Errors:
        if instance is not None or schema.get("nullable") is not True or "type" not in schema:
            yield from keyword(validator, value, instance, schema)

    return check
