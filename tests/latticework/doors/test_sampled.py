"""vLLM's fields of sampling and scheduling: what reaches the engine, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from latticework import create_app
from tests.http import USER, chat, send
from tests.scripted import ScriptedEngine, says

JSON_MODE = {"response_format": {"type": "json_object"}}
WORDS: dict[str, Any] = {"bad_words": ["no", "never"], "allowed_token_ids": [1, 2], "priority": -3, "cache_salt": "s"}


def completion(engine: ScriptedEngine, **fields: Any) -> httpx.Response:
    return send(create_app(engine), "POST", "/v1/completions", json={"model": "scripted", "prompt": "abcdef", **fields})


ASKED: Mapping[str, Mapping[str, Any]] = {
    "/v1/chat/completions": {"messages": [USER]},
    "/v1/completions": {"prompt": "a"},
    "/v1/responses": {"input": "a"},
    "/v1/messages": {"messages": [USER], "max_tokens": 9},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ASKED)
def test_the_engine_gets_them(path: str, stream: bool) -> None:
    engine = ScriptedEngine(says("hi"))
    body = {"model": "scripted", **ASKED[path], **WORDS, "stream": stream}
    assert send(create_app(engine), "POST", path, json=body).status_code == 200
    (sampling,) = engine.asked
    assert {name: getattr(sampling, name) for name in WORDS} == WORDS


def test_values_without_effect_are_not_sent() -> None:
    engine = ScriptedEngine(says("{}"))
    assert chat(create_app(engine), bad_words=[], stop_token_ids=[], **JSON_MODE).status_code == 200
    assert engine.asked[0].bad_words is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"bad_words": ["a"], **JSON_MODE}, "bad_words"),
        ({"allowed_token_ids": [1], "regex": "a"}, "allowed_token_ids"),
        ({"allowed_token_ids": [1, 256]}, "allowed_token_ids[1]"),
        ({"allowed_token_ids": []}, "allowed_token_ids"),
        ({"bad_words": [""]}, "bad_words[0]"),
        ({"cache_salt": ""}, "cache_salt"),
        ({"truncate_prompt_tokens": 0}, "truncate_prompt_tokens"),
        ({"truncate_prompt_tokens": -2}, "truncate_prompt_tokens"),
        ({"include_stop_str_in_output": True, "stop_token_ids": [1]}, "include_stop_str_in_output"),
    ],
)
def test_what_can_not_be_honoured_is_refused(fields: dict[str, Any], param: str) -> None:
    for response in (
        chat(create_app(ScriptedEngine(says("a"))), **fields),
        completion(ScriptedEngine(says("a")), **fields),
    ):
        assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_a_stop_string_can_be_a_part_of_the_answer() -> None:
    engine = ScriptedEngine(says("one E", "ND two"))
    for kept, text in ((True, "one END"), (False, "one ")):
        fields: dict[str, Any] = {"stop": "END", "include_stop_str_in_output": kept}
        choice = chat(create_app(engine), **fields).json()["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == (text, "stop")
        assert completion(engine, **fields).json()["choices"][0]["text"] == text


def test_a_document_has_no_stop_string() -> None:
    response = chat(create_app(ScriptedEngine(says("{}"))), stop="}", include_stop_str_in_output=True, **JSON_MODE)
    assert response.json()["choices"][0]["message"]["content"] == "{}"
    assert response.headers["x-latticework-ignored"] == "stop, include_stop_str_in_output"


def test_the_end_of_a_prompt_is_kept() -> None:
    engine = ScriptedEngine(says("a"), max_model_len=5)
    completion(engine, truncate_prompt_tokens=2, max_tokens=2)
    completion(engine, truncate_prompt_tokens=-1, max_tokens=2)
    assert completion(engine, truncate_prompt_tokens=6, max_tokens=2).status_code == 400
    assert engine.prompts == ["ef", "def"]


def test_the_end_of_a_conversation_is_kept() -> None:
    engine = ScriptedEngine(says("a"))
    body = chat(create_app(engine), truncate_prompt_tokens=25).json()
    assert engine.prompts[0].endswith("<|im_start|>assistant\n") and len(engine.prompts[0]) == 25
    assert body["usage"]["prompt_tokens"] == 25


BUDGETS = ("max_reasoning_tokens", "thinking_token_budget", "reasoning_budget_tokens", "thinking_budget_tokens")


@pytest.mark.parametrize("name", BUDGETS)
def test_a_budget_has_several_names(name: str) -> None:
    """Without reasoning it has no effect."""
    alone: dict[str, Any] = {name: 5}
    response = chat(create_app(ScriptedEngine(says("a"))), **alone)
    assert response.headers["x-latticework-ignored"] == name
    other = next(other for other in BUDGETS if other != name)
    response = chat(create_app(ScriptedEngine(says("a"))), **alone, **dict[str, Any]({other: 6}))
    assert (response.status_code, response.json()["error"]["param"]) == (400, max(name, other, key=BUDGETS.index))
    assert chat(create_app(ScriptedEngine(says("a"))), **alone, **dict[str, Any]({other: 5})).status_code == 200


def test_no_budget_is_no_limit() -> None:
    response = chat(create_app(ScriptedEngine(says("a"))), thinking_token_budget=-1, messages=[USER])
    assert response.status_code == 200
    assert "x-latticework-ignored" not in response.headers
