"""Requests for decisions: what their prompts are, and what is refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from latticework import Settings, create_app
from latticework.ask import Conversation
from latticework.doors.decisions.prompt import decision_asks
from latticework.doors.decisions.request import parse_decision_request
from latticework.doors.decisions.response import certainty
from latticework.engines.base import Piece, SampledToken, Sampling
from tests.http import send
from tests.latticework.generate.test_generation import Harmony, Opening
from tests.scripted import ByteTokenizer, ScriptedEngine

ASKED = {"type": "predicate", "instructions": "Is it so?"}


def decide(engine: ScriptedEngine, settings: Settings | None = None, **fields: Any) -> httpx.Response:
    body = {"model": "scripted", "input": "An input.", "questions": [ASKED], **fields}
    app = create_app(engine, settings=settings or Settings(compile_timeout=60))
    return send(app, "POST", "/v1/decisions", content=json.dumps(body))


async def likes_first(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    """Of the tokens that the grammar allows, the last one has a quarter, and the others the rest in equal parts."""
    assert sampling.grammar
    ids = [int(one) for one in sampling.grammar.removeprefix("start: <[").removesuffix("]>").split(",")]
    rest = 0.75 / (len(ids) - 1)
    tokens = [SampledToken("", math.log(rest), (one,), id=one) for one in ids[:-1]]
    tokens.append(SampledToken("", math.log(0.25), (ids[-1],), id=ids[-1]))
    yield Piece("", (ids[0],), (SampledToken("", tokens[0].logprob, (ids[0],), tuple(tokens), id=ids[0]),), "length")


@pytest.mark.parametrize("tokenizer", [ByteTokenizer, Opening, Harmony])
def test_an_answer_behind_reasoning_and_in_a_frame(tokenizer: type[ByteTokenizer]) -> None:
    """Both are markup that is certain, so that a token of the answer decides: N comes before Y."""
    engine = ScriptedEngine(likes_first, tokenizer=tokenizer())
    decision = decide(engine).json()
    assert decision["answers"] == [{"type": "predicate", "name": None, "probability": pytest.approx(0.25)}]
    assert decision["usage"]["output_tokens"] == len(engine.prompts) == 1
    assert decision["usage"]["input_tokens"] >= len("An input.")


def test_each_request_is_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "latticework.http.record")
    usage = decide(ScriptedEngine(likes_first)).json()["usage"]
    assert decide(ScriptedEngine(likes_first), questions=[]).status_code == 400
    answered, refused = [record.getMessage() for record in caplog.records]
    assert "model=scripted" in answered and "outcome=stop" in answered
    assert f"prompt_tokens={usage['input_tokens']} completion_tokens={usage['output_tokens']}" in answered
    assert "outcome=invalid_request_error" in refused


IMAGE = {"type": "input_image", "image_url": "data:,"}
CHOICES = {"type": "choice", "instructions": "?", "choices": [{"value": "a"}, {"value": "b"}]}
PROBLEMS: Mapping[str, tuple[dict[str, Any], str, int]] = {
    "no question": ({"questions": []}, "questions", 400),
    "too many questions": ({"questions": [ASKED] * 401}, "questions", 400),
    "one choice": ({"questions": [{**CHOICES, "choices": [{"value": "a"}]}]}, "questions[0].choices", 400),
    "equal choices": (
        {"questions": [ASKED, {**CHOICES, "choices": [{"value": "a"}, {"value": True}, {"value": "a"}]}]},
        "questions[1].choices[2].value",
        400,
    ),
    "65 choices": (
        {"questions": [{**CHOICES, "choices": [{"value": str(one)} for one in range(65)]}]},
        "questions[0].choices",
        400,
    ),
    "11 levels": (
        {"questions": [{"type": "score", "instructions": "?", "levels": [{"label": "x"}] * 11}]},
        "questions[0].levels",
        400,
    ),
    "no input": ({"input": ""}, "input", 400),
    "an image": ({"input": [{"role": "user", "content": [IMAGE]}]}, "input[0].content[0]", 400),
    "an image in a question": (
        {"questions": [{**ASKED, "instructions": [IMAGE]}]},
        "questions[0].instructions[0]",
        400,
    ),
    "an unknown field": ({"temperature": 1}, "temperature", 400),
    "an unknown field of a question": ({"questions": [{**ASKED, "weight": 1}]}, "questions[0].weight", 400),
    "an output without its call": (
        {"input": [{"type": "function_call_output", "call_id": "a", "output": "1"}]},
        "input[0].call_id",
        400,
    ),
    "too long": ({"input": "a" * 100_000}, "input", 400),
    "an unknown model": ({"model": "other"}, "model", 404),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_what_is_refused_is_refused_by_name(problem: str) -> None:
    fields, param, status = PROBLEMS[problem]
    engine = ScriptedEngine(likes_first)
    response = decide(engine, **fields)
    assert (response.status_code, response.json()["error"]["param"]) == (status, param), response.text
    assert not engine.prompts


def test_too_many_questions_are_counted() -> None:
    response = decide(ScriptedEngine(likes_first), questions=[ASKED] * 401)
    assert "it has 401 items, and at most 400 are allowed" in response.json()["error"]["message"]


def test_questions_share_the_beginning_of_their_prompts() -> None:
    """Messages, calls and their results come before the question, and all but the question is the same."""
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    items: list[dict[str, Any]] = [
        {"role": "developer", "content": [{"type": "input_text", "text": "Rules."}]},
        {
            "role": "user",
            "content": [{"type": "input_json", "data": {"n": [1, None]}}, {"type": "input_text", "text": "x"}],
        },
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        call,
        {**call, "type": "custom_tool_call", "call_id": "d", "input": "i"},
        {"type": "custom_tool_call_output", "call_id": "d", "output": [{"type": "input_text", "text": "done"}]},
    ]
    body = {"model": "m", "input": items, "questions": [ASKED, CHOICES], "prompt_cache_key": "k"}
    del items[4]["arguments"]
    first, second = (ask.prompt for ask in decision_asks(parse_decision_request(body)))
    assert isinstance(first, Conversation) and isinstance(second, Conversation)
    assert first.messages[:-1] == second.messages[:-1]
    system, *others = first.messages[:-1]
    assert system["role"] == "system"
    assert [message["role"] for message in others] == ["developer", "user", "assistant", "assistant", "tool"]
    assert others[1]["content"] == '{"n": [1, null]}\nx'
    assert [call["id"] for call in others[3]["tool_calls"]] == ["c", "d"]
    assert "Is it so?" in first.messages[-1]["content"]
    assert second.messages[-1]["content"].endswith("a\nb")


def test_quotas_and_keys_apply() -> None:
    engine = ScriptedEngine(likes_first)
    assert decide(engine, Settings(api_keys=("key",))).status_code == 401
    app = create_app(engine, settings=Settings(requests_per_minute=1))
    body = json.dumps({"model": "scripted", "input": "x", "questions": [ASKED]})
    assert [send(app, "POST", "/v1/decisions", content=body).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [([0.5, 0.5], 0.0), ([1.0, 0.0], 1.0), ([0.25] * 4, 0.0), ([0.55, 0.15, 0.15, 0.15], 0.4)],
)
def test_confidence(probabilities: list[float], expected: float) -> None:
    assert certainty(probabilities) == pytest.approx(expected)
