"""Reasoning with real chat templates: the rendered prompt decides, and plan, grammar and parser agree with it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from latticework.ask import Ask
from latticework.doors.chat.request import ChatRequest, chat_asks
from latticework.model import Model
from latticework.models import Models
from latticework.prepare import jobs_of
from latticework.settings import Settings
from latticework.turn import Job
from latticework.turn.reasoning import closing_markup, variables
from tests import shared
from tests.http import USER
from tests.scripted import ByteTokenizer, ScriptedEngine, says
from tests.turngrammar.laws import chunkings, generates, read
from turngrammar.formats import FORMATS
from turngrammar.formats.format import Format, Frame
from turngrammar.render import Call, render
from turngrammar.turn import Reasoning, reasoning_after

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = {"tools": [{"type": "function", "function": {"name": "weather", "description": "w", "parameters": SCHEMA}}]}
DOCUMENT = {"response_format": {"type": "json_schema", "json_schema": {"name": "d", "schema": SCHEMA}}}
ARGUMENTS = '{"city": "Oslo"}'
# The id as the wire has it, in those formats that have one.
IDS = {"command": "0", "kimi_k2": "functions.weather:0"}
THOUGHTS = "Is <b>Oslo</b> meant?"
TEXT, JSON = "It rains.", '{"city": "Oslo"}'

# What each template leaves to the model: unasked, then with fields of the request.
LEFT: Mapping[str, Mapping[str, Reasoning]] = {
    "Qwen-Qwen3-0.6B": {"": "may", "on": "may", "off": "off", "high": "may", "none": "off"},
    "Qwen3.5-4B": {"": "open", "on": "open", "off": "off", "high": "open", "none": "off"},
    "openai-gpt-oss-120b": {"": "may", "on": "may", "off": "may", "high": "may", "none": "may"},
    "ByteDance-Seed-OSS": {"": "may", "on": "may", "off": "may", "high": "may", "none": "may"},
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B": {"": "open", "off": "open", "none": "open"},
    "deepseek-ai-DeepSeek-V3.1": {"": "off", "on": "open", "off": "off", "high": "open", "none": "off"},
    "GLM-4.6": {"": "may", "on": "may", "off": "off", "high": "may", "none": "off"},
    "GLM-4.7-Flash": {"": "open", "on": "open", "off": "off", "high": "open", "none": "off"},
    "google-gemma-4-31B-it": {"": "off", "on": "may", "off": "off", "high": "may", "none": "off"},
    "Cohere2MoE": {"": "open", "on": "open", "off": "open", "high": "open", "none": "off"},
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": {"": "off", "on": "may", "off": "off", "high": "may"},
    "mistralai-Ministral-3-14B-Reasoning-2512": {"": "may", "on": "may", "off": "may", "high": "may"},
    "ibm-granite-granite-3.3-2B-Instruct": {"": "may", "high": "may", "none": "may"},
    "MiniMax-M2": {"": "open", "off": "open", "none": "open"},
}
ASKED: Mapping[str, dict[str, Any]] = {
    "": {},
    "on": {"chat_template_kwargs": {"enable_thinking": True}},
    "off": {"chat_template_kwargs": {"enable_thinking": False}},
    "high": {"reasoning_effort": "high"},
    "none": {"reasoning_effort": "none"},
}
# The kinds of turn, with one that they allow: its calls, its content.
TURNS: Mapping[str, tuple[dict[str, Any], bool, str]] = {
    "free text": ({}, False, TEXT),
    "auto, text": (TOOLS, False, TEXT),
    "auto, call": (TOOLS, True, ""),
    "required": ({**TOOLS, "tool_choice": "required"}, True, ""),
    "document": (DOCUMENT, False, JSON),
    "call or document, call": ({**TOOLS, **DOCUMENT}, True, ""),
    "call or document, document": ({**TOOLS, **DOCUMENT}, False, JSON),
}


# Those in which a call can't be taken for text.
ALONE = ("required", "call or document, call")


@cache
def sources() -> Mapping[str, str]:
    return {row["name"]: row["template"] for row in shared.rows("chat_templates")}


@cache
def model(name: str) -> Model:
    """The one with this chat template, its tokens bytes."""

    class Tokenizer(ByteTokenizer):
        chat_template = sources()[name]

    engine = ScriptedEngine(says(), tokenizer=Tokenizer())
    return asyncio.run(Models([engine], Settings()).find("scripted"))


def request(**fields: Any) -> ChatRequest:
    return ChatRequest.model_validate({"model": "m", "messages": [USER], **fields})


def ask(**fields: Any) -> Ask:
    (only,) = chat_asks(request(**fields), {"messages": [USER]})
    return only


def prepared(name: str, **fields: Any) -> tuple[Format, str, Job]:
    """The model's format, the rendered prompt, and the job."""
    served = model(name)
    (job,) = asyncio.run(jobs_of(served, lambda: [ask(**fields)]))
    return served.format, bytes(job.prompt).decode(), job


@pytest.mark.parametrize("name", LEFT)
def test_the_request_switches_thinking_and_the_prompt_says_how_that_went(name: str) -> None:
    found = {}
    for asked in LEFT[name]:
        format, prompt, _ = prepared(name, **ASKED[asked])
        found[asked] = reasoning_after(format, prompt)
    assert found == LEFT[name]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", LEFT)
def test_plan_grammar_and_parser_agree_with_the_prompt(name: str, turn: str) -> None:
    fields, calls, content = TURNS[turn]
    for asked in {left: asked for asked, left in LEFT[name].items()}.values():
        format, prompt, job = prepared(name, **fields, **ASKED[asked])
        reasoning = reasoning_after(format, prompt)
        rest = answered(format, calls, content)
        unthought = (format.lead if turn in ALONE else "") + rest
        text = unthought if reasoning == "off" else thought(format, reasoning, turn) + rest
        assert job.reasons
        assert writable(job.plan.grammar, text)
        if job.plan.grammar and turn not in ("auto, text", "auto, call"):  # where nothing is free but thoughts
            assert generates(job.plan.grammar, unthought) == (reasoning != "open")
            assert generates(job.plan.grammar, thought(format, "may", turn) + rest) == (reasoning != "off")
        for pieces in chunkings(text, random.Random(1)):
            message = read(job.plan, pieces)
            assert not message.malformed
            assert message.content == content
            assert message.reasoning == ("" if reasoning == "off" else THOUGHTS)
            assert [(call.name, call.arguments) for call in message.calls] == [("weather", ARGUMENTS)] * calls


def answered(format: Format, calls: bool, content: str) -> str:
    answer = format.answer or Frame("", "")
    call = Call("weather", ARGUMENTS, IDS.get(format.name))
    return render(format, [call]) if calls else answer.open + content + answer.close


def thought(format: Format, reasoning: Reasoning, turn: str = "document") -> str:
    """The thoughts, and the whitespace that stands between them and such a turn."""
    frame = placed(format, turn)
    block = THOUGHTS + frame.close + frame.resume + frame.gap
    return {"off": "", "open": block, "may": frame.lead + frame.open + block}[reasoning]


def placed(format: Format, turn: str) -> Frame:
    """The frame of the thoughts as it stands before such a turn."""
    frame = format.reasoning
    assert frame
    if turn in ALONE:
        return frame.before_calls
    return frame if "document" in turn else frame.before_either


def writable(grammar: str | None, text: str) -> bool:
    return grammar is None or generates(grammar, text)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", LEFT)
@pytest.mark.parametrize("tokens", [0, 9])
def test_ended_thoughts_lead_to_an_answer_that_grammar_and_parser_know(name: str, turn: str, tokens: int) -> None:
    """With tokens that are bytes: after `tokens` of the thoughts, or before they begin."""
    fields, calls, content = TURNS[turn]
    switched = {"chat_template_kwargs": {"enable_thinking": True, "thinking": True, "thinking_budget": -1}}
    format, prompt, job = prepared(name, max_reasoning_tokens=tokens, **fields, **switched)
    assert job.budget
    assert job.budget.tokens == tokens
    assert bytes(job.budget.closing_ids).decode() == job.budget.closing
    begun = (
        thought(format, reasoning_after(format, prompt)).partition(THOUGHTS)[0] + THOUGHTS[:tokens] if tokens else ""
    )
    rest = answered(format, calls, content)
    if job.budget.grammar is not None:
        frame, before = placed(format, turn), placed(format, "free text")
        closed = job.budget.closing.endswith(before.close + before.resume + before.gap)
        rest = (frame.gap.removeprefix(before.gap) if closed else format.lead if turn in ALONE else "") + rest
    text = begun + job.budget.closing + rest
    if job.budget.grammar is None and format.answer:
        rest = rest.removeprefix(format.answer.open)
        text = begun + job.budget.closing + rest
    assert writable(job.budget.grammar, rest)
    assert writable(job.plan.grammar, text)
    for pieces in chunkings(text, random.Random(1)):
        message = read(job.plan, pieces)
        assert not message.malformed
        assert (message.reasoning, message.content) == (THOUGHTS[:tokens], content)
        assert len(message.calls) == calls


def test_a_budget_needs_thoughts_that_the_model_may_have() -> None:
    assert prepared("Qwen-Qwen3-0.6B", max_reasoning_tokens=5)[2].budget
    assert prepared("Qwen-Qwen3-0.6B", max_reasoning_tokens=0)[2].budget is None  # the template has closed them
    silent = prepared("Qwen-Qwen2.5-7B-Instruct", max_reasoning_tokens=5)[2]
    assert (silent.budget, silent.reasons) == (None, False)


@pytest.mark.parametrize("name", LEFT)
def test_the_draft_of_a_model_with_marks_is_its_reasoning_switched_on(name: str) -> None:
    drafted = prepared(name, **DOCUMENT, draft_tokens=5)[2]
    assert (drafted.budget and drafted.budget.tokens, drafted.draft) == (5, None)


def test_a_draft_without_marks_is_where_the_reasoning_is_over() -> None:
    """A client's variables of the template win."""
    for name, fields in (("Qwen-Qwen3-0.6B", ASKED["off"]), ("Qwen-Qwen2.5-7B-Instruct", {})):
        drafted = prepared(name, **DOCUMENT, **fields, draft_tokens=5)[2]
        assert (drafted.draft and drafted.draft.tokens, drafted.budget) == (5, None)
        assert drafted.reasons


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, {}),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "low", "enable_thinking": True, "thinking": True}),
        ({"reasoning_effort": "none"}, {"reasoning_effort": "none", "enable_thinking": False, "thinking": False}),
        ({"max_reasoning_tokens": 512}, {"thinking_budget": 512}),
        (
            {"reasoning_effort": "max", "max_reasoning_tokens": 0},
            {"reasoning_effort": "max", "thinking_budget": 0, "enable_thinking": False, "thinking": False},
        ),
    ],
)
def test_what_templates_are_told(fields: dict[str, Any], told: dict[str, Any]) -> None:
    assert variables(ask(**fields), FORMATS["hermes"]) == told
    unthinking = {name: value for name, value in told.items() if name != "thinking_budget"}
    if "max_reasoning_tokens" not in fields:
        assert variables(ask(**fields), FORMATS["llama3"]) == unthinking


def test_the_effort_reaches_the_template_and_its_own_arguments_win() -> None:
    harmony = "openai-gpt-oss-120b"
    assert "Reasoning: high" in prepared(harmony, reasoning_effort="high")[1]
    own = {"chat_template_kwargs": {"reasoning_effort": "low"}}
    assert "Reasoning: low" in prepared(harmony, reasoning_effort="high", **own)[1]
    qwen = {"chat_template_kwargs": {"enable_thinking": False}}
    assert prepared("Qwen-Qwen3-0.6B", reasoning_effort="high", **qwen)[1].endswith("</think>\n\n")
    assert "thinking budget, which is 512" in prepared("ByteDance-Seed-OSS", max_reasoning_tokens=512)[1]


@pytest.mark.parametrize(
    ("name", "begun", "free", "markup"),
    [
        ("hermes", True, True, "</think>\n\n"),
        ("hermes", False, True, "<think></think>\n\n"),
        ("gemma4", False, False, "<|channel>thought\n<channel|>"),
        ("harmony", True, False, "<|end|><|start|>assistant"),
        ("harmony", True, True, "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("harmony", False, True, "<|channel|>final<|message|>"),
        ("harmony", False, False, ""),
        ("llama3", True, True, ""),
    ],
)
def test_how_thoughts_are_ended(name: str, begun: bool, free: bool, markup: str) -> None:
    assert closing_markup(FORMATS[name], begun=begun, free=free) == markup
