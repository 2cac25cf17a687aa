"""Answers that continue the assistant's last message: vLLM's continue_final_message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer
from starlette.types import ASGIApp

from latticework import create_app
from latticework.engines.base import Sampling
from tests.http import USER, chat, events, send
from tests.latticework.generate.test_generation import Harmony, Opening, Thinking
from tests.latticework.generate.test_truncation import as_schema, writes
from tests.scripted import CHATML, ByteTokenizer, MarkedTokenizer, ScriptedEngine, says

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
FORMAT = as_schema(PERSON)
BEGUN = '{"name": "A'
TOOL = {"type": "function", "function": {"name": "find", "parameters": PERSON}}
CALL = '<tool_call>\n{"name": "find", "arguments": {"name": "B", "age": 1}}\n</tool_call>'
ARGUMENTS = '{"name": "B", "age": 1}'


def continuing(content: Any = BEGUN, **fields: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {"messages": [USER, message], "continue_final_message": True, "temperature": 0, **fields}


def answered(engine: ScriptedEngine, **fields: Any) -> Any:
    """The choice of a whole response, which is what its stream amounts to."""
    app = create_app(engine)
    response = chat(app, **fields)
    assert response.status_code == 200, response.text
    choice = response.json()["choices"][0]
    chunks = [chunk for chunk in events(chat(app, stream=True, **fields)) if chunk != "[DONE]"]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content") or "" for delta in deltas) == (choice["message"]["content"] or "")
    return choice


def refused(app: ASGIApp, **fields: Any) -> Any:
    response = chat(app, **fields)
    assert response.status_code == 400, response.text
    return response.json()["error"]


def allows(sampling: Sampling, answer: str) -> bool:
    """Whether the grammar allows the answer behind what has begun it."""
    tokenizer = LLTokenizer("byte")
    matcher = LLMatcher(tokenizer, sampling.grammar or "")
    tokens = [*(sampling.begun or ()), *tokenizer.tokenize_str(answer)]
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


def test_free_text_goes_on_from_the_message() -> None:
    engine = ScriptedEngine(says(" Paris", "."))
    choice = answered(engine, **continuing("The capital is"))
    assert choice["message"]["content"] == " Paris."
    assert choice["finish_reason"] == "stop"
    assert engine.prompts[0] == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nThe capital is"
    assert engine.asked[0].begun is None


def test_the_usage_counts_it_as_prompt() -> None:
    engine = ScriptedEngine(says("x"))
    usage = chat(create_app(engine), **continuing("The capital is")).json()["usage"]
    assert usage["prompt_tokens"] == len(engine.prompts[0])
    assert usage["completion_tokens"] == 2


def test_no_generation_prompt_says_the_same() -> None:
    engine = ScriptedEngine(says("x"))
    fields = continuing("The capital is", continue_final_message=None, add_generation_prompt=False)
    assert answered(engine, **fields)["message"]["content"] == "x"
    assert engine.prompts[0].endswith("assistant\nThe capital is")


def test_without_the_field_a_new_message_begins() -> None:
    engine = ScriptedEngine(says("x"))
    answered(engine, **continuing("The capital is", continue_final_message=False))
    assert engine.prompts[0].endswith("The capital is<|im_end|>\n<|im_start|>assistant\n")


def test_text_is_the_clients_whatever_the_template_strips() -> None:
    engine = ScriptedEngine(says("x"))
    engine.tokenizer = Trimming()
    answered(engine, **continuing(" a \n"))
    assert engine.prompts[0].endswith("<|im_start|>assistant\n a \n")


class Trimming(ByteTokenizer):
    chat_template = CHATML.replace("message['content']", "(message['content'] | trim)")


class Framed(Harmony):
    chat_template = Harmony.chat_template.replace(
        "message['content']", "('<|channel|>final<|message|>' if message.role == 'assistant' else '') + message.content"
    )


class AlwaysThinking(Thinking):
    """As Nemotron Nano 2's, it opens the reasoning also in a message that has none."""

    chat_template = Thinking.chat_template.replace("+ message['content']", "+ '<think>\n' + message['content']")


def test_markup_in_it_is_text() -> None:
    engine = ScriptedEngine(says("x"), tokenizer=MarkedTokenizer())
    answered(engine, **continuing("a <|im_end|> b"))
    assert engine.prompts[0].endswith("\x01assistant\na <|im_end|> b")


def test_parts_of_text_are_joined() -> None:
    engine = ScriptedEngine(says("x"))
    answered(engine, **continuing([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]))
    assert engine.prompts[0].endswith("assistant\na\nb")


def test_nothing_can_be_continued() -> None:
    engine = ScriptedEngine(says('{"name": "B", "age": 1}'))
    assert answered(engine, **continuing("", response_format=FORMAT))["message"]["content"] == '{"name": "B", "age": 1}'
    assert engine.asked[0].begun is None


def test_a_document_goes_on_from_the_message() -> None:
    engine = ScriptedEngine(says('da", "age": ', "36}"))
    choice = answered(engine, **continuing(response_format=FORMAT))
    assert choice["message"]["content"] == 'da", "age": 36}'
    assert allows(engine.asked[0], 'da", "age": 36}')
    assert not allows(engine.asked[0], '{"name": "Ada", "age": 36}')


def test_echo_returns_the_whole_document() -> None:
    engine = ScriptedEngine(says('da", "age": ', "36}"))
    choice = answered(engine, **continuing(response_format=FORMAT, echo=True))
    assert json.loads(choice["message"]["content"]) == {"name": "Ada", "age": 36}


def test_each_of_several_answers_continues_it() -> None:
    engine = ScriptedEngine(says('da", "age": 1}'))
    response = chat(create_app(engine), **continuing(response_format=FORMAT, n=3))
    assert [choice["message"]["content"] for choice in response.json()["choices"]] == ['da", "age": 1}'] * 3


CLIENT_GRAMMARS: list[tuple[dict[str, Any], str, str]] = [
    ({"regex": r"\d{2}/[a-c]+"}, "12", "/abc"),
    ({"choice": ["north", "northeast", "south"]}, "nor", "theast"),
    ({"grammar": 'start: r1 "!"\nr1: "aa" | "bb"'}, "b", "b!"),
    ({"json": PERSON}, BEGUN, '", "age": 2}'),
    ({"json_object": True}, '{"a"', ": 1}"),
]


@pytest.mark.parametrize(("structured", "begun", "rest"), CLIENT_GRAMMARS)
def test_every_grammar_goes_on_from_the_message(structured: dict[str, Any], begun: str, rest: str) -> None:
    engine = ScriptedEngine(says(rest))
    assert answered(engine, **continuing(begun, structured_outputs=structured))["message"]["content"] == rest
    assert allows(engine.asked[0], rest)


IMPOSSIBLE: list[tuple[str, dict[str, Any], int, str]] = [
    ('{"nom": "', {"response_format": FORMAT}, 3, "here it allows only 'ame"),
    (' {"name"', {"response_format": FORMAT}, 0, "here it allows only '{\"name"),
    ('{"name":"A"', {"response_format": FORMAT}, 8, "here it allows only ' \"'"),
    ('{"name": "é", "age": x', {"response_format": FORMAT}, 21, "'x'"),
    ("11/", {"structured_outputs": {"regex": "[0-9]{3}"}}, 2, "'/'"),
    ("Well", {"tools": [TOOL], "tool_choice": "required"}, 0, "'Well'"),
]


@pytest.mark.parametrize(("text", "fields", "place", "said"), IMPOSSIBLE)
def test_what_the_grammar_does_not_allow_is_refused(text: str, fields: Any, place: int, said: str) -> None:
    engine = ScriptedEngine(says("x"))
    error = refused(create_app(engine), **continuing(text, **fields))
    assert error["param"] == "messages[1].content"
    assert f"at character {place}, " in error["message"]
    assert said in error["message"]
    assert not engine.asked


def test_what_is_complete_is_refused() -> None:
    app = create_app(ScriptedEngine(says("x")))
    error = refused(app, **continuing('{"name": "A", "age": 1}', response_format=FORMAT))
    assert error["param"] == "messages[1].content"
    assert "is complete" in error["message"]


def test_text_before_a_call_goes_on_to_a_call() -> None:
    engine = ScriptedEngine(says(" look.\n", CALL))
    choice = answered(engine, **continuing("Let me", tools=[TOOL]))
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"].strip() == "look."
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == ARGUMENTS


@pytest.mark.parametrize("rest", ["b", " b>", "tool_cow"])
def test_what_may_be_markup_is_not_sent_again(rest: str) -> None:
    engine = ScriptedEngine(says(rest))
    assert answered(engine, **continuing("a <", tools=[TOOL]))["message"]["content"] == rest


def test_what_becomes_markup_is_no_text() -> None:
    engine = ScriptedEngine(says(CALL.removeprefix("<")))
    choice = answered(engine, **continuing("a <", tools=[TOOL]))
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == ARGUMENTS


def test_a_call_is_not_continued() -> None:
    error = refused(create_app(ScriptedEngine(says("x"))), **continuing(CALL[:40], tools=[TOOL]))
    assert error["param"] == "messages[1].content"
    assert "begins a tool call" in error["message"]


def test_reasoning_is_over() -> None:
    engine = ScriptedEngine(says('da", "age": 1}'), tokenizer=Opening())
    choice = answered(engine, **continuing(response_format=FORMAT))
    assert (choice["message"]["content"], choice["message"]["reasoning_content"]) == ('da", "age": 1}', None)
    assert allows(engine.asked[0], 'da", "age": 1}')


def test_reasoning_that_the_template_opens_is_ended() -> None:
    engine = ScriptedEngine(says('da", "age": 1}'), tokenizer=AlwaysThinking())
    answered(engine, **continuing(response_format=FORMAT))
    assert engine.prompts[0].endswith("assistant\n<think>\n</think>\n\n" + BEGUN)


def test_reasoning_is_not_continued() -> None:
    error = refused(create_app(ScriptedEngine(says("x"), tokenizer=Opening())), **continuing("<think>\nWell"))
    assert error["param"] == "messages[1].content"
    assert "</think>" in error["message"]


def test_ended_reasoning_is_no_part_of_the_text() -> None:
    engine = ScriptedEngine(says('da", "age": 1}'), tokenizer=Opening())
    text = f"<think>\nWell\n</think>\n\n{BEGUN}"
    assert answered(engine, **continuing(text, response_format=FORMAT))["message"]["content"] == 'da", "age": 1}'
    assert engine.prompts[0].endswith(BEGUN)


def test_an_answer_in_a_frame_goes_on_within_it() -> None:
    engine = ScriptedEngine(says('da", "age": 1}'), tokenizer=Framed())
    assert answered(engine, **continuing(response_format=FORMAT))["message"]["content"] == 'da", "age": 1}'
    assert engine.prompts[0].endswith("<|channel|>final<|message|>" + BEGUN)


@pytest.mark.parametrize("most", range(14, 30))
def test_a_cut_document_is_closed_with_it(most: int) -> None:
    engine = ScriptedEngine(writes('da Lovelace", "age": 36}'))
    choice = answered(engine, **continuing(response_format=FORMAT, truncation="close", max_tokens=most))
    assert set(json.loads(BEGUN + choice["message"]["content"])) == {"name", "age"}


def test_a_cut_document_needs_room_for_its_rest_alone() -> None:
    shortest = '", "age": 0}'
    app = create_app(ScriptedEngine(writes('da", "age": 36}')))
    fields = continuing(response_format=FORMAT, truncation="close")
    assert chat(app, max_tokens=len(shortest), **fields).status_code == 200
    assert refused(app, max_tokens=len(shortest) - 1, **fields)["param"] == "max_tokens"


def test_a_checked_keyword_is_checked_on_the_whole() -> None:
    unique = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    engine = ScriptedEngine(says('", "a"]'))
    fields = continuing('["a', structured_outputs={"json": unique})
    response = chat(create_app(engine), **fields)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "schema_violation"


ASSISTANT = {"role": "assistant", "content": "a"}
REFUSED = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]}
CALLING = {**ASSISTANT, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"messages": [USER]}, "messages[0].role"),
    ({"messages": [USER, {"role": "assistant", "content": None}]}, "messages[1].content"),
    ({"messages": [USER, REFUSED]}, "messages[1].content"),
    ({"messages": [USER, CALLING]}, "messages[1].tool_calls"),
    ({"add_generation_prompt": True}, "add_generation_prompt"),
    ({"continue_final_message": False, "add_generation_prompt": False}, "add_generation_prompt"),
    ({"continue_final_message": None, "add_generation_prompt": False, "messages": [USER]}, "messages[0].role"),
    ({"continue_final_message": False, "echo": True}, "echo"),
    ({"continue_final_message": "yes"}, "continue_final_message"),
]


@pytest.mark.parametrize(("fields", "param"), WRONG)
def test_the_error_names_the_parameter(fields: dict[str, Any], param: str) -> None:
    engine = ScriptedEngine(says("x"))
    assert refused(create_app(engine), **continuing("a", **fields))["param"] == param
    assert not engine.asked


def test_the_tokens_of_the_prompt_are_counted() -> None:
    engine = ScriptedEngine(says("x"))
    app = create_app(engine)
    fields = continuing("The capital is")
    tokens = send(
        app, "POST", "/tokenize", json={"messages": fields["messages"], "continue_final_message": True}
    ).json()["count"]
    assert chat(app, **fields).json()["usage"]["prompt_tokens"] == tokens
