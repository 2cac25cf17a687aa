"""The check of a finished document: jsonschema, against the source schema.

Four things differ from stock jsonschema: numbers are decimals of any size; patterns are ECMA-262's, in linear time if
they are regular; only the formats in the report are asserted; and a check that takes too long is stopped, and counts as
failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from typing import Any, cast

import attrs
from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from turngrammar.errors import MESSAGE_LENGTH, cut
from turngrammar.regex import BudgetExceeded, time_budget
from turngrammar.schema.assertions import nullable, within_budget
from turngrammar.schema.dialect import DIALECTS, Dialect, dialect_within, pointer
from turngrammar.schema.keyword_table import KeywordTable
from turngrammar.schema.load import Options, Schema
from turngrammar.schema.value_assertions import is_any_integer, is_draft4_integer
from turngrammar.spans import Texts
from turngrammar.string_formats import FORMATS, StringFormat

SECONDS = 2.0  # of CPU time; a megabyte takes less
MOST_VIOLATIONS = 1000


@dataclass(frozen=True)
class Violation:
    """A part of a finished document that violates its schema: `pointer` leads into the document."""

    pointer: str
    keyword: str
    message: str


def make_validator(
    schema: Schema, dialect: str, options: Options, keywords: KeywordTable, *, allows_nullable: bool
) -> Validator:
    """jsonschema's validator for the schema, with the table's keywords. Nothing remote is fetched."""
    formats = _Checker(_format_checker().checkers if options.assert_formats else {}, options.texts)
    return _validator_class(DIALECTS[dialect], keywords, allows_nullable)(
        schema, registry=REGISTRY, format_checker=formats
    )


class _Checker(FormatChecker):
    """What the checks of all subschemas share: jsonschema hands it on. `texts`: as in `Options`."""

    def __init__(self, checkers: Any, texts: Texts | None) -> None:
        super().__init__(())
        self.checkers = checkers
        self.texts = texts


def find_violations(validator: Validator, instance: Any) -> tuple[Violation, ...]:
    """The document's violations, in jsonschema's order, up to MOST_VIOLATIONS."""
    violations: list[Violation] = []
    try:
        with time_budget(SECONDS):
            violations += map(_violation, islice(validator.iter_errors(instance), MOST_VIOLATIONS))
    except BudgetExceeded:
        violations.append(Violation("", "", f"the document couldn't be checked within {SECONDS:g} s of CPU time"))
    except RecursionError:
        violations.append(Violation("", "", "the document is nested too deeply to be checked"))
    return tuple(violations)


def _violation(error: ValidationError) -> Violation:
    return Violation(pointer(tuple(error.absolute_path)), str(error.validator), cut(error.message, MESSAGE_LENGTH))


_INTEGER = {"draft4": is_draft4_integer}


@lru_cache(maxsize=16)
def _validator_class(dialect: Dialect, keywords: KeywordTable, allows_nullable: bool) -> type[Validator]:
    functions: dict[str, Any] = dict(dialect.validator.VALIDATORS)
    for name, row in keywords.rows.items():
        if row.check and row.asserts(dialect.name):
            functions[name] = partial(row.check, keywords)
        if row.revisits and name in functions:
            functions[name] = within_budget(functions[name])
    if allows_nullable:
        functions = {name: nullable(function) for name, function in functions.items()}
    types = dialect.validator.TYPE_CHECKER.redefine("integer", _INTEGER.get(dialect.name, is_any_integer))
    extended: Any = extend(dialect.validator, functions, type_checker=types)  # type: ignore[no-untyped-call]
    chosen = partial(_class_within, dialect, keywords, allows_nullable)
    extended.evolve = lambda validator, **changes: _evolve(validator, chosen, changes)
    return cast("type[Validator]", extended)


def _class_within(dialect: Dialect, keywords: KeywordTable, allows_nullable: bool, schema: Any) -> type[Validator]:
    return _validator_class(dialect_within(schema, dialect), keywords, allows_nullable)


def _evolve(validator: Any, class_within: Callable[[Any], type[Validator]], changes: dict[str, Any]) -> Validator:
    """As jsonschema's own, which takes its stock class for a schema with `$schema`, also for the root."""
    fields = {field.alias: getattr(validator, field.name) for field in attrs.fields(type(validator)) if field.init}
    schema = changes.get("schema", validator.schema)
    return class_within(schema)(**{**fields, **changes})


@lru_cache(maxsize=1)
def _format_checker() -> FormatChecker:
    checker = FormatChecker(())
    for known in FORMATS.values():
        checker.checks(known.name)(_asserted(known))
    return checker


def _asserted(known: StringFormat) -> Callable[[object], bool]:
    return lambda instance: not isinstance(instance, str) or known.matches(instance)
