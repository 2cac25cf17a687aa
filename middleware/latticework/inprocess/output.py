"""A Python type as the format of an answer: fields for the request, and a parser for the answer.

Pydantic makes the JSON Schema of a type and parses its values. Outlines' terms (Regex, CFG, Choice, JsonSchema) are
recognized by class name and attributes, because Outlines may not be installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from turngrammar.terminals.strings import SOURCE

# Names that OpenAI's own API takes as well.
NAMED = re.compile(r"[a-zA-Z0-9_-]{1,64}")
UNNAMED = "answer"


class Quote:
    """`Annotated[str, Quote]`: a string that is copied from the user's text, word for word."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), SOURCE: True}


@dataclass(frozen=True)
class OutputType:
    """`fields` go into the request; `read` parses the finished answer's text, or raises ValidationError."""

    fields: Mapping[str, Any]
    read: Callable[[str], Any]


def output(type_: Any) -> OutputType:
    """None and `str` are free text. Raises pydantic's errors for types without a schema."""
    if type_ is None or type_ is str:
        return OutputType({}, str)
    if term := _term(type_):
        return TERMS[term](type_)
    adapter = TypeAdapter(type_)
    schema = adapter.json_schema(schema_generator=_Closed)
    return OutputType({"response_format": _json_schema_format(_format_name(type_), schema)}, adapter.validate_json)


def response_format(type_: Any) -> dict[str, Any]:
    """The `response_format` for answers of this type: any type with a pydantic schema (models, dataclasses,
    TypedDicts, Literals, enums, unions, lists, numbers ...), or Outlines' JsonSchema.

    Raises TypeError for a type that is not JSON, such as a Regex, which `complete` accepts.
    """
    fields = output(type_).fields
    if "response_format" not in fields:
        instead = f"'structured_outputs': {fields['structured_outputs']}" if fields else "no format"
        raise TypeError(f"{type_!r} has no response_format, because it is not JSON; use {instead} in the request")
    return dict(fields["response_format"])


class _Closed(GenerateJsonSchema):
    """Objects without other properties than the class's, unless the class allows them.

    Pydantic ignores other properties, so generating them would waste tokens.
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
    """The name of an Outlines term's class. Classes that are not in TERMS combine others, and are all regular."""
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
    """The items are distinguished by their text."""
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
