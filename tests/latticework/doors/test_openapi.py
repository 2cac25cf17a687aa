"""The document that the server serves about itself: complete, valid, and true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema.validators import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from benchmarks import workload
from latticework import create_app, errors
from latticework.app import OPERATIONS
from latticework.doors import completions, openapi
from latticework.doors.chat.request import ChatRequest
from latticework.doors.envelopes import Envelope
from latticework.doors.openai import field_docs
from latticework.errors import ApiError
from tests import described
from tests.e2e import test_bad_input, test_chat, test_drafts, test_stream, test_tools
from tests.http import send
from tests.scripted import ScriptedEngine, says

README = (Path(__file__).parents[3] / "README.md").read_text()
# They come before it is known what is asked for.
OF_NO_OPERATION = {errors.UnknownRoute, errors.WrongMethod, errors.HeadTooLarge}


def routed(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Mount):
            yield from routed(list(route.routes), prefix + route.path)
        elif isinstance(route, Route):
            path = re.sub(r":\w+\}", "}", prefix + route.path)
            yield from ((method.lower(), path) for method in route.methods or () if method != "HEAD")


def kinds(root: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_route_is_described_and_nothing_else() -> None:
    app = create_app(ScriptedEngine(says("hi")))
    assert sorted(routed(app.routes)) == sorted((one.method, one.path) for one in OPERATIONS)


def test_every_error_is_described_but_those_of_no_operation() -> None:
    told = {status for one in OPERATIONS for status in (error.status for error in one.errors)}
    assert {kind.status for kind in set(kinds()) - OF_NO_OPERATION} - told == set()


def test_every_field_of_a_request_says_what_it_means() -> None:
    assert field_docs.CHAT.keys() == set(ChatRequest.model_fields)
    for name in ("ChatRequest", "GrammarRequest"):
        properties = described.DOCUMENT["components"]["schemas"][name]["properties"]
        assert [field for field, schema in properties.items() if not schema.get("description")] == []


def test_it_is_valid() -> None:
    Draft202012Validator(OPENAPI_31).validate(described.DOCUMENT)
    for name, schema in described.DOCUMENT["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        described.errors(name, {})  # a reference into nothing would raise


class EchoError(msgspec.Struct):
    """Another API's envelope."""

    echo: str


def test_a_doors_own_envelope_is_described() -> None:
    door = replace(completions.DOOR, envelope=Envelope(lambda error, request_id: b"", EchoError))
    document = json.loads(openapi.openapi_document((door,), ""))
    assert "EchoError" in document["components"]["schemas"]
    assert named_components(document) <= set(document["components"]["schemas"])
    assert named_components(described.DOCUMENT) <= set(described.DOCUMENT["components"]["schemas"])


def named_components(document: dict[str, Any]) -> set[str]:
    return set(re.findall(re.escape(openapi.REF.format("")) + r"(\w+)", json.dumps(document)))


def test_a_mounted_app_says_where_it_is() -> None:
    app = create_app(ScriptedEngine(says("hi")))
    assert send(app, "GET", "/openapi.json").json()["servers"] == [{"url": "/"}]
    host = Starlette(routes=[Mount("/llm", app)])
    assert send(host, "GET", "/llm/openapi.json").json()["servers"] == [{"url": "/llm"}]


MODEL = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
OTHERS: dict[str, dict[str, Any]] = {
    "e2e chat": test_chat.ASK,
    "e2e drafts": test_drafts.EXTRACT,
    "e2e tools": test_tools.ASK,
    **{f"e2e stream, {name}": {**MODEL, **fields} for name, fields in test_stream.REQUESTS.items()},
    **{task.id: {**MODEL, **task.body} for task in workload.extraction(12)},
    "curl": json.loads(re.findall(r"-d '(.*?)'\n", README, re.DOTALL)[0]),
    "one stop": {**MODEL, "stop": "x"},
    "an unknown field": {**MODEL, "nobody_knows": 1},
    "nulls": {**MODEL, "stop": None, "tools": None, "functions": None, "n": None, "structured_outputs": None},
    "custom tools": {
        **MODEL,
        "tools": [
            {"type": "custom", "custom": {"name": "a"}},
            {
                "type": "custom",
                "custom": {
                    "name": "b",
                    "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a"}},
                },
            },
        ],
        "tool_choice": {"type": "custom", "custom": {"name": "a"}},
    },
}


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
def test_requests_of_ours_are_described(body: dict[str, Any]) -> None:
    assert described.errors("ChatRequest", body) == []


WRONG: dict[str, dict[str, Any]] = {
    **{f"e2e, {name}": test_bad_input.BAD[name][0] for name in ("an unknown role", "an image", "a top_p of 2")},
    **{f"e2e, {name}": test_bad_input.BAD[name][0] for name in ("wrong types", "a tool without a name")},
    "no messages": {"messages": []},
    "a temperature of 3": {"temperature": 3},
    "an empty stop": {"stop": ""},
    "top_logprobs alone": {"top_logprobs": 2},
    "stream_options alone": {"stream_options": {"include_usage": True}},
    "functions": {"functions": []},
    "sound": {"modalities": ["text", "audio"]},
    "two structured outputs": {"structured_outputs": {"regex": "a", "choice": ["a"]}},
    "no structured outputs": {"structured_outputs": {"json_object": False}},
    "a structured output that is none": {"structured_outputs": {"regex": "a", "structural_tag": "b"}},
}


@pytest.mark.parametrize("fields", WRONG.values(), ids=WRONG)
def test_requests_that_are_refused_are_not(fields: dict[str, Any]) -> None:
    app = create_app(ScriptedEngine(says("hi")))
    body = {**MODEL, "model": "scripted", **fields}
    assert described.errors("ChatRequest", body) != []
    assert send(app, "POST", "/v1/chat/completions", content=json.dumps(body)).status_code == 400
