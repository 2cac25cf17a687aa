"""gpt-oss: what is read of a call, on whichever channel it came, stands in the next prompt."""

from __future__ import annotations

from typing import Any

import pytest

from latticework.prompt import ChatTemplate
from tests import shared
from tests.families import families
from tests.turngrammar.laws import read
from turngrammar.formats.marked import HARMONY
from turngrammar.plan import compile_turn
from turngrammar.turn import Tool, Turn

TOOL = Tool("f", "", {"type": "object"})
OFFERED = [
    {"type": "function", "function": {"name": "f", "description": "The tool.", "parameters": {"type": "object"}}}
]
THOUGHTS = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"


@pytest.mark.parametrize("head", ["<|channel|>analysis to=functions.f", " to=functions.f<|channel|>analysis"])
def test_a_call_on_the_analysis_channel_is_kept_in_the_history(head: str) -> None:
    plan = compile_turn(Turn(HARMONY, (TOOL,), reasoning="may"))
    message = read(plan, [f'{THOUGHTS}{head} <|constrain|>json<|message|>{{"a": "Oslo"}}'])
    (call,) = message.calls
    function = {"name": call.name, "arguments": call.arguments}
    answer: dict[str, Any] = {
        "role": "assistant",
        "content": message.content or None,
        "reasoning_content": message.reasoning,
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
    }
    result = {"role": "tool", "tool_call_id": "call_1", "content": "It rains."}
    prompt = template().render([{"role": "user", "content": "And?"}, answer, result], format=HARMONY, tools=OFFERED)
    _, _, history = prompt.partition("And?<|end|>")
    assert history == (
        "<|start|>assistant<|channel|>analysis<|message|>Hm.<|end|>"
        '<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{"a": "Oslo"}<|call|>'
        '<|start|>functions.f to=assistant<|channel|>commentary<|message|>"It rains."<|end|><|start|>assistant'
    )


def template() -> ChatTemplate:
    shared.path("families/families.json")
    return ChatTemplate(shared.path(f"families/{families()['gpt_oss'].name}/chat_template.jinja").read_text(), {})
