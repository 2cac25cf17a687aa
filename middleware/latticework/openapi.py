"""`GET /openapi.json`: what this server takes and answers, made of the very types that read and write it.

Types leave little unsaid; RULES says the rest of what `validation` and `answer` hold a request to. What only the model
can tell (a token's id, the length of the context) is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from latticework import errors
from latticework.errors import ApiError, ErrorResponse
from latticework.meanings import MEANINGS
from latticework.protocol import ChatRequest, GrammarRequest
from latticework.responses import ChatCompletion, Chunk, Grammar, Health, ModelCard, ModelList
from latticework.validation import REFUSED
from latticework.version import VERSION

JSON, EVENTS, TEXT, HTML = "application/json", "text/event-stream", "text/plain", "text/html"
REF = "#/components/schemas/{}"
# Documents that are kept. A host may mount an app under a path that its clients choose, such as /{tenant}/llm.
ROOTS = 8

Schema = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One method of one path. `answers`: of which types a 200 is, by media type.

    `guarded`: it needs a key, if the server has any.
    """

    method: str
    path: str
    summary: str
    answers: Mapping[str, tuple[Any, ...]]
    request: type[BaseModel] | None = None
    errors: tuple[type[ApiError], ...] = ()
    guarded: bool = False


OURS = (errors.ServerFault, errors.Unavailable)
BUSY = (errors.Overloaded, errors.TimedOut)
THEIRS = (
    errors.Unauthorized,
    errors.BadRequest,
    errors.UnknownModel,
    errors.SlowRequest,
    errors.TooLarge,
    errors.RateLimited,
)
BROKEN = (errors.BrokenGuarantee, errors.SchemaViolation)

OPERATIONS = (
    Operation(
        "post",
        "/v1/chat/completions",
        "The next turn of a conversation. With `stream`, as events: chunks and then `[DONE]`, or an error.",
        {JSON: (ChatCompletion,), EVENTS: (Chunk, ErrorResponse)},
        ChatRequest,
        (*THEIRS, *BROKEN, *OURS, *BUSY),
        guarded=True,
    ),
    Operation(
        "post",
        "/v1/grammars",
        "What a request compiles to, and what becomes of each keyword of its schemas.",
        {JSON: (Grammar,)},
        GrammarRequest,
        (*THEIRS, *OURS),
        guarded=True,
    ),
    Operation(
        "get", "/v1/models", "The models.", {JSON: (ModelList,)}, None, (errors.Unauthorized, *OURS), guarded=True
    ),
    Operation(
        "get",
        "/v1/models/{name}",
        "One model.",
        {JSON: (ModelCard,)},
        None,
        (errors.Unauthorized, errors.UnknownModel, *OURS),
        guarded=True,
    ),
    Operation("get", "/health", "Whether requests can be served.", {JSON: (Health,)}, None, OURS),
    Operation(
        "get", "/metrics", "What the engines count, for Prometheus.", {TEXT: (str,)}, None, (errors.ServerFault,)
    ),
    Operation(
        "get", "/playground", "A page to try it on, where it is served.", {HTML: (str,)}, None, (errors.UnknownRoute,)
    ),
    Operation("get", "/openapi.json", "This document.", {JSON: (dict[str, Any],)}, None, (errors.ServerFault,)),
)


def _given(name: str) -> Schema:
    """As an explicit null, false is the same as leaving a field of `structured_outputs` out."""
    return {"required": [name], "properties": {name: {"not": {"enum": [None, False]}}}}


def _needs(name: str, other: str) -> Schema:
    """A field that says something only where another is true."""
    unsaid = {"properties": {name: {"type": "null"}}}
    return {"anyOf": [unsaid, {"required": [other], "properties": {other: {"const": True}}}]}


# By component, beside what the types say.
RULES: Mapping[str, Schema] = {
    "ChatRequest": {"allOf": [_needs("top_logprobs", "logprobs"), _needs("stream_options", "stream")]},
    "StructuredOutputs": {
        "additionalProperties": False,
        "oneOf": [_given(name) for name in ("json", "json_object", "regex", "choice", "grammar")],
    },
}
# By component, what is to be said of a property in place of its type.
PROPERTIES: Mapping[str, Mapping[str, Schema]] = {
    "ChatRequest": {
        **{name: {"enum": [None, False], "description": f"Refused: it {why}"} for name, why in REFUSED.items()},
        "modalities": {"anyOf": [{"type": "array", "items": {"const": "text"}}, {"type": "null"}]},
        "stop": {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}},
                {"type": "null"},
            ]
        },
    },
}
# Components whose fields have meanings.
REQUESTS = frozenset(operation.request.__name__ for operation in OPERATIONS if operation.request is not None)
# Read, so that the refusal can say what it is.
HIDDEN = REF.format("OtherPart")
# Pydantic's names of bounds where it has no JSON type to put them to: of a union.
BOUNDS: Mapping[str, str] = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


class _Untitled(GenerateJsonSchema):
    """A field's title would be its name once more."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def get_title_from_name(self, name: str) -> str:
        return name


@lru_cache(ROOTS)
def document(root: str) -> bytes:
    """The document as JSON, of an app that is mounted at `root`, "" where it is not."""
    described: Schema = {
        "openapi": "3.1.0",
        "info": {"title": "latticework", "version": VERSION},
        "servers": [{"url": quote(root) or "/"}],
        "paths": _paths(),
        "components": {
            "schemas": _components(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(described)


def _paths() -> Schema:
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return paths


def _described(operation: Operation) -> Schema:
    described: Schema = {"summary": operation.summary, "responses": dict(_responses(operation))}
    if operation.request is not None:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": {"$ref": REF.format(operation.request.__name__)}}},
        }
    if "{name}" in operation.path:
        described["parameters"] = [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}]
    if operation.guarded:
        described["security"] = [{"key": []}, {}]
    return described


def _responses(operation: Operation) -> Iterator[tuple[str, Schema]]:
    yield "200", {"description": "The answer.", "content": _content(operation.answers)}
    for status in sorted({error.status for error in operation.errors}):
        kinds = [error for error in operation.errors if error.status == status]
        told = ", ".join(error.code or error.type for error in kinds)
        yield str(status), {"description": told, "content": _content({JSON: (ErrorResponse,)})}


def _content(answers: Mapping[str, tuple[Any, ...]]) -> Schema:
    return {media: {"schema": _either(kinds)} for media, kinds in answers.items()}


def _either(kinds: tuple[Any, ...]) -> Schema:
    schemas = msgspec.json.schema_components(kinds, ref_template=REF.format("{name}"))[0]
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


def _components() -> dict[str, Schema]:
    """Raises ValueError for two types of one name."""
    requests = [operation.request for operation in OPERATIONS if operation.request is not None]
    _, made = models_json_schema(
        [(request, "validation") for request in requests],
        ref_template=REF.format("{model}"),
        schema_generator=_Untitled,
    )
    shown = {name: schema for name, schema in made["$defs"].items() if REF.format(name) != HIDDEN}
    taken = {name: _ruled(name, _cleaned(schema)) for name, schema in shown.items()}
    kinds = {kind for operation in OPERATIONS for given in operation.answers.values() for kind in given}
    answered = msgspec.json.schema_components([*kinds, ErrorResponse], ref_template=REF.format("{name}"))[1]
    if both := taken.keys() & answered.keys():
        raise ValueError(f"two types are called {both}")
    return {**taken, **answered}


def _ruled(name: str, schema: Schema) -> Schema:
    properties = {**schema.get("properties", {}), **PROPERTIES.get(name, {})}
    if name in REQUESTS:
        properties = {field: _meaning(field, told) for field, told in properties.items()}
    return {**schema, "properties": properties, **RULES.get(name, {})}


def _meaning(field: str, schema: Schema) -> Schema:
    """What is refused says so itself."""
    return {"description": MEANINGS[field], **schema} if field in MEANINGS else schema


def _cleaned(schema: Any) -> Any:
    """Bounds by their names in JSON Schema, and nothing of what is hidden."""
    if isinstance(schema, list):
        return [_cleaned(item) for item in schema if item != {"$ref": HIDDEN}]
    if not isinstance(schema, dict):
        return schema
    names = BOUNDS if "anyOf" in schema else {}
    return {names.get(key, key): _cleaned(value) for key, value in schema.items() if value != HIDDEN}
