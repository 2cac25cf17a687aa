"""What real chat templates write for calls, against what the chosen format's wire tree writes."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from latticework.prompt.jinja_template import JinjaTemplate
from tests import shared
from tests.turngrammar.laws import generates, read
from turngrammar.formats import choose
from turngrammar.plan import compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import Tool, Turn, reasoning_after

# row of chat_templates.jsonl.gz | the format that must be chosen
TABLE = """
Kimi-K3                                  kimi_k3
MiniMax-M3                               minimax_m3
tencent-Hy3                              hy3
muse-glimmer                             muse_glimmer
tool_chat_template_muse_glimmer          muse_glimmer
inclusionai-ling-3.0-flash               ling3
openbmb-MiniCPM5-1B                      minicpm5
upstage-Solar-Open-100B                  solar_open
Apriel-1.6-15b-Thinker-fixed             apriel
unsloth-Apriel-1.5                       apriel
GigaChat3-10B-A1.8B                      gigachat3
Cohere2MoE                               command4
poolside-Laguna-XS.2                     glm45
poolside-Laguna-XS-2.1                   glm45
poolside-Laguna-S-2.1                    glm47
Spark2.5                                 glm47
Reka-Edge                                reka_edge
GLM-4.6                                  glm45
GLM-4.7-Flash                            glm47
MiniMax-M2                               minimax_m2
deepseek-ai-DeepSeek-V3.2                deepseek_v32
deepseek-ai-DeepSeek-V4                  deepseek_v4
Kimi-K2-Instruct                         kimi_k2
CohereForAI-c4ai-command-r7b-12-2024-tool_use command
"""
ROWS = dict(line.split() for line in TABLE.strip().splitlines())
ONE_CALL = {"GigaChat3-10B-A1.8B"}
SPACED = {  # what they show has other whitespace
    "deepseek-ai-DeepSeek-V4": "an empty line where there are no arguments",
}
WITHOUT_IDS = {"Apriel-1.6-15b-Thinker-fixed", "unsloth-Apriel-1.5"}

ARGUMENTS: dict[str, Any] = {
    "city": 'Oslo "Sentrum"\nmarka',
    "days": 3,
    "share": -1.5,
    "now": True,
    "tags": ["a", 1, {"k": "v"}],
    "at": {"x": {"y": 2}, "z": "w"},
}
# Python's spelling of containers and of True, which JSON's stands for: wire formats write JSON alone.
PLAIN = {"city": "Oslo <b> & more", "days": 3, "share": -1.5}
GIVEN = {"openbmb-MiniCPM5-1B": PLAIN}


@cache
def templates() -> dict[str, str]:
    return {row["name"]: row["template"] for row in shared.rows("chat_templates")}


def rendered(name: str, arguments: dict[str, Any]) -> str:
    calls: list[dict[str, Any]] = [
        {"id": "call_0", "type": "function", "function": {"name": "get_weather", "arguments": arguments}},
        {"id": "call_1", "type": "function", "function": {"name": "now", "arguments": {}}},
    ]
    for call in calls if name in WITHOUT_IDS else []:
        del call["id"]
    kept = calls[:1] if name in ONE_CALL else calls
    tools = [
        {"type": "function", "function": {"name": name, "description": "d", "parameters": {"type": "object"}}}
        for name in ("get_weather", "now")
    ]
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "", "tool_calls": kept},
    ]
    return JinjaTemplate(templates()[name], {"bos_token": "<s>", "eos_token": "</s>"}).render(
        {"messages": messages, "tools": tools, "add_generation_prompt": False}
    )


@pytest.mark.parametrize("name", ROWS)
def test_a_format_writes_what_the_template_shows(name: str) -> None:
    arguments = GIVEN.get(name, ARGUMENTS)
    format, _ = choose(templates()[name])
    assert format.name == ROWS[name]
    calls = [Call("get_weather", json.dumps(arguments)), Call("now", "{}")]
    text = render(format, calls[:1] if name in ONE_CALL else calls)
    if name in SPACED:
        assert "".join(text.split()) in "".join(rendered(name, arguments).split())
    else:
        assert text in rendered(name, arguments)


WEATHER = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
TOOLS = (Tool("get_weather", parameters=WEATHER), Tool("now", parameters={"type": "object", "properties": {}}))
# row | the end of the model's turn
TURNS = {
    "Kimi-K3": "<|end_of_msg|>",
    "MiniMax-M3": "[e~[",
    "tencent-Hy3": "<｜hy_eos:opensource｜>",
    "muse-glimmer": "<|eot|>",
    "inclusionai-ling-3.0-flash": "<|role_end|>",
    "poolside-Laguna-S-2.1": "</assistant>",
    "Spark2.5": "<｜end▁of▁sentence｜>",
}
# What they show of a message that has calls beside text.
WITHOUT_TEXT = {"muse-glimmer"}


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("thoughts", ["", "Hm."])
@pytest.mark.parametrize("text", ["", "It rains."])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_turn_as_the_template_shows_it_is_generated_and_read(name: str, thoughts: str, text: str, count: int) -> None:
    format, _ = choose(templates()[name])
    calls = [Call("get_weather", '{"city": "Oslo", "days": 3}'), Call("now", "{}")][:count]
    prompt, turn = parted(name, thoughts, text, calls)
    plan = compile_turn(Turn(format, TOOLS, reasoning=reasoning_after(format, prompt)))
    assert plan.grammar
    # A turn is never empty: the template can show one, the model can't end it.
    assert generates(plan.grammar, turn) is bool(text or calls)
    message = read(plan, list(turn))
    assert (message.reasoning.strip(), message.malformed) == (thoughts, [])
    assert message.content.strip() == ("" if count and name in WITHOUT_TEXT else text)
    assert [(call.name, call.arguments) for call in message.calls] == [(call.name, call.arguments) for call in calls]


def parted(name: str, thoughts: str, text: str, calls: list[Call]) -> tuple[str, str]:
    """The prompt, and what the template shows of the model's turn behind it."""
    template = JinjaTemplate(templates()[name], {"bos_token": "<s>", "eos_token": "</s>"})
    shown = [
        {"id": "c", "type": "function", "function": {"name": call.name, "arguments": json.loads(call.arguments)}}
        for call in calls
    ]
    question = {"role": "user", "content": "Hi"}
    answer = {"role": "assistant", "content": text, "tool_calls": shown or None}
    answer |= {"reasoning_content": thoughts} if thoughts else {}
    tools = [
        {"type": "function", "function": {"name": tool.name, "description": "d", "parameters": {}}} for tool in TOOLS
    ]
    context = {"tools": tools, "enable_thinking": bool(thoughts), "reasoning_effort": "high"}
    prompt = template.render({"messages": [question], "add_generation_prompt": True, **context})
    whole = template.render({"messages": [question, answer], "add_generation_prompt": False, **context})
    assert whole.startswith(prompt)
    return prompt, whole.removeprefix(prompt).rstrip().removesuffix(TURNS[name])
