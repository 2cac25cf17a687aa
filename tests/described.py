"""What an app says of itself in `/openapi.json`, held against what it takes and what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator

from latticework.app import DOORS, OPERATIONS
from latticework.doors import EVENTS, JSON, Operation, openapi

DOCUMENT: dict[str, Any] = json.loads(openapi.openapi_document(DOORS, ""))


@cache
def component(name: str) -> Validator:
    """Of one of the document's schemas."""
    return Draft202012Validator({"$ref": openapi.REF.format(name), "components": DOCUMENT["components"]})


def check(response: httpx.Response) -> None:
    """Raises AssertionError where a request was taken, or a response given, that the document does not describe."""
    operation = found(response.request.method, response.request.url.path)
    if operation is None:
        return
    if response.status_code == 200 and operation.request is not None:
        assert errors(operation.request.__name__, json.loads(response.request.content)) == []
    responses = DOCUMENT["paths"][operation.path][operation.method]["responses"]
    described = responses[str(response.status_code)]["content"]
    media = response.headers["content-type"].partition(";")[0]
    assert media in described, f"{response.status_code} as {media}"
    validator = Draft202012Validator({**described[media]["schema"], "components": DOCUMENT["components"]})
    for value in values(media, response.text):
        validator.validate(value)


def found(method: str, path: str) -> Operation | None:
    """The operation that answers a request, whatever the app is mounted at."""
    for operation in OPERATIONS:
        pattern = re.escape(operation.path).replace(r"\{name\}", ".+").replace(r"\{id\}", "[^/]+")
        if operation.method == method.lower() and re.fullmatch(pattern, path):
            return operation
    return None


def errors(name: str, value: Any) -> list[str]:
    """What a component has against a value."""
    return [error.message for error in component(name).iter_errors(value)]


def values(media: str, text: str) -> Iterator[Any]:
    """The JSON values in a response."""
    if media == JSON:
        yield json.loads(text)
    elif media == EVENTS:
        data = (event.partition("data: ")[2] for event in text.split("\n\n") if event)
        yield from (json.loads(event) for event in data if event != "[DONE]")
