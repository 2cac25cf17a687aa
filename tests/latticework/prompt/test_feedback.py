"""What the model is told of a rejected answer: short, whatever the violations quote, and as its template renders it."""

from __future__ import annotations

import pytest

from latticework.prompt import ChatTemplate
from latticework.prompt.feedback import MOST_VIOLATIONS, TEXT, VIOLATION_LENGTH, described_violations, rejected_turn
from tests import shared
from tests.families import families
from turngrammar.formats import FORMATS
from turngrammar.plan import TurnViolation
from turngrammar.render import Call


def violation(pointer: str = "", message: str = "wrong", part: str = "content") -> TurnViolation:
    return TurnViolation(part, pointer, "pattern", message)


def test_long_texts_are_cut() -> None:
    text = described_violations([violation("/k" * 9_000, "m" * 9_000)] * 9_000, *TEXT)
    assert len(text) < MOST_VIOLATIONS * (VIOLATION_LENGTH + 150) + 200
    assert "- and 8995 more\n" in text


def test_half_a_surrogate_pair_is_no_token() -> None:
    text = described_violations([violation("/\ud800", "\udfff is wrong")], *TEXT)
    assert "- /? (pattern): ? is wrong\n" in text


PARAMETERS = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
TOOL = {"type": "function", "function": {"name": "f", "description": "F.", "parameters": PARAMETERS}}
REJECTED_TURNS = {
    "text": ((), rejected_turn("an answer", (), [violation(message="a mistake")])),
    "call": ((TOOL,), rejected_turn("", [Call("f", '{"a": "an answer"}')], [violation("/a", "a mistake", "call 0")])),
}
# Their templates are strict about roles and ids; the last two are not.
STRICT = ("mistral_7b", "mistral_nemo", "mistral_small32", "gemma3_pythonic", "gpt_oss", "llama31", "qwen3")


@pytest.mark.parametrize("kind", REJECTED_TURNS)
@pytest.mark.parametrize("name", [name for name in STRICT if name in families()])
def test_real_templates_render_it(name: str, kind: str) -> None:
    tools, turn = REJECTED_TURNS[kind]
    source = (shared.DATA / "families" / name / "chat_template.jinja").read_text()
    template = ChatTemplate(source, {"bos_token": "<s>", "eos_token": "</s>"})
    messages = [{"role": "user", "content": "hi"}, *turn]
    prompt = template.prompt(
        messages,
        format=FORMATS[families()[name].format],
        tools=tools,
        schema=None,
        template_kwargs={},
        add_generation_prompt=True,
        continued=False,
    )
    places = [prompt.text.find(text) for text in ("hi", "an answer", "a mistake")]
    assert -1 not in places
    assert places == sorted(places)
