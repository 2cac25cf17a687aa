"""`GET /openapi.json`: requests and responses, generated from the types that decode and encode them.

An operation's `rules` add the constraints that the types lack. Constraints that depend on the model (token ids, context
length) are not in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from latticework import errors
from latticework.doors import JSON, Door, Endpoint, Operation
from latticework.doors.envelopes import ANTHROPIC
from latticework.doors.openai import error_type
from latticework.models import Models
from latticework.settings import Settings
from latticework.version import VERSION

REF = "#/components/schemas/{}"
# Cached documents. A host may mount an app under a path that its clients choose, such as /{tenant}/llm.
ROOTS = 8

Schema = dict[str, Any]


# Parsed only for a precise error message.
HIDDEN = REF.format("OtherPart")
# Pydantic's names of the bounds of a union, which has no single JSON type.
BOUNDS: Mapping[str, str] = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


class _Untitled(GenerateJsonSchema):
    """Without titles, which would repeat the fields' names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def get_title_from_name(self, name: str) -> str:
        return name


@lru_cache(ROOTS)
def openapi_document(doors: tuple[Door, ...], root: str) -> bytes:
    """The document as JSON, of an app with these doors mounted at `root`, or "" if it is not mounted."""
    described: Schema = {
        "openapi": "3.1.0",
        "info": {"title": "latticework", "version": VERSION},
        "servers": [{"url": quote(root) or "/"}],
        "paths": _paths(doors),
        "components": {
            "schemas": _components(doors),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(described)


def _paths(doors: Sequence[Door]) -> Schema:
    paths: dict[str, Schema] = {}
    for door in doors:
        paths.setdefault(door.operation.path, {})[door.operation.method] = _path_item(door)
    return paths


def _path_item(door: Door) -> Schema:
    operation = door.operation
    described: Schema = {"summary": operation.summary, "responses": dict(_responses(door))}
    if operation.request is not None:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": {"$ref": REF.format(operation.request.__name__)}}},
        }
    names = re.findall(r"\{(\w+)\}", operation.path)
    in_path = ({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names)
    if parameters := [*in_path, *operation.parameters]:
        described["parameters"] = parameters
    if operation.guarded:
        described["security"] = [{"key": []}, {}]
    return described


def _responses(door: Door) -> Iterator[tuple[str, Schema]]:
    operation = door.operation
    yield "200", {"description": "Success.", "content": _media_types(operation.responses)}
    for status in sorted({error.status for error in operation.errors}):
        kinds = [error for error in operation.errors if error.status == status]
        codes = ", ".join(error.default_code or error_type(error) for error in kinds)
        yield str(status), {"description": codes, "content": _media_types({JSON: _envelopes(door)})}


def _envelopes(door: Door) -> tuple[type[Any], ...]:
    """The door's own, and the one that clients of Anthropic's get from any door."""
    return tuple(dict.fromkeys((door.envelope.type, ANTHROPIC.type)))


def _media_types(answers: Mapping[str, tuple[Any, ...]]) -> Schema:
    return {media: {"schema": _either(kinds)} for media, kinds in answers.items()}


def _either(kinds: tuple[Any, ...]) -> Schema:
    schemas = msgspec.json.schema_components(kinds, ref_template=REF.format("{name}"))[0]
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


def _components(doors: Sequence[Door]) -> dict[str, Schema]:
    """Raises ValueError for two types of one name."""
    operations = [door.operation for door in doors]
    requests = [operation.request for operation in operations if operation.request is not None]
    _, made = models_json_schema(
        [(request, "validation") for request in requests],
        ref_template=REF.format("{model}"),
        schema_generator=_Untitled,
    )
    shown = {name: schema for name, schema in made["$defs"].items() if REF.format(name) != HIDDEN}
    docs = {operation.request.__name__: operation.field_docs for operation in operations if operation.request}
    rules = {name: rule for operation in operations for name, rule in operation.rules.items()}
    taken = {name: _ruled(_cleaned(schema), rules.get(name, {}), docs.get(name, {})) for name, schema in shown.items()}
    kinds = {kind for operation in operations for given in operation.responses.values() for kind in given}
    kinds |= {kind for door in doors for kind in _envelopes(door)}
    answered = msgspec.json.schema_components(kinds, ref_template=REF.format("{name}"))[1]
    if both := taken.keys() & answered.keys():
        raise ValueError(f"two types have the name {both}")
    return {**taken, **answered}


def _ruled(schema: Schema, rules: Schema, docs: Mapping[str, str]) -> Schema:
    """The schema with its rules, and descriptions of the fields without one."""
    properties = {**schema.get("properties", {}), **rules.get("properties", {})}
    properties = {
        field: {"description": docs[field], **described} if field in docs else described
        for field, described in properties.items()
    }
    return {**schema, **rules, "properties": properties}


def _cleaned(schema: Any) -> Any:
    """The schema with JSON Schema's names of bounds, and without hidden types."""
    if isinstance(schema, list):
        return [_cleaned(item) for item in schema if item != {"$ref": HIDDEN}]
    if not isinstance(schema, dict):
        return schema
    names = BOUNDS if "anyOf" in schema else {}
    return {names.get(key, key): _cleaned(value) for key, value in schema.items() if value != HIDDEN}


def openapi_door(doors: Sequence[Door]) -> Door:
    """The door that describes these doors and itself."""
    operation = Operation(
        "get", "/openapi.json", "This document.", {JSON: (dict[str, Any],)}, errors=(errors.ServerFault,)
    )

    def endpoint(models: Models, settings: Settings) -> Endpoint:
        async def describe(request: Request) -> Response:
            root = request.scope.get("root_path", "")
            return Response(openapi_document(described, root), media_type="application/json")

        return describe

    door = Door(operation, endpoint)
    described = (*doors, door)
    return door
