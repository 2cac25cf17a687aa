"""A refusal in place of a document, on each API that has it: whole, streamed, cut, and where there can be none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from openai.lib._parsing import parse_chat_completion
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel
from starlette.applications import Starlette

from latticework import Refused, Settings, Truncated, blocking, create_app
from tests.http import chat, events, send
from tests.latticework.doors.messages import messaging
from tests.latticework.doors.responses import responding
from tests.latticework.generate.test_generation import Thinking
from tests.latticework.generate.test_truncation import writes
from tests.scripted import Script, ScriptedEngine, says
from tests.turngrammar.laws import generates


class Answer(BaseModel):
    n: int


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
CHAT: dict[str, Any] = {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}}
RESPONSES: dict[str, Any] = {"text": {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA}}}
MESSAGES: dict[str, Any] = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
FUNCTION = {"type": "function", "function": {"name": "add", "parameters": SCHEMA}}
TOOLS: dict[str, Any] = {"tools": [FUNCTION]}
ALLOW: dict[str, Any] = {"refusal": "allow"}
CALL = '<tool_call>\n{"name": "add", "arguments": {"n": 1}}\n</tool_call>'


def serving(script: Script, **settings: Any) -> Starlette:
    return create_app(ScriptedEngine(script, tokenizer=Thinking()), settings=Settings(compile_timeout=60, **settings))


# By what a model says: whether tools are offered, and content, refusal and number of calls of the answer.
TURNS: Mapping[str, tuple[tuple[str, ...], bool, str | None, str | None, int]] = {
    "a refusal": (("I can", "'t do that. 🌦️"), False, None, "I can't do that. 🌦️", 0),
    "a refusal behind reasoning": (("<think>\nhm\n</think>\n\nI", " won't"), False, None, "I won't", 0),
    "a refusal beside tools": (("No", "."), True, None, "No.", 0),
    "a document": (('{"n"', ": 1}"), False, '{"n": 1}', None, 0),
    "a document beside tools": (('{"n": 1}',), True, '{"n": 1}', None, 0),
    "a call": ((CALL,), True, None, None, 1),
}
every_turn = pytest.mark.parametrize("turn", TURNS)


@every_turn
def test_chat_as_the_client_parses_it(turn: str) -> None:
    texts, tools, content, refusal, calls = TURNS[turn]
    fields = {**CHAT, **ALLOW, **(TOOLS if tools else {})}
    served = serving(says(*texts))
    whole = parse_chat_completion(
        response_format=Answer,
        input_tools=TOOLS["tools"] if tools else [],
        chat_completion=ChatCompletion.model_validate(chat(served, **fields).json()),
    )
    state = ChatCompletionStreamState(response_format=Answer, input_tools=TOOLS["tools"] if tools else [])
    for chunk in events(chat(served, stream=True, **fields))[:-1]:
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    for choice in (whole.choices[0], state.get_final_completion().choices[0]):
        message = choice.message
        assert (message.content, message.refusal, len(message.tool_calls or ())) == (content, refusal, calls)
        assert message.parsed == (Answer(n=1) if content else None)
        assert choice.finish_reason == ("tool_calls" if calls else "stop")


@every_turn
def test_responses(turn: str) -> None:
    texts, tools, content, refusal, calls = TURNS[turn]
    added = {"tools": [{"type": "function", "name": "add", "parameters": SCHEMA}]} if tools else {}
    served = responding.serving(*texts)
    whole = responding.whole(served, **RESPONSES, **ALLOW, **added)
    stream = responding.streamed(served, **RESPONSES, **ALLOW, **added)
    assert responding.without_ids(stream[-1]["response"]["output"]) == responding.without_ids(whole["output"])
    last = whole["output"][-1]
    if calls:
        assert last["type"] == "function_call"
    elif refusal:
        assert last["content"] == [{"type": "refusal", "refusal": refusal}]
        kinds = [event["type"] for event in stream]
        assert kinds.count("response.refusal.delta") == len(texts)
        assert kinds.count("response.refusal.done") == 1
    else:
        assert last["content"][0]["text"] == content
    assert (whole["status"], last["status"]) == ("completed", "completed")


@every_turn
def test_messages(turn: str) -> None:
    texts, tools, content, refusal, calls = TURNS[turn]
    added = {"tools": [{"name": "add", "input_schema": SCHEMA}]} if tools else {}
    served = messaging.serving(*texts)
    message = messaging.whole(served, **MESSAGES, **ALLOW, **added)
    folded = messaging.folded(messaging.streamed(served, **MESSAGES, **ALLOW, **added))
    assert messaging.without_ids(folded) == messaging.without_ids(message)
    assert message["stop_reason"] == ("tool_use" if calls else "refusal" if refusal else "end_turn")
    assert calls or message["content"][-1] == {"type": "text", "text": refusal or content}


@pytest.mark.parametrize("tools", [{}, TOOLS], ids=["alone", "beside tools"])
@pytest.mark.parametrize("most", [8, 12, 15])
def test_a_cut_refusal_stays_cut_and_gets_no_document(most: int, tools: dict[str, Any]) -> None:
    """Also where a cut document is completed."""
    app, fields = serving(writes("I can't do that.")), {**CHAT, **ALLOW, **tools, "truncation": "complete"}
    choice = chat(app, **fields, max_tokens=most).json()["choices"][0]
    assert (choice["message"]["refusal"], choice["message"]["content"]) == ("I can't do that."[:most], None)
    assert choice["finish_reason"] == "length" and "truncation" not in choice
    choices = [chunk["choices"][0] for chunk in events(chat(app, stream=True, **fields, max_tokens=most))[:-1]]
    assert "".join(choice["delta"].get("refusal", "") for choice in choices) == "I can't do that."[:most]
    assert choices[-1]["finish_reason"] == "length"
    whole = chat(app, **fields, max_tokens=16).json()["choices"][0]
    assert (whole["message"]["refusal"], whole["finish_reason"]) == ("I can't do that.", "length")


def test_each_answer_is_one_of_the_two_and_its_tokens_are_where_it_is() -> None:
    answer = chat(serving(writes("I can't.")), **CHAT, **ALLOW, n=2, logprobs=True, stop=["can"]).json()
    for choice in answer["choices"]:  # stop strings are for free text
        assert choice["message"]["refusal"] == "I can't."
        assert choice["logprobs"]["content"] is None
        assert "".join(token["token"] for token in choice["logprobs"]["refusal"])


PROBLEMS: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "chat without a document": ("/v1/chat/completions", {}, "refusal"),
    "a client's regex": ("/v1/chat/completions", {"structured_outputs": {"regex": "a+"}}, "refusal"),
    "a required call": ("/v1/chat/completions", {**CHAT, **TOOLS, "tool_choice": "required"}, "refusal"),
    "responses without a document": ("/v1/responses", {"input": "hi"}, "refusal"),
    "completions": ("/v1/completions", {"prompt": "hi", **CHAT}, "refusal"),
    "a refusal to go on with": (
        "/v1/chat/completions",
        {
            **CHAT,
            "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "I can"}],
            "continue_final_message": True,
        },
        "messages[1].content",
    ),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_where_no_refusal_can_be_it_is_refused_by_name(problem: str) -> None:
    path, fields, param = PROBLEMS[problem]
    messages = {"messages": [{"role": "user", "content": "hi"}]} if "chat" in path else {}
    body = {"model": "scripted", **messages, **fields, **ALLOW}
    response = send(serving(says("I")), "POST", path, content=json.dumps(body))
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
    assert "refusal" in response.json()["error"]["message"]


def test_the_grammar_of_a_request_has_the_refusal() -> None:
    body = {"model": "scripted", **CHAT}
    grammars = [
        send(serving(says()), "POST", "/v1/grammars", content=json.dumps({**body, **fields})).json()["grammar"]
        for fields in ({}, ALLOW)
    ]
    assert [generates(grammar, "No.") for grammar in grammars] == [False, True]


def test_the_setting_is_the_default_where_a_document_can_be() -> None:
    app = serving(says("No."), refusal="allow")
    assert chat(app, **CHAT).json()["choices"][0]["message"]["refusal"] == "No."
    assert chat(app).json()["choices"][0]["message"]["content"] == "No."
    assert chat(app, **CHAT, refusal="never").status_code == 500  # the script breaks the grammar


def test_a_value_in_this_process() -> None:
    app = serving(says("No", "."))
    with blocking(app) as client:
        with pytest.raises(Refused) as refused:
            client.complete("hi", output=Answer, refusal="allow")
        assert refused.value.text == "No."
        with pytest.raises(Refused):
            list(client.stream("hi", output=Answer, refusal="allow"))
    with blocking(serving(says("No", finish="length"))) as client, pytest.raises(Truncated) as cut:
        client.complete("hi", output=Answer, refusal="allow")
    assert cut.value.text == "No"


def test_a_refusal_in_the_history_is_rendered() -> None:
    engine = ScriptedEngine(says('{"n": 1}'), tokenizer=Thinking())
    app = create_app(engine)
    history = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": None, "refusal": "I can't."}]
    chat(app, messages=[*history, {"role": "user", "content": "Why?"}], **CHAT)
    part = {"role": "assistant", "content": [{"type": "refusal", "refusal": "I can't."}]}
    chat(app, messages=[history[0], part, {"role": "user", "content": "Why?"}], **CHAT)
    responding.respond(
        app,
        [
            history[0],
            {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "I can't."}]},
            {"role": "user", "content": "Why?"},
        ],
    )
    assert len(engine.prompts) == 3
    assert all("<|im_start|>assistant\nI can't.<|im_end|>" in prompt for prompt in engine.prompts)
