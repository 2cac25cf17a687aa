"""Thoughts in a response: split from the content, counted, and ended where the request bounds them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from llguidance import LLMatcher

from latticework import Settings, create_app
from latticework.engines.base import EngineFailed, Piece, PromptRefused, Sampling
from tests.http import chat, events
from tests.scripted import CHATML, ByteTokenizer, Script, ScriptedEngine, says
from tests.turngrammar.laws import BYTES

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": SCHEMA}}]
AS_SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
UNIQUE = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
AS_UNIQUE = {"type": "json_schema", "json_schema": {"name": "u", "schema": UNIQUE}}
THOUGHTS = "Let me see: 1 < 2, so </th is no end."
CLOSING = "</think>\n\n"
CALLED = '<tool_call>\n{"name": "add", "arguments": {"n": 1}}\n</tool_call>'
# What is asked, and an answer to it.
TURNS: dict[str, tuple[dict[str, Any], str]] = {
    "free text": ({}, "It is 1."),
    "auto, text": ({"tools": TOOLS}, "It is 1."),
    "auto, call": ({"tools": TOOLS}, CALLED),
    "required": ({"tools": TOOLS, "tool_choice": "required"}, CALLED),
    "document": ({"response_format": AS_SCHEMA}, '{"n": 1}'),
    "call or document, call": ({"tools": TOOLS, "response_format": AS_SCHEMA}, CALLED),
    "call or document, document": ({"tools": TOOLS, "response_format": AS_SCHEMA}, '{"n": 1}'),
}


class Thinking(ByteTokenizer):
    chat_template = "{# <think></think>\\n\\n #}" + CHATML


class Opening(Thinking):
    chat_template = Thinking.chat_template + "{{ '<think>\n' }}"


class Harmony(ByteTokenizer):
    chat_template = "{# <|channel|>commentary <|channel|>analysis<|message|> <|channel|>final<|message|> #}" + CHATML


def engine(script: Script, tokenizer: type[ByteTokenizer] = Thinking, **options: Any) -> ScriptedEngine:
    return ScriptedEngine(script, tokenizer=tokenizer(), **options)


def thinks(*answers: str, size: int = 1, thoughts: str = THOUGHTS) -> Script:
    """Thinks, unless its thoughts are ended already, and gives these answers in turn, `size` bytes a piece.

    It writes nothing that the grammar forbids, and no more than it may.
    """
    left = list(answers)

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        before = bytes(prompt).decode()
        ended = before.endswith(CLOSING)
        opening = "" if before.endswith("<think>\n") else "<think>\n"
        text = ("" if ended else f"{opening}{thoughts}\n{CLOSING}") + (left[0] if len(left) == 1 else left.pop(0))
        written = list(text.encode())
        assert sampling.grammar is None or allowed(sampling.grammar, written)
        for start in range(0, len(written), size):
            ids = written[start : min(start + size, sampling.max_tokens)]
            cut = start + size >= sampling.max_tokens
            last = "length" if cut else "stop" if start + size >= len(written) else None
            yield Piece(bytes(ids).decode(), tuple(ids), finish=last)  # type: ignore[arg-type]
            if cut:
                return

    return script


def allowed(grammar: str, written: Sequence[int]) -> bool:
    return LLMatcher(BYTES, grammar).validate_tokens(list(written)) == len(written)


def folded(chunks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a client puts together of a stream of one choice."""
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    calls = [call["function"] for delta in deltas for call in delta.get("tool_calls", ())]
    return {
        "content": "".join(delta.get("content", "") for delta in deltas),
        "reasoning": "".join(delta.get("reasoning", "") for delta in deltas),
        "reasoning_content": "".join(delta.get("reasoning_content", "") for delta in deltas),
        "name": "".join(call.get("name", "") for call in calls),
        "arguments": "".join(call["arguments"] for call in calls),
        "finish": [chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"]][-1],
        "usage": chunks[-1]["usage"],
    }


def whole(body: dict[str, Any]) -> dict[str, Any]:
    choice = body["choices"][0]
    message = choice["message"]
    functions = [call["function"] for call in message.get("tool_calls", ())]
    return {
        "content": message["content"] or "",
        "reasoning": message["reasoning"] or "",
        "reasoning_content": message["reasoning_content"] or "",
        "name": "".join(function["name"] for function in functions),
        "arguments": "".join(function["arguments"] for function in functions),
        "finish": choice["finish_reason"],
        "usage": body["usage"],
    }


def expected(answer: str, thoughts: str) -> dict[str, Any]:
    called = answer == CALLED
    return {
        "content": "" if called else answer,
        "reasoning": thoughts,
        "reasoning_content": thoughts,
        "name": "add" if called else "",
        "arguments": '{"n": 1}' if called else "",
        "finish": "tool_calls" if called else "stop",
    }


def both(served: ScriptedEngine, **fields: Any) -> dict[str, Any]:
    """The answer, whole; the stream's must be the same, and so must what it asks of the engine."""
    app = create_app(served)
    answered = whole(chat(app, **fields).json())
    *chunks, done = events(chat(app, stream=True, stream_options={"include_usage": True}, **fields))
    half = len(served.prompts) // 2
    assert served.prompts[:half] == served.prompts[half:]
    assert served.open == 0
    assert done == "[DONE]"
    kinds = [kind for chunk in chunks[1:-1] for kind in chunk["choices"][0]["delta"] if kind != "reasoning"]
    assert sorted(kinds, key=lambda kind: kind != "reasoning_content") == kinds, "reasoning streams first"
    assert folded(chunks) == answered
    return answered


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("tokenizer", [Thinking, Opening])
@pytest.mark.parametrize("turn", TURNS)
def test_thoughts_are_split_from_the_answer(turn: str, tokenizer: type[ByteTokenizer], size: int) -> None:
    fields, answer = TURNS[turn]
    answered = both(engine(thinks(answer, size=size), tokenizer), **fields)
    usage = answered.pop("usage")
    assert answered == expected(answer, THOUGHTS + "\n")
    if size == 1:
        opening = len("<think>\n") * (tokenizer is Thinking)
        assert usage["completion_tokens"] == opening + len(f"{THOUGHTS}\n{CLOSING}{answer}")
        # Besides the thoughts, the bytes that might have been more of them: "</think" with one byte to come.
        assert usage["completion_tokens_details"] == {"reasoning_tokens": len(THOUGHTS + "\n</think")}


@pytest.mark.parametrize("budget", [0, 1, 2, 9, 28, 29, len(THOUGHTS), 1000])
@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("turn", TURNS)
def test_at_the_budget_thoughts_end_and_the_answer_gets_its_tokens(turn: str, size: int, budget: int) -> None:
    fields, answer = TURNS[turn]
    served = engine(thinks(answer, size=size))
    answered = both(served, **fields, max_reasoning_tokens=budget)
    usage = answered.pop("usage")
    assert answered | {"reasoning": "", "reasoning_content": ""} == expected(answer, "")
    assert f"{THOUGHTS}\n{CLOSING}".startswith(answered["reasoning"])
    assert usage["completion_tokens_details"]["reasoning_tokens"] < budget + size or budget == 1000
    if size == 1 and budget <= len(THOUGHTS):
        assert answered["reasoning"] == THOUGHTS[:budget]
    if budget == 1000:
        assert len(served.prompts) == 2
        return
    written = len(served.prompts[-1]) - len(served.prompts[0])
    if budget:
        assert served.prompts[-1] == f"{served.prompts[0]}<think>\n{answered['reasoning']}{CLOSING}"
        assert served.asked[1].max_tokens == 100_000 - len(served.prompts[-1])
        assert usage["completion_tokens"] == written - len(CLOSING) + len(answer)
    else:
        assert len(served.prompts) == 2
        assert served.prompts[0].endswith(f"assistant\n<think>{CLOSING}")
        assert usage["completion_tokens"] == len(answer)


def test_an_opened_block_is_closed_before_anything_is_thought() -> None:
    served = engine(thinks("1"), Opening)
    message = chat(create_app(served), max_reasoning_tokens=0).json()["choices"][0]["message"]
    assert (message["content"], message["reasoning"]) == ("1", None)
    assert [prompt.rpartition("assistant\n")[2] for prompt in served.prompts] == ["<think>\n" + CLOSING]


def test_what_remains_of_max_tokens_is_the_answers() -> None:
    served = engine(thinks("It is 1."))
    body = chat(create_app(served), max_reasoning_tokens=4, max_tokens=17, min_tokens=15, seed=3).json()
    assert body["choices"][0]["message"]["content"] == "It is"
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 17
    assert [(asked.max_tokens, asked.min_tokens, asked.seed) for asked in served.asked] == [(17, 15, 3), (5, 3, 3)]


def test_thoughts_may_take_all_of_max_tokens() -> None:
    body = chat(create_app(engine(thinks("1"))), max_reasoning_tokens=12, max_tokens=12).json()
    assert body["choices"][0]["message"]["reasoning"] == "Let "
    assert body["choices"][0]["message"]["content"] == ""
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 4


@pytest.mark.parametrize("room", [12, 12 + len(CLOSING), 13 + len(CLOSING)])
def test_thoughts_that_fill_the_context_leave_no_answer(room: int) -> None:
    prompt = len(f"<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n<think>\n{THOUGHTS[:4]}")
    served = engine(thinks("It is 1."), max_model_len=prompt + room - 12 + 1)
    body = chat(create_app(served), max_reasoning_tokens=4).json()
    choice = body["choices"][0]
    left = max(0, room - 12 + 1 - len(CLOSING))
    assert (choice["message"]["content"], choice["finish_reason"]) == ("It is 1."[:left], "length")
    assert choice["message"]["reasoning"] == THOUGHTS[:4]


def test_every_choice_has_a_budget_and_a_seed_of_its_own() -> None:
    served = engine(thinks("1"))
    body = chat(create_app(served), n=2, seed=5, max_reasoning_tokens=3).json()
    assert [choice["message"]["reasoning"] for choice in body["choices"]] == ["Let", "Let"]
    assert sorted(asked.seed or 0 for asked in served.asked) == [5, 5, 6, 6]
    assert body["usage"]["completion_tokens"] == 2 * len("<think>\nLet1")
    assert body["usage"]["completion_tokens_details"] == {"reasoning_tokens": 6}


def test_each_attempt_has_the_whole_budget() -> None:
    served = engine(thinks('["a", "a"]', '["a", "a"]', '["b", "b"]', '["b", "b"]', '["a", "b"]'))
    app = create_app(served, settings=Settings(attempts=3))
    asked: dict[str, Any] = {"response_format": AS_UNIQUE, "max_reasoning_tokens": 3, "seed": 1, "temperature": 0}
    body = chat(app, retries="resample", **asked).json()
    assert body["choices"][0]["message"]["content"] == '["a", "b"]'
    assert body["choices"][0]["message"]["reasoning"] == "Let"
    assert [(asked.seed, asked.temperature) for asked in served.asked] == [
        (seed, temperature) for seed, temperature in [(1, 0), (2, 0.7), (3, 0.7)] for _ in range(2)
    ]
    assert body["usage"]["completion_tokens_details"] == {"reasoning_tokens": 9}


@pytest.mark.parametrize("stream", [False, True])
def test_an_engine_that_refuses_is_heard_before_anything_is_sent(stream: bool) -> None:
    async def refusing(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        raise PromptRefused("no")
        yield

    response = chat(create_app(engine(refusing)), max_reasoning_tokens=0, stream=stream)
    assert response.status_code == 400


def test_an_engine_that_fails_after_the_thoughts_never_looks_finished() -> None:
    async def failing(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        if bytes(prompt).decode().endswith(CLOSING):
            raise EngineFailed("gone")
        async for piece in thinks("1")(prompt, sampling):
            yield piece

    *chunks, last = events(chat(create_app(engine(failing)), max_reasoning_tokens=3, stream=True))
    assert "gone" in str(chunks[-1] if last == "[DONE]" else last)
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks if "choices" in chunk)


@pytest.mark.parametrize(("budget", "tail"), [(4, "Let <|end|><|start|>assistant"), (0, "assistant\n")])
@pytest.mark.parametrize("free", [True, False], ids=["free text", "tools"])
def test_harmony_goes_on_in_its_own_frames(free: bool, budget: int, tail: str) -> None:
    final = "<|channel|>final<|message|>"

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        before = bytes(prompt).decode()
        thought = f"<|channel|>analysis<|message|>{THOUGHTS}<|end|><|start|>assistant"
        begun = len(served.asked) == (1 if budget else 0)
        text = (thought if begun else "") + ("" if before.endswith(final) else final) + "It is 1."
        assert sampling.grammar is None or allowed(sampling.grammar, text.encode())
        for letter in text:
            yield Piece(letter, (ord(letter),))
        yield Piece("", (0,), finish="stop")

    served = engine(script, Harmony)
    fields: dict[str, Any] = {} if free else {"tools": TOOLS}
    message = chat(create_app(served), max_reasoning_tokens=budget, **fields).json()["choices"][0]["message"]
    assert (message["reasoning"], message["content"]) == ("Let " if budget else None, "It is 1.")
    assert served.prompts[-1].endswith(tail + final * free)


def test_without_thoughts_the_budget_is_ignored_and_nothing_is_counted() -> None:
    response = chat(create_app(ScriptedEngine(says("<think>1"))), max_reasoning_tokens=0)
    assert response.headers["x-latticework-ignored"] == "max_reasoning_tokens"
    assert "completion_tokens_details" not in response.json()["usage"]
    assert response.json()["choices"][0]["message"]["content"] == "<think>1"


def test_with_thoughts_it_is_not_ignored() -> None:
    response = chat(create_app(engine(thinks("1"))), max_reasoning_tokens=3, reasoning_effort="low")
    assert "x-latticework-ignored" not in response.headers


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_reasoning_tokens", -1),
        ("max_reasoning_tokens", 1.5),
        ("reasoning_effort", "much"),
        ("reasoning_effort", 3),
    ],
)
def test_what_is_no_bound_and_no_effort_is_refused(field: str, value: Any) -> None:
    response = chat(create_app(engine(thinks("1"))), **{field: value})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == field
