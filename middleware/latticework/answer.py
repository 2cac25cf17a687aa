"""What a request's content must be: `response_format`, or vLLM's `structured_outputs`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from latticework.errors import BadRequest
from latticework.protocol import JsonObjectFormat, JsonSchemaResponse, StructuredOutputs, TextFormat, TurnRequest
from turngrammar.turn import ANY_OBJECT, ClientGrammar, JsonContent


@dataclass(frozen=True)
class Answer:
    """What the content must be; None: free text. `told` says whether its schema is worth telling the model."""

    content: JsonContent | ClientGrammar | None = None
    told: bool = False

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """Of the content. No API has true or false where a schema stands."""
        schema = self.content.schema if isinstance(self.content, JsonContent) else None
        return None if isinstance(schema, bool) else schema


SCHEMA_POINTER = "/response_format/json_schema/schema"
FREE_TEXT = Answer()
JSON_MODE = Answer(JsonContent(ANY_OBJECT, "/response_format"))


def answer(request: TurnRequest) -> Answer:
    """Raises BadRequest for two at once."""
    formatted = _formatted(request)
    structured = request.structured_outputs
    if structured is None:
        return formatted
    if formatted is not FREE_TEXT:
        raise BadRequest("'structured_outputs' and 'response_format' exclude each other.", param="structured_outputs")
    return _structured(structured)


def _formatted(request: TurnRequest) -> Answer:
    """A JSON schema that is left out is any object."""
    match request.response_format:
        case None | TextFormat():
            return FREE_TEXT
        case JsonObjectFormat():
            return JSON_MODE
        case JsonSchemaResponse(json_schema=asked):
            schema = ANY_OBJECT if asked.schema_ is None else asked.schema_
            return Answer(JsonContent(schema, SCHEMA_POINTER), told=True)


def _structured(asked: StructuredOutputs) -> Answer:
    given = [(name, value) for name in READ if (value := getattr(asked, name)) not in (None, False)]
    if asked.model_extra or len(given) != 1:
        raise BadRequest(
            "'structured_outputs' must have exactly one of json, json_object, regex, choice and grammar.",
            param="structured_outputs",
        )
    name, value = given[0]
    pointer = f"/structured_outputs/{name.rstrip('_')}"
    return READ[name](value, pointer)


def _json(value: Any, pointer: str) -> Answer:
    """vLLM takes a schema as JSON text too."""
    try:
        schema = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise BadRequest(f"The schema is not JSON: {error}", param="structured_outputs.json") from None
    if not isinstance(schema, dict):
        raise BadRequest("The schema must be an object.", param="structured_outputs.json")
    return Answer(JsonContent(schema, pointer), told=True)


READ: Mapping[str, Callable[[Any, str], Answer]] = {
    "json_": _json,
    "json_object": lambda value, pointer: Answer(JsonContent(ANY_OBJECT, pointer)),
    "regex": lambda value, pointer: Answer(ClientGrammar("regex", value, pointer)),
    "choice": lambda value, pointer: Answer(ClientGrammar("choice", tuple(value), pointer)),
    "grammar": lambda value, pointer: Answer(ClientGrammar("grammar", value, pointer)),
}
