"""JSON Schema: what a grammar can enforce of it, and what the finished document is checked against."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, validator_for

from grammars.errors import InvalidSchema

Schema = Mapping[str, Any] | bool
Status = Literal["enforced", "rewritten", "checked", "annotation", "refused"]

CANONICAL_WHITESPACE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


@dataclass(frozen=True)
class Finding:
    """What became of one keyword of a schema."""

    pointer: str
    keyword: str
    status: Status
    reason: str


@dataclass(frozen=True)
class Violation:
    """One place where a finished document breaks its schema."""

    pointer: str
    keyword: str
    message: str


@dataclass(frozen=True)
class SchemaPlan:
    """A schema, ready to generate by and to check with."""

    schema: Schema
    lowered: Schema
    report: tuple[Finding, ...] = ()

    @cached_property
    def json(self) -> str:
        """The text after `%json ` in an llguidance Lark grammar."""
        lowered = {} if self.lowered is True else self.lowered
        return json.dumps({"x-guidance": CANONICAL_WHITESPACE, **lowered}, ensure_ascii=False)

    @cached_property
    def _validator(self) -> Validator:
        return validator_for(self.schema, default=Draft202012Validator)(self.schema)

    def violations(self, instance: Any) -> tuple[Violation, ...]:
        """Everything jsonschema finds wrong with a finished document, in document order."""
        return tuple(
            Violation("".join(f"/{part}" for part in error.absolute_path), str(error.validator), error.message)
            for error in self._validator.iter_errors(instance)
        )


def compile_schema(schema: Schema) -> SchemaPlan:
    """Raises InvalidSchema where jsonschema's meta-validation does."""
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        pointer = "".join(f"/{part}" for part in error.absolute_path)
        raise InvalidSchema(error.message, pointer=pointer, keyword=str(error.validator)) from error
    return SchemaPlan(schema, schema)
