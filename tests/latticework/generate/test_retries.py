"""An attempt after an answer that violates a checked keyword: what it sees, how it is sampled, and what it costs."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from latticework import Settings, create_app
from latticework.engines.base import Piece, Sampling
from tests.http import chat, events, send
from tests.scripted import CHATML, ByteTokenizer, MarkedTokenizer, Script, ScriptedEngine

UNIQUE = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
AS_UNIQUE = {"type": "json_schema", "json_schema": {"name": "u", "schema": UNIQUE}}
PARAMETERS = {"type": "object", "properties": {"tags": UNIQUE}, "required": ["tags"]}
TAG = {"type": "function", "function": {"name": "tag", "parameters": PARAMETERS}}
AA, BB, AB = '["a", "a"]', '["b", "b"]', '["a", "b"]'
NEXT = "<|im_end|>\n<|im_start|>assistant\n"


def wrong(letter: str) -> str:
    """What the model is told of AA and BB."""
    return (
        f"Your last answer is not valid:\n- the whole (uniqueItems): repeated items: '{letter}'\n"
        "Write the whole answer again, without this mistake."
    )


def behind(answer: str, feedback: str) -> str:
    """What follows the first prompt in the next one."""
    return f"{answer}<|im_end|>\n<|im_start|>user\n{feedback}{NEXT}"


def answers(*texts: str) -> Script:
    """One after the other, the last one again and again, a letter a token."""
    left = list(texts)

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        text = left[0] if len(left) == 1 else left.pop(0)
        for letter in text:
            yield Piece(letter, (0,), cached=2 if letter is text[0] else 0)
        yield Piece("", (0,), finish="stop")

    return script


def engine(*texts: str, tokenizer: type[ByteTokenizer] = ByteTokenizer, **options: Any) -> ScriptedEngine:
    return ScriptedEngine(answers(*texts), tokenizer=tokenizer(), **options)


FORMAT = {"type": "json_schema", "name": "u", "schema": UNIQUE}
# Path and body of a request for a list without repeated items, in each API that has conversations.
APIS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}], "response_format": AS_UNIQUE}),
    "responses": ("/v1/responses", {"input": "hi", "text": {"format": FORMAT}}),
    "messages": (
        "/v1/messages",
        {
            "messages": [{"role": "user", "content": "hi"}],
            "max_tokens": 99,
            "output_config": {"format": {"type": "json_schema", "schema": UNIQUE}},
        },
    ),
}


def ask(app: Starlette, api: str, **fields: Any) -> httpx.Response:
    path, body = APIS[api]
    return send(app, "POST", path, content=json.dumps({"model": "scripted", **body, **fields}))


def named(response: httpx.Response) -> list[Any]:
    """The data of events that have names."""
    lines = [line for line in response.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines if line != "data: [DONE]"]


def end(api: str, response: httpx.Response) -> Any:
    """The text of an answer, whole or streamed, its usage, and its warnings."""
    if response.headers["content-type"].startswith("text/event-stream"):
        return _STREAMED[api](named(response))
    return _WHOLE[api](response.json())


_WHOLE: Mapping[str, Any] = {
    "chat": lambda body: (body["choices"][0]["message"]["content"], body["usage"], body.get("warnings", [])),
    "responses": lambda body: (body["output"][0]["content"][0]["text"], body["usage"], body.get("warnings", [])),
    "messages": lambda body: (body["content"][0]["text"], body["usage"], body.get("warnings", [])),
}
_STREAMED: Mapping[str, Any] = {
    "chat": lambda chunks: (
        "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"]),
        chunks[-1]["usage"],
        [warning for chunk in chunks for warning in chunk.get("warnings", ())],
    ),
    "responses": lambda chunks: _WHOLE["responses"](chunks[-1]["response"]),
    "messages": lambda chunks: (
        "".join(chunk["delta"]["text"] for chunk in chunks if chunk["type"] == "content_block_delta"),
        chunks[-2]["usage"],
        chunks[-2].get("warnings", []),
    ),
}
STREAM: Mapping[str, dict[str, Any]] = {
    "chat": {"stream": True, "stream_options": {"include_usage": True}},
    "responses": {"stream": True},
    "messages": {"stream": True},
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("api", APIS)
def test_the_next_attempt_sees_the_last_answer_and_what_is_wrong_with_it(api: str, streamed: bool) -> None:
    served = engine(AA, BB, AB)
    response = ask(create_app(served), api, temperature=0, **(STREAM[api] if streamed else {}))
    text, usage, warnings = end(api, response)
    first, *retries = served.prompts
    assert first.endswith(NEXT)
    assert retries == [first + behind(AA, wrong("a")), first + behind(BB, wrong("b"))]
    assert [sampling.temperature for sampling in served.asked] == [0, 0, 0]
    assert (text, usage["attempts"], warnings) == (AB, 3, [])
    # Of three prompts, two tokens each were in the cache.
    cached = 6 if api == "messages" else 0
    assert usage.get("prompt_tokens", usage.get("input_tokens")) == sum(map(len, served.prompts)) - cached
    assert usage.get("completion_tokens", usage.get("output_tokens")) == 3 * (len(AB) + 1)


def test_a_repeated_answer_is_sampled() -> None:
    """A model that copies the answer it is shown is no longer shown it."""
    served = engine(AA)
    failed = chat(create_app(served), response_format=AS_UNIQUE, temperature=0, seed=5)
    assert (failed.status_code, failed.json()["error"]["code"]) == (503, "schema_violation")
    assert "repeated items: 'a' (uniqueItems at content)" in failed.json()["error"]["message"]
    assert served.prompts[0] == served.prompts[2] != served.prompts[1]
    assert [(sampling.temperature, sampling.seed) for sampling in served.asked] == [(0, 5), (0, 6), (0.7, 7)]


# The setting, the field of the request, and whether the next attempt sees the answer.
CHOICES = [
    ("feedback", None, True),
    ("feedback", "feedback", True),
    ("feedback", "resample", False),
    ("resample", None, False),
    ("resample", "feedback", True),
]


@pytest.mark.parametrize(("setting", "field", "sees"), CHOICES)
def test_the_request_decides_or_else_the_setting(setting: Any, field: str | None, sees: bool) -> None:
    served = engine(AA, AB)
    body = chat(create_app(served, settings=Settings(retries=setting)), response_format=AS_UNIQUE, retries=field).json()
    assert (len(set(served.prompts)), body["usage"]["attempts"]) == (1 + sees, 2)
    assert "warnings" not in body
    assert body["usage"]["prompt_tokens"] == sum(map(len, dict.fromkeys(served.prompts)))


def test_an_answer_at_the_first_attempt_counts_none() -> None:
    assert "attempts" not in chat(create_app(engine(AB)), response_format=AS_UNIQUE).json()["usage"]


def test_attempts_are_bounded() -> None:
    served = engine(AA, AA, AA, AB)
    assert chat(create_app(served, settings=Settings(attempts=1)), response_format=AS_UNIQUE).status_code == 503
    assert len(served.prompts) == 1


class OnlyOne(ByteTokenizer):
    chat_template = "{% if messages | length > 2 %}{{ raise_exception('too many') }}{% endif %}" + CHATML


BEGUN = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "["}]
# Why there is no feedback: fields, the engine, and the reason in the warning.
OBSTACLES: Mapping[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "continued": ({"messages": BEGUN, "continue_final_message": True}, {}, "continues a text"),
    "cut prompt": ({"truncate_prompt_tokens": 50}, {}, "its last tokens"),
    "log probabilities": ({"prompt_logprobs": 0}, {}, "log probabilities of the prompt"),
    "template": ({}, {"tokenizer": OnlyOne}, "too many"),
    "context": ({}, {"max_model_len": 300}, "maximum context length"),
    "room": ({"max_tokens": 500}, {"max_model_len": 800}, "maximum context length"),
}


@pytest.mark.parametrize("requested", [True, False], ids=["requested", "by default"])
@pytest.mark.parametrize(("fields", "options", "reason"), OBSTACLES.values(), ids=OBSTACLES)
def test_without_room_for_feedback_the_prompt_stays(
    fields: dict[str, Any], options: dict[str, Any], reason: str, requested: bool
) -> None:
    texts = ('"a", "a"]', '"a", "b"]') if "messages" in fields else (AA, AB)
    served = engine(*texts, **options)
    asked: dict[str, Any] = {"retries": "feedback"} if requested else {}
    body = chat(create_app(served), response_format=AS_UNIQUE, temperature=0, **fields, **asked).json()
    assert body["choices"][0]["message"]["content"] == texts[1]
    assert served.prompts[0] == served.prompts[1]
    assert [sampling.temperature for sampling in served.asked] == [0, 0.7]
    warnings = body.get("warnings", [])
    assert [(warning["code"], warning["param"]) for warning in warnings] == [
        ("resampled_answer", "retries")
    ] * requested
    assert all(reason in warning["message"] for warning in warnings)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("api", APIS)
def test_a_retry_without_the_requested_feedback_is_noted(api: str, streamed: bool) -> None:
    app = create_app(engine(AA, AB, tokenizer=OnlyOne))
    _, usage, warnings = end(api, ask(app, api, retries="feedback", **(STREAM[api] if streamed else {})))
    assert [warning["code"] for warning in warnings] == ["resampled_answer"]
    assert usage["attempts"] == 2


def test_a_warning_that_comes_after_the_first_event_is_in_the_last() -> None:
    """One choice is sent before the other is refused."""
    app = create_app(engine(AB, AA, AB, tokenizer=OnlyOne))
    *chunks, done = events(chat(app, response_format=AS_UNIQUE, retries="feedback", n=2, stream=True))
    assert done == "[DONE]"
    warned = [warning["code"] for chunk in chunks for warning in chunk.get("warnings", ())]
    assert warned == ["resampled_answer"]


def test_what_is_wrong_with_a_call_is_its_result() -> None:
    before, after = '<tool_call>\n{"name": "tag", "arguments": {"tags": ', "}}\n</tool_call>"
    bad, good = before + AA + after, before + AB + after
    served = engine(good + "\n" + bad, good)
    app = create_app(served, settings=Settings(tool_format="hermes"))
    message = chat(app, tools=[TAG], tool_choice="required").json()["choices"][0]["message"]
    assert [json.loads(call["function"]["arguments"]) for call in message["tool_calls"]] == [{"tags": ["a", "b"]}]
    added = served.prompts[1].removeprefix(served.prompts[0])
    assert added.startswith(good + "\n" + bad + "<|im_end|>")
    results = added.split("<tool_response>\n")[1:]
    assert [result.split("\n</tool_response>")[0] for result in results] == [
        "This call was not run, because another one is not valid. Repeat it.",
        "This call is not valid, and was not run:\n- /tags (uniqueItems): repeated items: 'a'\n"
        "Call again, without this mistake.",
    ]
    assert added.endswith(NEXT)


def test_choices_learn_from_their_own_answers() -> None:
    served = engine(AA, BB, AB)
    body = chat(create_app(served), response_format=AS_UNIQUE, n=2).json()
    assert [choice["message"]["content"] for choice in body["choices"]] == [AB, AB]
    assert sorted(prompt.removeprefix(served.prompts[0]) for prompt in served.prompts) == [
        "",
        "",
        behind(AA, wrong("a")),
        behind(BB, wrong("b")),
    ]
    assert body["usage"]["attempts"] == 4
    assert body["usage"]["prompt_tokens"] == sum(map(len, served.prompts)) - len(served.prompts[0])


def test_quoted_markup_stays_text() -> None:
    """The answer has a special token's text, and the violation quotes it."""
    forged = '["<|im_end|>", "<|im_end|>"]'
    served = engine(forged, AB, tokenizer=MarkedTokenizer)
    assert chat(create_app(served), response_format=AS_UNIQUE).status_code == 200
    first, second = (prompt.count(MarkedTokenizer.letters["<|im_end|>"]) for prompt in served.prompts)
    assert second == first + 2
    assert served.prompts[1].count("<|im_end|>") == served.prompts[0].count("<|im_end|>") + 3


def test_a_large_conversation_is_written_in_another_process() -> None:
    served = engine(AA, AB, max_model_len=200_000)
    text = "x" * 70_000
    chat(create_app(served), messages=[{"role": "user", "content": text}], response_format=AS_UNIQUE)
    assert served.prompts[1] == served.prompts[0] + behind(AA, wrong("a"))
