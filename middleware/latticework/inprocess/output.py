"""A Python type as what an answer must be: fields of the request on the way there, a value on the way back.

Pydantic says what a type is as a JSON Schema, and reads its values. Outlines' terms (Regex, CFG, Choice, JsonSchema)
are known without Outlines, which may not be installed, by their names and what they hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

# What a format may be called.
NAMED = re.compile(r"[a-zA-Z0-9_-]{1,64}")
UNNAMED = "answer"


@dataclass(frozen=True)
class OutputType:
    """`fields` go into the request; `read` makes the finished answer's text a value, or raises ValidationError."""

    fields: Mapping[str, Any]
    read: Callable[[str], Any]


def output(type_: Any) -> OutputType:
    """None and `str` are free text. Raises what pydantic raises for a type that is none, or has no schema."""
    if type_ is None or type_ is str:
        return OutputType({}, str)
    if term := _term(type_):
        return TERMS[term](type_)
    adapter = TypeAdapter(type_)
    schema = adapter.json_schema(schema_generator=_Closed)
    return OutputType({"response_format": _json_schema_format(_format_name(type_), schema)}, adapter.validate_json)


def response_format(type_: Any) -> dict[str, Any]:
    """The `response_format` of a request whose answer is to be JSON of this type: what pydantic has a schema for
    (models, dataclasses, TypedDicts, Literals, enums, unions, lists, numbers ...), or Outlines' JsonSchema.

    Raises TypeError for what is no JSON: `complete` takes that too.
    """
    fields = output(type_).fields
    if "response_format" not in fields:
        said = f"'structured_outputs': {fields['structured_outputs']}" if fields else "no format at all"
        raise TypeError(f"{type_!r} is no JSON, and no response_format; a request says it as {said}")
    return dict(fields["response_format"])


class _Closed(GenerateJsonSchema):
    """What a class does not list, an answer does not have, unless the class says otherwise.

    Pydantic passes over it, so that an open object would cost tokens for nothing.
    """

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return _without_other_properties(super().model_schema(schema))

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        return _without_other_properties(super().dataclass_schema(schema))

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        return _without_other_properties(super().typed_dict_schema(schema))


def _without_other_properties(schema: JsonSchemaValue) -> JsonSchemaValue:
    return {"additionalProperties": False, **schema} if "properties" in schema else schema


def _json_schema_format(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}


def _format_name(type_: Any) -> str:
    name = getattr(type_, "__name__", "")
    return name if NAMED.fullmatch(name) else UNNAMED


def _term(type_: Any) -> str | None:
    """The name of an Outlines term's class. Those that are not in TERMS are made of others, and are all regular."""
    kinds = [kind for kind in type(type_).__mro__ if kind.__module__.partition(".")[0] == "outlines"]
    if not kinds:
        return None
    return kinds[0].__name__ if kinds[0].__name__ in TERMS else REGULAR


def _structured_type(kind: str, value: Any, read: Callable[[str], Any] = str) -> OutputType:
    return OutputType({"structured_outputs": {kind: value}}, read)


def _json_schema(term: Any) -> OutputType:
    schema = json.loads(term.schema) if isinstance(term.schema, str) else term.schema
    return OutputType({"response_format": _json_schema_format(UNNAMED, schema)}, json.loads)


def _choice_type(term: Any) -> OutputType:
    """Its items are told apart by how they are written."""
    items = {str(item): item for item in term.items}
    return _structured_type("choice", list(items), items.__getitem__)


def _regular(term: Any) -> OutputType:
    from outlines.types.dsl import to_regex

    return _structured_type("regex", to_regex(term))


REGULAR = "Term"
TERMS: Mapping[str, Callable[[Any], OutputType]] = {
    "Regex": lambda term: _structured_type("regex", term.pattern),
    "CFG": lambda term: _structured_type("grammar", term.definition),
    "Choice": _choice_type,
    "JsonSchema": _json_schema,
    REGULAR: _regular,
}
