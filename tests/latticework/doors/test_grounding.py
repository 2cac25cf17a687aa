"""Strings of answers that are copied from the user's text: every API, whole and streamed, under a random model."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from starlette.types import ASGIApp

from latticework import Settings, create_app
from tests.free import free_engine
from tests.http import events, send
from tests.scripted import ScriptedEngine, says

QUOTE = {"type": "string", "x-source": True}
NESTED = {
    "type": "object",
    "properties": {
        "a": {**QUOTE, "minLength": 1},
        "rows": {"type": "array", "items": {"anyOf": [{"type": "array", "items": QUOTE, "maxItems": 2}, QUOTE]}},
        "some": {"type": ["string", "null"], "x-source": True, "maxLength": 12, "minLength": 1},
        "kind": {"enum": ["note", "bill"]},
    },
    "required": ["a", "rows"],
}
# With the request's `grounding`.
PLAIN = {
    "type": "object",
    "properties": {
        "s": {"type": "string", "minLength": 1},
        "kind": {"enum": ["note"]},
        "any": {},
        "day": {"format": "date"},
    },
    "required": ["s", "any"],
}
LISTED = ("/kind", "/day")
PIECES = (
    *(
        "word ",
        "the ",
        "the ",
        "“said” ",
        '"q"',
        "back\\slash ",
        "tab\t",
        "\r\n",
        "\n",
        "😀 ",
        "👩‍👩‍👧 ",
        "e\u0301t ",
        "東京都 ",
    ),
    *("12,50 ", '{"json": 1} ', "<|im_end|>", "<b>x</b> ", "\x07", "\u2028", "\x7f", "it's ", "</tool_call> ", "null "),
)


@pytest.fixture(scope="module")
def app() -> ASGIApp:
    return create_app(free_engine())


def text_of(rng: random.Random) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.choice((1, 2, 6, 30))))


def conversation_of(rng: random.Random) -> list[dict[str, Any]]:
    """Two turns of the user's, of a text or of parts."""
    parts = [{"type": "text", "text": text_of(rng)} for _ in range(2)]
    answer = {"role": "assistant", "content": "never quoted"}
    return [{"role": "user", "content": text_of(rng)}, answer, {"role": "user", "content": parts}]


def named(body: Any, name: str) -> str:
    """The text of that name in a request."""
    for token in re.findall(r"\w+", name):
        body = body[int(token)] if token.isdigit() else body[token]
    assert isinstance(body, str)
    return body


def strings_in(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        token = str(key).replace("~", "~0").replace("/", "~1")
        yield from strings_in(item, f"{pointer}/{token}")


def check(document: Any, places: Mapping[str, Any], body: Any) -> int:
    """The number of strings with a place: all that are neither empty nor listed have one, and it is right."""
    strings = {pointer: text for pointer, text in strings_in(document) if text and not pointer.endswith(LISTED)}
    assert places.keys() == strings.keys()
    for pointer, place in places.items():
        assert named(body, place["source"])[place["start"] : place["end"]] == strings[pointer]
        assert place["count"] >= 1
    return len(places)


def post(app: ASGIApp, path: str, body: Any) -> Any:
    response = send(app, "POST", path, content=json.dumps(body))
    assert response.status_code == 200, response.text
    return response.json() if not body.get("stream") else response


def format_of(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def tools_of(schema: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": "note", "parameters": schema}}]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("calls", [False, True], ids=["document", "calls"])
def test_a_chat_has_the_place_of_each_string(app: ASGIApp, seed: int, calls: bool) -> None:
    rng = random.Random(f"{seed}{calls}")
    schema, grounding = rng.choice(((NESTED, None), (PLAIN, True)))
    asked = {"tools": tools_of(schema), "tool_choice": "required"} if calls else {"response_format": format_of(schema)}
    body = {"model": "scripted", "messages": conversation_of(rng), "grounding": grounding, "seed": seed, **asked}
    choice = post(app, "/v1/chat/completions", body)["choices"][0]
    chunks = events(post(app, "/v1/chat/completions", {**body, "stream": True}))[:-1]
    last = next(made for chunk in chunks for made in chunk["choices"] if made["finish_reason"])
    assert last["grounding"] == choice["grounding"]
    if calls:
        documents = [json.loads(call["function"]["arguments"]) for call in choice["message"]["tool_calls"]]
        for document, places in zip(documents, choice["grounding"]["calls"], strict=True):
            check(document, places, body)
    else:
        check(json.loads(choice["message"]["content"]), choice["grounding"]["content"], body)


def test_responses_have_them(app: ASGIApp) -> None:
    parts = [{"type": "input_text", "text": "Müller & Söhne, 12,50"}, {"type": "input_text", "text": "EUR"}]
    text = {"format": {"type": "json_schema", "name": "x", "schema": NESTED}}
    body: Any = {"model": "scripted", "input": [{"role": "user", "content": parts}], "text": text, "seed": 3}
    whole = post(app, "/v1/responses", body)
    streamed = events_of(post(app, "/v1/responses", {**body, "stream": True}))
    assert streamed[-1]["response"]["grounding"] == whole["grounding"]
    document = json.loads(whole["output"][0]["content"][0]["text"])
    assert check(document, whole["grounding"]["content"], body)
    body["input"] = "only this"
    again = post(app, "/v1/responses", body)
    assert {place["source"] for place in again["grounding"]["content"].values()} == {"input"}


def test_messages_have_them(app: ASGIApp) -> None:
    blocks = [{"type": "text", "text": "Müller & Söhne, 12,50"}, {"type": "text", "text": "EUR"}]
    messages = [{"role": "user", "content": "before"}, {"role": "user", "content": blocks}]
    tools = [{"name": "note", "input_schema": NESTED}]
    body: dict[str, Any] = {"model": "scripted", "messages": messages, "max_tokens": 2000, "tools": tools}
    body["tool_choice"] = {"type": "any"}
    whole = post(app, "/v1/messages", body)
    streamed = events_of(post(app, "/v1/messages", {**body, "stream": True}))
    assert streamed[-2]["grounding"] == whole["grounding"]
    calls = [block["input"] for block in whole["content"] if block["type"] == "tool_use"]
    counted = [check(call, places, body) for call, places in zip(calls, whole["grounding"]["calls"], strict=True)]
    assert sum(counted)


def test_completions_have_them(app: ASGIApp) -> None:
    body: dict[str, Any] = {"model": "scripted", "prompt": "Müller & Söhne, 12,50", "max_tokens": 2000, "seed": 1}
    body["response_format"] = format_of(NESTED)
    whole = post(app, "/v1/completions", body)["choices"][0]
    streamed = events(post(app, "/v1/completions", {**body, "stream": True}))[:-1]
    assert streamed[-1]["choices"][0]["grounding"] == whole["grounding"]
    assert check(json.loads(whole["text"]), whole["grounding"]["content"], body)


def events_of(response: Any) -> list[Any]:
    """The data of named events."""
    lines = response.text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
USER, SYSTEM = [{"role": "user", "content": "hi"}], [{"role": "system", "content": "hi"}]
REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    (CHAT, {"messages": USER, "grounding": True}, "grounding", "needs an answer with a schema"),
    (CHAT, {"messages": SYSTEM, "grounding": True, "tools": tools_of(PLAIN)}, "grounding", "a text of the user's"),
    (CHAT, {"messages": SYSTEM, "response_format": format_of({**QUOTE, "minLength": 1})}, "", "x-source true in the"),
    (COMPLETIONS, {"prompt": [1, 2], "response_format": format_of(NESTED)}, "prompt", "token ids"),
    (COMPLETIONS, {"prompt": "hi", "grounding": True}, "grounding", "needs an answer with a schema"),
]


@pytest.mark.parametrize(("path", "body", "param", "message"), REFUSED)
def test_what_has_no_text_or_no_schema_is_refused(
    app: ASGIApp, path: str, body: dict[str, Any], param: str, message: str
) -> None:
    response = send(app, "POST", path, content=json.dumps({"model": "scripted", **body}))
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert message in error["message"]
    assert not param or error["param"] == param


def test_the_setting_grounds_answers_that_do_not_say_otherwise() -> None:
    app = create_app(free_engine(), settings=Settings(grounding=True))
    body: Any = {"model": "scripted", "messages": USER, "response_format": format_of(PLAIN), "seed": 1}
    assert post(app, CHAT, body)["choices"][0]["grounding"]["content"].keys() >= {"/s"}
    assert "grounding" not in post(app, CHAT, {**body, "grounding": False})["choices"][0]
    assert "grounding" not in post(app, CHAT, {"model": "scripted", "messages": USER, "max_tokens": 5})["choices"][0]


def test_an_answer_that_leaves_the_text_is_not_returned() -> None:
    app = create_app(ScriptedEngine(says('{"a": "nobody", "rows": []}')))
    response = send(
        app,
        "POST",
        CHAT,
        content=json.dumps({"model": "scripted", "messages": USER, "response_format": format_of(NESTED)}),
    )
    assert response.status_code == 500
    assert "x-source" in response.json()["error"]["message"]
