"""Which chat template a model gets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from latticework import Served, Settings, create_app, lifespan
from latticework.engines.huggingface import one_template
from latticework.options import InvalidSetting
from latticework.prompt import ChatTemplate
from latticework.prompt.fallback import CHATML, PLAIN, ChosenTemplate, choose_template, load_template
from tests.scripted import ByteTokenizer, ScriptedEngine, says
from turngrammar.formats import FORMATS

INLINE = "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
TOOL = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": '{"zone": "CET"}'}}
TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Be terse."},
    {"role": "user", "content": "What time is it?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "content": "noon", "tool_call_id": "call_1"},
]


class Bare(ByteTokenizer):
    """Of a base model: no chat template."""

    chat_template = None  # type: ignore[assignment]


class BareChatml(Bare):
    special_tokens: Mapping[str, int] = {"<|im_start|>": 1, "<|im_end|>": 2}


def test_a_template_is_a_file_or_the_option_itself(tmp_path: Path) -> None:
    file = tmp_path / "chat.jinja"
    file.write_text(INLINE)
    assert load_template(str(file)) == load_template(INLINE) == INLINE


@pytest.mark.parametrize(
    ("setting", "error"),
    [("no/such/file.jinja", "'no/such/file.jinja' can't be read"), ("{% for m in messages %}", "not valid Jinja")],
)
def test_an_invalid_template_is_refused_before_anything_is_loaded(setting: str, error: str) -> None:
    with pytest.raises(InvalidSetting, match=error):
        create_app(ScriptedEngine(says("hi")), settings=Settings(chat_template=setting))


@pytest.mark.parametrize(
    ("named", "own", "tokens", "chosen"),
    [
        ("named", "own", ("<|im_start|>",), ChosenTemplate("named")),
        (None, "own", ("<|im_start|>",), ChosenTemplate("own")),
        (None, "", (), ChosenTemplate("")),
        (None, None, ("<|im_start|>",), ChosenTemplate(CHATML, "ChatML")),
        (None, None, (), ChosenTemplate(PLAIN, "plain text, each message after its role")),
    ],
)
def test_the_setting_goes_first_and_the_fallbacks_last(
    named: str | None, own: str | None, tokens: tuple[str, ...], chosen: ChosenTemplate
) -> None:
    assert choose_template(named, own, tokens) == chosen


@pytest.mark.parametrize("source", [CHATML, PLAIN])
def test_nothing_is_lost_in_the_fallbacks(source: str) -> None:
    text = ChatTemplate(source, {"bos_token": "<s>", "eos_token": "</s>"}).render(
        TALK, format=FORMATS["fenced"], tools=[TOOL]
    )
    for word in ("Be terse.", "clock", "What time is it?", "CET", "noon"):
        assert word in text
    assert text.rstrip().lower().endswith(("assistant", "assistant:"))


def test_the_exact_text_of_the_fallbacks() -> None:
    talk = [TALK[0], TALK[1], {"role": "assistant", "content": "Noon."}, {"role": "user", "content": "Thanks"}]
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    plain = ChatTemplate(PLAIN, tokens).render(talk, format=FORMATS["fenced"])
    text = "System: Be terse.\n\nUser: What time is it?\n\nAssistant: Noon.</s>\n\nUser: Thanks\n\nAssistant:"
    assert plain == f"<s>{text}"
    assert ChatTemplate(PLAIN).render(talk, format=FORMATS["fenced"]) == text.replace("</s>", "")
    assert ChatTemplate(CHATML).render(talk[:2], format=FORMATS["fenced"]) == (
        "<|im_start|>system\nBe terse.<|im_end|>\n<|im_start|>user\nWhat time is it?<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize(
    ("named", "tools", "text"),
    [
        ({"default": "D{{ 1 }}", "tool_use": "T{{ 2 }}", "rag": "R"}, [TOOL], "T2"),
        ({"default": "D{{ 1 }}", "tool_use": "T{{ 2 }}"}, None, "D1"),
        ({"default": "D"}, [TOOL], "D"),
        ({"tool_use": "T"}, None, "T"),
    ],
)
def test_one_of_several_named_templates_is_used(named: Mapping[str, str], tools: Any, text: str) -> None:
    source = one_template(named)
    assert source is not None
    assert ChatTemplate(source)._template.render({"messages": [], "tools": tools}) == text


def test_named_templates_without_a_default_are_not_used() -> None:
    assert one_template({"rag": "R"}) is None


async def prompted(engine: ScriptedEngine, **own: Any) -> tuple[str, Any]:
    """The prompt of a question, and the model's state in /health."""
    app = create_app(Served(engine, **own))
    async with lifespan(app)(None), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        body = {"model": "scripted", "messages": [{"role": "user", "content": "Hello"}]}
        response = await client.post("http://test/v1/chat/completions", json=body)
        assert response.status_code == 200, response.text
        return engine.prompts[-1], (await client.get("http://test/health")).json()["models"]["scripted"]


@pytest.mark.parametrize(
    ("tokenizer", "own", "prompt", "fallback"),
    [
        (ByteTokenizer(), {"chat_template": INLINE}, "[user] Hello\n", None),
        (Bare(), {"chat_template": INLINE}, "[user] Hello\n", None),
        (Bare(), {}, "<|im_start|>User: Hello\n\nAssistant:", "plain text, each message after its role"),
        (BareChatml(), {}, "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", "ChatML"),
    ],
)
def test_a_model_is_prompted_with_it(
    tokenizer: ByteTokenizer,
    own: Mapping[str, Any],
    prompt: str,
    fallback: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "latticework"):
        text, state = asyncio.run(prompted(ScriptedEngine(says("hi"), tokenizer=tokenizer), **own))
    assert text == prompt
    assert state["chat_template"] == fallback
    assert state["settings"] == {}  # where files are is nobody's business
    warnings = [record.getMessage() for record in caplog.records if "no chat template" in record.getMessage()]
    assert len(warnings) == (fallback is not None)
    assert all(fallback in warning and "--chat-template" in warning for warning in warnings if fallback)
