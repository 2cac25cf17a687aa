"""Turns of free text that a model ends without an answer: they go on behind the same tokens, until there is one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec
import pytest

from latticework import Settings, create_app
from latticework.engines.base import Piece, SampledToken, Sampling
from latticework.turn.reasoning import Resumption
from tests.http import chat, events
from tests.latticework.doors.messages import messaging
from tests.latticework.doors.responses import responding
from tests.latticework.generate.test_generation import Harmony, Opening, Thinking, allowed, folded, whole
from tests.scripted import ByteTokenizer, Script, ScriptedEngine
from turngrammar.formats import FORMATS
from turngrammar.turn import Reasoning

END = 0


def ending(*texts: str) -> Script:
    """Writes one text a prompt, a byte a token, and ends each with the token that ends turns; at most `max_tokens`."""
    left = list(texts)

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        written = list(left.pop(0).encode())
        assert sampling.grammar is None or allowed(sampling.grammar, written)
        for token in written[: sampling.max_tokens]:
            yield Piece(chr(token), (token,))
        cut = len(written) >= sampling.max_tokens
        yield Piece("", () if cut else (END,), finish="length" if cut else "stop")

    return script


def ended(tokenizer: type[ByteTokenizer]) -> ByteTokenizer:
    """One whose turns end with a token."""
    made = tokenizer()
    made.ends = (END,)
    return made


def serving(*texts: str, tokenizer: type[ByteTokenizer] = Thinking) -> tuple[Any, ScriptedEngine]:
    engine = ScriptedEngine(ending(*texts), tokenizer=ended(tokenizer))
    return create_app(engine, settings=Settings(compile_timeout=60)), engine


# How a model ends its turn, and the markup behind which it goes on.
ENDED: dict[str, tuple[type[ByteTokenizer], str, str, str]] = {
    "at once": (Thinking, "", "<think></think>\n\n", ""),
    "within its reasoning": (Thinking, "<think>\nHm, 1 < 2", "</think>\n\n", "Hm, 1 < 2"),
    "within the markup": (Thinking, "<think>\nHm</thi", "nk>\n\n", "Hm"),
    "behind its reasoning": (Thinking, "<think>\nHm\n</think>", "\n\n", "Hm\n"),
    "behind whitespace": (Thinking, "<think>\nHm\n</think>\n\n ", "", "Hm\n"),
    "where the prompt opens it": (Opening, "Hm", "</think>\n\n", "Hm"),
    "there, at once": (Opening, "", "</think>\n\n", ""),
    "before the frame of the answer": (
        Harmony,
        "<|channel|>analysis<|message|>Hm<|end|><|start|>assi",
        "stant<|channel|>final<|message|>",
        "Hm",
    ),
    "within it": (Harmony, "<|channel|>final<|message|> ", "", ""),
    "before any frame": (Harmony, "", "<|channel|>final<|message|>", ""),
}


@pytest.mark.parametrize("end", ENDED)
def test_the_turn_goes_on_behind_the_same_tokens(end: str) -> None:
    tokenizer, text, markup, thoughts = ENDED[end]
    app, engine = serving(text, "It is 1.", tokenizer=tokenizer)
    body = chat(app, max_tokens=500).json()
    told = whole(body)
    assert (told["content"].strip(), told["reasoning"], told["finish"]) == ("It is 1.", thoughts, "stop")
    assert "warnings" not in body
    first, second = engine.prompts
    assert second == first + text + markup
    assert engine.asked[1].max_tokens == 500 - len(text) - 1
    assert told["usage"]["completion_tokens"] == len(text) + 1 + len("It is 1.") + 1
    app, _ = serving(text, "It is 1.", tokenizer=tokenizer)
    streamed = chat(app, max_tokens=500, stream=True, stream_options={"include_usage": True})
    assert folded(events(streamed)[:-1]) == told


def test_an_answer_ends_as_it_did() -> None:
    for text in ("1", "<think>\nHm\n</think>\n\n1"):
        app, engine = serving(text)
        assert chat(app, max_tokens=500).json()["choices"][0]["message"]["content"] == "1"
        assert len(engine.prompts) == 1


def listing(script: Script) -> Script:
    """The same, with the log probabilities of the prompt."""

    async def listed(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        tokens = [SampledToken(chr(byte), -1.0, (byte,), id=byte) for byte in prompt]
        listed = () if sampling.prompt_logprobs is None else (None, *tokens[1:])
        async for piece in script(prompt, sampling):
            yield msgspec.structs.replace(piece, prompt_logprobs=listed)
            listed = ()

    return listed


CLOSED = {"response_format": {"type": "json_object"}, "truncation": "close"}


@pytest.mark.parametrize(
    ("fields", "texts"),
    [
        ({}, ("<think>\nHm", "It is 1.")),
        ({"max_reasoning_tokens": 0}, ("It is 1.",)),
        ({"max_reasoning_tokens": 3}, ("<think>\nHm, hm", "It is 1.")),
        (CLOSED, ('<think>\nHm</think>\n\n{"a": 1}',)),
    ],
)
def test_log_probabilities_of_the_prompt_are_those_of_the_request(fields: dict[str, Any], texts: tuple[str]) -> None:
    engine = ScriptedEngine(listing(ending(*texts)), tokenizer=ended(Thinking))
    app = create_app(engine, settings=Settings(compile_timeout=60))
    body = chat(app, prompt_logprobs=0, max_tokens=500, **fields).json()
    assert len(engine.prompts) == len(texts)
    assert len(body["prompt_logprobs"]) == body["usage"]["prompt_tokens"]


def test_a_prompt_that_goes_on_needs_no_more_tokens_than_have_room() -> None:
    engine = ScriptedEngine(ending("<think>\nHm, hm", "It is 1."), tokenizer=ended(Thinking), max_model_len=120)
    chat(create_app(engine), max_reasoning_tokens=5, min_tokens=60)
    assert len(engine.asked) == 2
    assert all(sampling.min_tokens <= sampling.max_tokens for sampling in engine.asked)


THOUGHT = "<think>\nHm"
# Requests whose answer stays empty, and what ends them.
EMPTY: dict[str, tuple[dict[str, Any], str]] = {
    "the limit": ({"max_tokens": len(THOUGHT)}, "the token limit"),
    "the limit, at the end of the turn": ({"max_tokens": len(THOUGHT) + 1}, "the token limit"),
    "a token of the client's": ({"stop_token_ids": [ord("m")], "max_tokens": 500}, "a token"),
    "words that are excluded": ({"bad_words": ["x"], "max_tokens": 500}, "a token"),
    "tokens that are excluded": ({"allowed_token_ids": [1, 2], "max_tokens": 500}, "a token"),
}


@pytest.mark.parametrize("cause", EMPTY)
def test_an_answer_that_stays_empty_says_so(cause: str) -> None:
    fields, why = EMPTY[cause]

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        for token in THOUGHT.encode()[: sampling.max_tokens - 1]:
            yield Piece(chr(token), (token,))
        last = ord("m") if sampling.stop_token_ids else END
        yield Piece("", (last,), finish="length" if sampling.max_tokens == len(THOUGHT) else "stop")

    engine = ScriptedEngine(script, tokenizer=ended(Thinking))
    app = create_app(engine)
    body = chat(app, **fields).json()
    (warning,) = body["warnings"]
    assert warning["code"] == "empty_answer"
    assert why in warning["message"]
    assert len(engine.prompts) == 1
    last = events(chat(app, stream=True, **fields))[-2]
    assert last["warnings"] == [warning]


def test_a_stop_string_may_leave_nothing() -> None:
    app, engine = serving("<think>\nHm\n</think>\n\nSTOP 1")
    body = chat(app, stop=["STOP"], max_tokens=500).json()
    assert body["choices"][0]["message"]["content"] == ""
    assert [warning["code"] for warning in body["warnings"]] == ["empty_answer"]
    assert len(engine.prompts) == 1


def test_behind_a_budget_and_for_each_of_several_answers() -> None:
    app, engine = serving("<think>\nHm, hm, hm", " ", "It is 1.")
    message = chat(app, max_reasoning_tokens=3, max_tokens=500).json()["choices"][0]["message"]
    assert (message["content"].strip(), message["reasoning"]) == ("It is 1.", "Hm,")
    assert engine.prompts[2] == f"{engine.prompts[0]}<think>\nHm,</think>\n\n "
    app, engine = serving("", "", "It is 1.", "It is 1.")
    contents = [choice["message"]["content"] for choice in chat(app, n=2, seed=5, max_tokens=500).json()["choices"]]
    assert contents == ["It is 1."] * 2
    assert sorted(sampling.seed or 0 for sampling in engine.asked) == [5, 5, 6, 6]


def test_messages_and_responses_go_on_too() -> None:
    app, _ = serving(THOUGHT, "It is 1.", THOUGHT, "It is 1.")
    thinking = {"type": "enabled", "budget_tokens": 1024}
    message = messaging.whole(app, max_tokens=2000, thinking=thinking)
    assert [block["type"] for block in message["content"]] == ["thinking", "text"]
    assert responding.whole(app)["output"][-1]["content"][0]["text"] == "It is 1."


MISSING: list[tuple[str, Reasoning, str, str]] = [
    ("hermes", "off", "", ""),
    ("hermes", "closed", "\n", "\n"),
    ("hermes", "closed", "\n\n\n", ""),
    ("harmony", "off", "<|channel|>fin", "al<|message|>"),
    ("harmony", "answer", " ", ""),
    ("minimax_m3", "may", "</mm:think>", ""),
]


@pytest.mark.parametrize(("format", "reasoning", "text", "missing"), MISSING)
def test_the_missing_markup(format: str, reasoning: Reasoning, text: str, missing: str) -> None:
    resumption = Resumption(FORMATS[format], reasoning, "", frozenset(), lambda text: list(text.encode()))
    assert resumption.missing(text) == missing
