"""What the content must be: `response_format`, or vLLM's `structured_outputs`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from latticework.ask import FREE_TEXT, Content
from latticework.doors.openai.types import (
    ContentRequest,
    JsonObjectFormat,
    JsonSchemaResponse,
    StructuredOutputs,
    TextFormat,
)
from latticework.errors import BadRequest
from turngrammar.turn import ANY_OBJECT, ClientGrammar, JsonContent

SCHEMA_POINTER = "/response_format/json_schema/schema"
JSON_MODE = Content(JsonContent(ANY_OBJECT, "/response_format"))


def content_of(request: ContentRequest) -> Content:
    """Raises BadRequest for two at once."""
    formatted = _of_response_format(request)
    structured = request.structured_outputs
    if structured is None:
        return formatted
    if formatted is not FREE_TEXT:
        raise BadRequest("'structured_outputs' and 'response_format' exclude each other.", param="structured_outputs")
    return _of_structured_outputs(structured)


def _of_response_format(request: ContentRequest) -> Content:
    """A JSON schema that is left out is any object."""
    match request.response_format:
        case None | TextFormat():
            return FREE_TEXT
        case JsonObjectFormat():
            return JSON_MODE
        case JsonSchemaResponse(json_schema=form):
            schema = ANY_OBJECT if form.schema_ is None else form.schema_
            return Content(JsonContent(schema, SCHEMA_POINTER), in_prompt=True)


def _of_structured_outputs(outputs: StructuredOutputs) -> Content:
    given = [(name, value) for name in READ if (value := getattr(outputs, name)) not in (None, False)]
    if outputs.model_extra or len(given) != 1:
        raise BadRequest(
            "'structured_outputs' must have exactly one of json, json_object, regex, choice and grammar.",
            param="structured_outputs",
        )
    name, value = given[0]
    pointer = f"/structured_outputs/{name.rstrip('_')}"
    return READ[name](value, pointer)


def _schema_or_text(value: Any, pointer: str) -> Content:
    """vLLM takes a schema as JSON text too."""
    try:
        schema = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise BadRequest(f"The schema is not JSON: {error}", param="structured_outputs.json") from None
    if not isinstance(schema, dict):
        raise BadRequest("The schema must be an object.", param="structured_outputs.json")
    return Content(JsonContent(schema, pointer), in_prompt=True)


READ: Mapping[str, Callable[[Any, str], Content]] = {
    "json_": _schema_or_text,
    "json_object": lambda value, pointer: Content(JsonContent(ANY_OBJECT, pointer)),
    "regex": lambda value, pointer: Content(ClientGrammar("regex", value, pointer)),
    "choice": lambda value, pointer: Content(ClientGrammar("choice", tuple(value), pointer)),
    "grammar": lambda value, pointer: Content(ClientGrammar("grammar", value, pointer)),
}
