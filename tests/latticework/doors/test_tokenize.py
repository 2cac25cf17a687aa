"""`/tokenize` and `/detokenize`: vLLM's shapes, of texts and of conversations."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from latticework import Settings, create_app
from tests.http import USER, chat, send
from tests.scripted import ScriptedEngine, says

ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


def post(path: str, engine: ScriptedEngine | None = None, **fields: Any) -> httpx.Response:
    return send(create_app(engine or ScriptedEngine(says("x"))), "POST", path, json=fields)


def test_a_text() -> None:
    body = post("/tokenize", model="scripted", prompt="hé").json()
    assert body == {"count": 4, "max_model_len": 100_000, "tokens": [1, 104, 195, 169], "token_strs": None}
    plain = post("/tokenize", prompt="hi", add_special_tokens=False, return_token_strs=True).json()
    assert (plain["tokens"], plain["token_strs"]) == ([104, 105], ["h", "i"])


def test_an_empty_text_has_no_tokens_of_its_own() -> None:
    assert post("/tokenize", prompt="").json()["tokens"] == [1]
    assert post("/tokenize", prompt="", add_special_tokens=False).json()["tokens"] == []


@pytest.mark.parametrize("tools", [[], [ADD]], ids=["no tools", "a tool"])
def test_a_conversation_is_the_prompt_that_a_chat_request_has(tools: list[Any]) -> None:
    engine = ScriptedEngine(says("x"))
    chat(create_app(engine), tools=tools or None)
    tokens = post("/tokenize", messages=[USER], tools=tools).json()["tokens"]
    assert bytes(tokens).decode() == engine.prompts[0]


def test_a_conversation_without_the_beginning_of_an_answer() -> None:
    asked = post("/tokenize", messages=[USER]).json()["tokens"]
    open_ended = post("/tokenize", messages=[USER], add_generation_prompt=False).json()["tokens"]
    assert bytes(asked).decode() == bytes(open_ended).decode() + "<|im_start|>assistant\n"


def test_back_to_text() -> None:
    assert post("/detokenize", model="scripted", tokens=[104, 195, 169]).json() == {"prompt": "hé"}
    assert post("/detokenize", tokens=[]).json() == {"prompt": ""}


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "neither": ("/tokenize", {}, "prompt"),
    "both": ("/tokenize", {"prompt": "a", "messages": [USER]}, "prompt"),
    "tools of a text": ("/tokenize", {"prompt": "a", "tools": [ADD]}, "tools"),
    "special tokens of a conversation": (
        "/tokenize",
        {"messages": [USER], "add_special_tokens": True},
        "add_special_tokens",
    ),
    "a chat template": ("/tokenize", {"messages": [USER], "chat_template": "x"}, "chat_template"),
    "prefill": ("/tokenize", {"messages": [USER], "continue_final_message": True}, "messages[0].role"),
    "an unknown token": ("/detokenize", {"tokens": [1, 256]}, "tokens[1]"),
    "no tokens": ("/detokenize", {}, "tokens"),
    "text for tokens": ("/detokenize", {"tokens": "hi"}, "tokens"),
}


@pytest.mark.parametrize(("path", "fields", "param"), WRONG.values(), ids=WRONG)
def test_the_error_names_the_parameter(path: str, fields: dict[str, Any], param: str) -> None:
    response = post(path, **fields)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param


def test_an_unknown_model() -> None:
    assert post("/tokenize", model="nobody", prompt="a").status_code == 404


def test_a_model_must_be_named_where_there_are_several() -> None:
    app = create_app(ScriptedEngine(says("x"), ("a",)), ScriptedEngine(says("x"), ("b",)))
    response = send(app, "POST", "/tokenize", json={"prompt": "hi"})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "model")
    assert send(app, "POST", "/tokenize", json={"prompt": "hi", "model": "b"}).status_code == 200


def test_unknown_fields_are_named() -> None:
    assert post("/tokenize", prompt="a", wizardry=1).headers["x-latticework-ignored"] == "wizardry"


@pytest.mark.parametrize("path", ["/tokenize", "/detokenize"])
def test_a_key_is_needed_where_there_are_keys(path: str) -> None:
    app = create_app(ScriptedEngine(says("x")), settings=Settings(api_keys=("k",)))
    assert send(app, "POST", path, json={"prompt": "a"}).status_code == 401
