"""The fields of a response's request: honoured, refused by name, or ignored and named."""

from __future__ import annotations

from typing import Any

import pytest

from latticework import create_app
from tests.http import send
from tests.latticework.doors.responses.responding import ADD, respond, scripted, serving, whole
from tests.scripted import says

REFUSED: dict[str, Any] = {
    "background": True,
    "conversation": "conv_1",
    "prompt": {"id": "pmpt_1"},
    "context_management": [{"type": "compaction"}],
    "truncation": "auto",
    "messages": [],
    "response_format": {"type": "json_object"},
    "max_tokens": 5,
    "n": 2,
    "logprobs": True,
    "guided_json": {},
    "best_of": 2,
}


@pytest.mark.parametrize("field", REFUSED, ids=str)
def test_refused_by_name(field: str) -> None:
    response = respond(serving("x"), **{field: REFUSED[field]})
    assert (response.status_code, response.json()["error"]["param"]) == (400, field)


def test_what_changes_nothing() -> None:
    neutral: dict[str, Any] = {
        "background": False,
        "conversation": None,
        "truncation": "disabled",
        "n": 1,
        "tools": [],
        "include": [],
    }
    echoed: dict[str, Any] = {
        "metadata": {"a": "b"},
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "max_output_tokens": 50,
        "temperature": 0.5,
        "top_p": 0.9,
        "parallel_tool_calls": False,
        "max_tool_calls": 3,
        "instructions": "Be short.",
    }
    body = whole(serving("x"), **neutral, **echoed, service_tier="auto")
    assert {name: body[name] for name in echoed} == echoed
    response = respond(serving("x"), text={"verbosity": "low"}, reasoning={"summary": "auto"}, colour="red")
    assert response.headers["x-latticework-ignored"] == "colour, text.verbosity, reasoning.summary"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no input": ({"input": None}, "input"),
    "an include": ({"include": ["everything"]}, "include[0]"),
    "a limit": ({"max_output_tokens": 0}, "max_output_tokens"),
    "a format": ({"text": {"format": {"type": "xml"}}}, "text.format"),
    "an effort": ({"reasoning": {"effort": "some"}}, "reasoning.effort"),
    "a temperature": ({"temperature": 3}, "temperature"),
    "too long": ({"input": "x" * 1_500_000}, "input"),
    "metadata": ({"metadata": {"a": 1}}, "metadata.a"),
}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_the_error_names_the_parameter(case: str) -> None:
    fields, param = WRONG[case]
    response = respond(serving("x"), **fields)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param


def test_the_tokens_of_a_prompt() -> None:
    """As many as the request itself has."""
    app = serving("hello")
    for fields in ({"input": "hi"}, {"input": "hi", "tools": [ADD]}, {"input": "hi", "instructions": "Be short."}):
        counted = send(app, "POST", "/v1/responses/input_tokens", json={"model": "scripted", **fields}).json()
        assert counted["object"] == "response.input_tokens"
        assert counted["input_tokens"] == whole(app, **fields)["usage"]["input_tokens"]
    first = whole(app)["id"]
    later = {"input": "more", "previous_response_id": first}
    counted = send(app, "POST", "/v1/responses/input_tokens", json=later).json()
    assert counted["input_tokens"] == whole(app, **later)["usage"]["input_tokens"]


def test_our_own_fields() -> None:
    engine = scripted(says("x", finish="length"))
    app = create_app(engine)
    assert respond(app, structured_outputs={"choice": ["xy", "z"]}, top_k=5, seed=3).status_code == 200
    assert (engine.asked[0].top_k, engine.asked[0].seed) == (5, 3)
    assert engine.asked[0].grammar is not None
    sources = whole(serving("x"), token_sources=True)
    assert "token_sources" in sources or sources["output"]
    closed = whole(
        serving('{"n": 1', finish="length"),
        text={"format": {"type": "json_schema", "name": "n", "schema": ADD["parameters"]}},
        truncation="complete",
    )
    assert (closed["status"], closed["output"][0]["content"][0]["text"]) == ("completed", '{"n": 1}')
