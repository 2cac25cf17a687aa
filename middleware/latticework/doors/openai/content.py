"""From the fields that constrain the content of an answer to the one constraint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from latticework.ask import FREE_TEXT, Content
from latticework.doors.common.validation import refuse_fields
from latticework.doors.openai.fields.nested import OF_STRUCTURED_OUTPUTS, OF_TEXT_FORMATS
from latticework.doors.openai.types import (
    ContentRequest,
    FlatSchemaResponse,
    JsonObjectFormat,
    JsonSchemaResponse,
    ResponseFormat,
    StructuredOutputs,
    TextFormat,
)
from latticework.errors import BadRequest
from latticework.http.body import decode_object
from turngrammar.turn import ANY_OBJECT, ClientGrammar, JsonContent

FLAT_POINTER = "/response_format/schema"


def content_of(request: ContentRequest) -> Content:
    """Raises BadRequest if two fields constrain the content."""
    return one_content(
        {name: read(value) for name, read in READ.items() if (value := getattr(request, name)) is not None}
    )


def one_content(contents: Mapping[str, Content]) -> Content:
    """The constraint, of those that the fields of these names set. Raises BadRequest if two do."""
    constrained = [name for name, content in contents.items() if content is not FREE_TEXT]
    if len(constrained) > 1:
        first, second = constrained[:2]
        raise BadRequest(f"'{second}' and '{first}' can't both be set.", param=second)
    return contents[constrained[0]] if constrained else FREE_TEXT


def _of_response_format(format: ResponseFormat) -> Content:
    """Without a JSON Schema, any object."""
    match format:
        case TextFormat():
            refuse_fields(format, OF_TEXT_FORMATS, "response_format")
            return FREE_TEXT
        case JsonObjectFormat(schema_=schema):
            refuse_fields(format, OF_TEXT_FORMATS, "response_format")
            return any_object("/response_format") if schema is None else document_content(schema, FLAT_POINTER)
        case JsonSchemaResponse(json_schema=form):
            refuse_fields(format, {"schema": OF_TEXT_FORMATS["schema"]}, "response_format")
            return document_content(ANY_OBJECT if form.schema_ is None else form.schema_, SCHEMA_POINTER)
        case FlatSchemaResponse(schema_=schema):
            return document_content(schema, FLAT_POINTER)


SCHEMA_POINTER = "/response_format/json_schema/schema"


def of_structured_outputs(outputs: StructuredOutputs) -> Content:
    refuse_fields(outputs, OF_STRUCTURED_OUTPUTS, "structured_outputs")
    given = [(name, value) for name in KINDS if (value := getattr(outputs, name)) not in (None, False)]
    unknown = outputs.model_extra.keys() - OF_STRUCTURED_OUTPUTS.keys() if outputs.model_extra else ()
    if unknown or len(given) != 1:
        raise BadRequest(
            "'structured_outputs' must have exactly one of json, json_object, regex, choice and grammar.",
            param="structured_outputs",
        )
    name, value = given[0]
    pointer = f"/structured_outputs/{name.rstrip('_')}"
    return KINDS[name](value, pointer)


def document_content(schema: Mapping[str, Any], pointer: str) -> Content:
    return Content(JsonContent(dict(schema), pointer), in_prompt=True)


def any_object(pointer: str) -> Content:
    """JSON mode. The messages describe the document, not the prompt's schema."""
    return Content(JsonContent(ANY_OBJECT, pointer))


def _schema_or_text(value: Any, pointer: str) -> Content:
    """vLLM and SGLang also accept a schema as JSON text."""
    name = pointer[1:].replace("/", ".")
    try:
        schema = decode_object(value.encode(), f"'{name}'") if isinstance(value, str) else value
    except BadRequest as error:
        raise BadRequest(error.message, param=name) from None
    return document_content(schema, pointer)


def _of_format(value: Any) -> Content:
    """Ollama's: "json" or a schema. Its clients send "" for none."""
    if value == "":
        return FREE_TEXT
    if value == "json":
        return any_object("/format")
    if isinstance(value, str):
        raise BadRequest("'format' must be 'json' or a JSON Schema.", param="format")
    return document_content(value, "/format")


def _of_grammar(value: str, name: str) -> Content:
    """llama.cpp's clients send "" for none."""
    return _client_grammar("grammar", value, f"/{name}") if value else FREE_TEXT


def _client_grammar(kind: Any, value: Any, pointer: str) -> Content:
    return Content(ClientGrammar(kind, value, pointer))


KINDS: Mapping[str, Callable[[Any, str], Content]] = {
    "json_": _schema_or_text,
    "json_object": lambda value, pointer: any_object(pointer),
    "regex": partial(_client_grammar, "regex"),
    "choice": lambda value, pointer: _client_grammar("choice", tuple(value), pointer),
    "grammar": partial(_client_grammar, "grammar"),
}

# By field of the request. vLLM's, llama.cpp's, SGLang's and Ollama's fields are the same constraints by other names.
READ: Mapping[str, Callable[[Any], Content]] = {
    "response_format": _of_response_format,
    "structured_outputs": of_structured_outputs,
    "json_schema": partial(_schema_or_text, pointer="/json_schema"),
    "regex": partial(_client_grammar, "regex", pointer="/regex"),
    "grammar": partial(_of_grammar, name="grammar"),
    "ebnf": partial(_of_grammar, name="ebnf"),
    "format": _of_format,
}
