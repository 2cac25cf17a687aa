"""The chat API through the real openai client, over a real engine. Assertions are on form: the model is small."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Literal

import httpx
import pytest
from openai import LengthFinishReasonError, OpenAI, pydantic_function_tool
from pydantic import BaseModel, Field

from tests.e2e.conftest import MODEL

ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Where is Oslo, and what is it?"}]}


Short = Annotated[str, Field(max_length=30)]


class Address(BaseModel):
    street: Short
    city: Short


class Person(BaseModel):
    name: Short
    age: int = Field(ge=0, le=150)
    kind: Literal["customer", "employee"]
    address: Address
    tags: list[Short] = Field(max_length=3)
    nickname: Short | None


PERSON: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Ada Lovelace, 36, works for us. She lives at 12 Park Lane, London."}],
    "max_tokens": 400,
}


def test_create(client: OpenAI) -> None:
    answer = client.chat.completions.create(**ASK, max_tokens=20, temperature=0)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in {"stop", "length"}
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_max_tokens_is_counted_in_tokens(client: OpenAI) -> None:
    limits: list[Any] = [{"max_tokens": 7}, {"max_completion_tokens": 7}]
    for limit in limits:
        answer = client.chat.completions.create(**ASK, **limit)
        assert answer.usage is not None
        assert answer.usage.completion_tokens == 7
        assert answer.choices[0].finish_reason == "length"


def test_parse_a_nested_model(client: OpenAI) -> None:
    answer = client.chat.completions.parse(**PERSON, response_format=Person, temperature=0)
    assert isinstance(answer.choices[0].message.parsed, Person)


def test_stream_a_nested_model(client: OpenAI) -> None:
    with client.chat.completions.stream(**PERSON, response_format=Person, temperature=0) as stream:
        kinds = Counter(event.type for event in stream)
        answer = stream.get_final_completion()
    assert isinstance(answer.choices[0].message.parsed, Person)
    assert kinds["content.delta"] > 5
    assert kinds["content.done"] == 1


def test_a_cut_document_is_a_length_error(client: OpenAI) -> None:
    with pytest.raises(LengthFinishReasonError):
        client.chat.completions.parse(**{**PERSON, "max_tokens": 5}, response_format=Person)


def test_json_mode_gives_an_object(client: OpenAI) -> None:
    ask = {**ASK, "messages": [{"role": "user", "content": "Give me a JSON list of 2 colors."}]}
    answer = client.chat.completions.create(
        **ask, response_format={"type": "json_object"}, max_tokens=300, temperature=0
    )
    content = answer.choices[0].message.content or ""
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(content), dict)
    assert content.startswith("{")


def test_whitespace_is_canonical(client: OpenAI) -> None:
    answer = client.chat.completions.parse(**PERSON, response_format=Person, temperature=0)
    content = answer.choices[0].message.content or ""
    assert content == json.dumps(json.loads(content), ensure_ascii=False)


@pytest.mark.parametrize(
    ("structured", "form"),
    [
        ({"choice": ["north", "south-west"]}, "north|south-west"),
        ({"regex": r"\d{4}-\d{2}"}, r"\d{4}-\d{2}"),
        ({"grammar": 'start: "to " PLACE "!"\nPLACE: /[A-Z][a-z]{2,6}/'}, "to [A-Z][a-z]{2,6}!"),
        ({"json": {"enum": ["a", "b"]}}, '"[ab]"'),
    ],
)
def test_structured_outputs(client: OpenAI, structured: dict[str, Any], form: str) -> None:
    answer = client.chat.completions.create(**ASK, max_tokens=30, extra_body={"structured_outputs": structured})
    assert re.fullmatch(form, answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"


def test_stop_strings_end_free_text(client: OpenAI) -> None:
    whole = client.chat.completions.create(**ASK, max_tokens=30, temperature=0).choices[0].message.content or ""
    word = whole.split()[4]
    for stop in (word, [word, "never there"]):
        answer = client.chat.completions.create(**ASK, max_tokens=30, temperature=0, stop=stop)
        assert answer.choices[0].message.content == whole[: whole.index(word)]
        assert answer.choices[0].finish_reason == "stop"


def test_choices_differ_and_logprobs_add_up(client: OpenAI) -> None:
    answer = client.chat.completions.create(**ASK, n=3, max_tokens=8, temperature=1, logprobs=True, top_logprobs=4)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    for choice in answer.choices:
        assert choice.logprobs is not None
        tokens = choice.logprobs.content or []
        assert len(tokens) == 8
        assert (
            b"".join(bytes(token.bytes or []) for token in tokens)
            .decode(errors="ignore")
            .startswith((choice.message.content or "")[:4])
        )
        for token in tokens:
            assert token.logprob <= 0
            assert [top.logprob for top in token.top_logprobs] == sorted(
                (top.logprob for top in token.top_logprobs), reverse=True
            )
            assert len(token.top_logprobs) == 4
            assert sum(math.exp(top.logprob) for top in token.top_logprobs) <= 1.001


def test_logit_bias_rules_the_answer(client: OpenAI) -> None:
    free = client.chat.completions.create(**ASK, max_tokens=1, temperature=0, logprobs=True, top_logprobs=2)
    assert free.choices[0].logprobs is not None
    answer = client.chat.completions.create(**ASK, max_tokens=4, temperature=0, logit_bias={"1000": 100})
    assert len(set((answer.choices[0].message.content or "").split())) == 1


def test_the_seed_repeats_and_32_at_once_do_too(client: OpenAI) -> None:
    def one(seed: int) -> str:
        ask = {**ASK, "messages": [{"role": "user", "content": "word " * 40 * (seed % 4) + "Tell me a story."}]}
        return (
            client.chat.completions.create(**ask, seed=seed, temperature=1, max_tokens=10).choices[0].message.content
            or ""
        )

    with ThreadPoolExecutor(32) as pool:
        first, second = (list(pool.map(one, range(32))) for _ in range(2))
    assert first == second
    assert len(set(first)) > 16


def test_vllms_own_parameters(client: OpenAI) -> None:
    ask = {**ASK, "max_tokens": 12}
    greedy = client.chat.completions.create(**ask, temperature=0).choices[0].message.content
    only_one = client.chat.completions.create(**ask, extra_body={"top_k": 1}).choices[0].message.content
    likely = client.chat.completions.create(**ask, extra_body={"min_p": 1.0}).choices[0].message.content
    assert greedy == only_one == likely
    long = client.chat.completions.create(**ask, extra_body={"min_tokens": 12, "ignore_eos": True})
    assert long.usage is not None
    assert long.usage.completion_tokens == 12
    repeating = {"repetition_penalty": 2.0, "min_tokens": 12}
    answer = client.chat.completions.create(**ask, temperature=0, presence_penalty=2, extra_body=repeating)
    assert answer.choices[0].message.content != greedy


def test_sixteen_at_once(client: OpenAI) -> None:
    def one(index: int) -> bool:
        if index % 2:
            answer = client.chat.completions.parse(**PERSON, response_format=Person)
            return isinstance(answer.choices[0].message.parsed, Person)
        tools = [pydantic_function_tool(Person, name="save_person")]
        called = client.chat.completions.parse(
            **PERSON, tools=tools, tool_choice="required", parallel_tool_calls=False
        ).choices[0]
        calls = called.message.tool_calls or []
        return len(calls) == 1 and isinstance(calls[0].function.parsed_arguments, Person)

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(16))) == [True] * 16


def test_a_prompt_that_is_cached(client: OpenAI) -> None:
    """The second time, all of it but the last block is."""
    messages: Any = [{"role": "user", "content": "Count from one to three hundred in words, slowly. " * 60}]
    counts = []
    for _ in range(2):
        usage = client.chat.completions.create(model=MODEL, messages=messages, max_tokens=1).usage
        assert usage is not None
        details = usage.prompt_tokens_details
        counts.append((usage.prompt_tokens, (details.cached_tokens or 0) if details else 0))
    (tokens, before), (_, cached) = counts
    assert before < cached <= tokens
    assert cached >= tokens / 2


def test_roles_parts_and_history(client: OpenAI) -> None:
    messages: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": "What is "}, {"type": "text", "text": "2+2?"}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": 2}'}}]},
        {"role": "tool", "tool_call_id": "1", "content": "4"},
        {"role": "assistant"},
        {"role": "user", "content": "Sure?", "name": "ann"},
    ]  # fmt: skip
    answer = client.chat.completions.create(model=MODEL, messages=messages, max_tokens=5)
    assert answer.choices[0].message.role == "assistant"


def test_models(client: OpenAI, http: httpx.Client) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL
    assert http.get("/health").json()["status"] == "ok"
