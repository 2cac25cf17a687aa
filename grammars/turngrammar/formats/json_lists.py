"""All calls in one JSON array, behind a marker or alone."""

from __future__ import annotations

from turngrammar.formats.format import THINK, Format, Frame
from turngrammar.wire import ARGUMENTS, NAME, NEWLINE, ORDINAL, Id, Invocation, Many, May, Opt, Space, Word, json_text

_QUOTED_NAME = '"' + NAME + '"'
_COMMA = json_text(", ")
_ARGUMENTS = json_text(', "arguments": ') + ARGUMENTS + json_text("}")
_PARAMETERS = json_text(', "parameters": ') + ARGUMENTS + json_text("}")
_ITEMS = Many(Invocation(json_text('{"name": ') + _QUOTED_NAME, _ARGUMENTS), _COMMA)

MISTRAL_V3 = Format(
    "mistral_v3",
    calls="[TOOL_CALLS]" + json_text("[") + _ITEMS + json_text("]"),
    history=((', "id": "[A-Za-z0-9]{9}"', ""),),
)
"""Mistral 7B Instruct v0.3, Nemo, Small 3 and others up to tokenizer version 7.

Source: the chat template of mistralai/Mistral-Nemo-Instruct-2407. Its history shows ids, which the models don't write.

    [TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Oslo"}}]
"""

GRANITE = Format("granite", calls="<|tool_call|>" + json_text("[") + _ITEMS + json_text("]"))
"""Granite 3.

Source: vLLM's tool_chat_template_granite.jinja, and the system prompt of ibm-granite/granite-3.3-2b-instruct.

    <|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]
"""

FUNCTOOLS = Format(
    "functools",
    calls="functools[" + Space() + _ITEMS + json_text("]"),
    history=((r'^(\{"name".*"arguments".*\})(?=<\|end)', r"functools[\1]"),),  # Phi-4-mini's template drops the frame
)
"""Phi-4-mini, and Firefunction v2.

Source: vLLM's tool_chat_template_phi4_mini.jinja, the chat template of fireworks-ai/llama-3-firefunction-v2.

    functools[{"name": "get_weather", "arguments": {"city": "Oslo"}}]
"""

HUNYUAN = Format(
    "hunyuan", calls="<tool_calls>" + json_text("[") + _ITEMS + json_text("]") + "</tool_calls>", reasoning=THINK
)
"""Hunyuan A13B, and Jamba.

Source: vLLM's tool_chat_template_hunyuan_a13b.jinja.

    <tool_calls>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]</tool_calls>
"""

APRIEL = Format(
    "apriel",
    calls="<tool_calls>"
    + json_text("[")
    + Many(
        Invocation(
            json_text('{"name": ') + _QUOTED_NAME,
            json_text(', "arguments": ')
            + ARGUMENTS
            + Opt(json_text(', "id": ') + '"' + Word("call_") + '"')
            + json_text("}"),
        ),
        _COMMA,
    )
    + json_text("]")
    + "</tool_calls>",
    reasoning=Frame("Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]", "\n"),
)
"""Apriel 1.5 and 1.6. The ids that its history shows may be written, but behind the arguments: too late to be reported.

Source: the chat template of ServiceNow-AI/Apriel-1.6-15b-Thinker.

    <tool_calls>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]</tool_calls>
"""

NEMOTRON = Format(
    "nemotron", calls="<TOOLCALL>" + json_text("[") + _ITEMS + json_text("]") + "</TOOLCALL>", reasoning=THINK
)
"""Nemotron Nano v2.

Source: the chat template of nvidia/NVIDIA-Nemotron-Nano-9B-v2.

    <TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]</TOOLCALL>
"""

APERTUS = Format(
    "apertus",
    calls="<|tools_prefix|>"
    + json_text("[")
    + Many(Invocation(json_text("{") + _QUOTED_NAME, json_text(": ") + ARGUMENTS + json_text("}")), _COMMA)
    + json_text("]")
    + "<|tools_suffix|>",
    reasoning=Frame("<|inner_prefix|>", "<|inner_suffix|>"),
)
"""Apertus.

Source: the chat template of swiss-ai/Apertus-8B-Instruct-2509.

    <|tools_prefix|>[{"get_weather": {"city": "Oslo"}}]<|tools_suffix|>
"""

_ACTION = (
    "<|START_ACTION|>"
    + json_text("[")
    + NEWLINE
    + Many(
        Invocation(
            Space("    ")
            + json_text('{"tool_call_id": ')
            + ('"' + Id(ORDINAL) + '"')
            + json_text(', "tool_name": ')
            + _QUOTED_NAME,
            _PARAMETERS,
        ),
        Space() + "," + NEWLINE,
    )
    + NEWLINE
    + "]<|END_ACTION|>"
)

COMMAND = Format(
    "command",
    calls=_ACTION,
    answer=Frame("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    reasoning=Frame("<|START_THINKING|>", "<|END_THINKING|>"),
)
"""Command R7B and Command A.

Source: the chat template of CohereForAI/c4ai-command-r7b-12-2024.

    <|START_ACTION|>[
        {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Oslo"}}
    ]<|END_ACTION|>
"""

COMMAND4 = Format(
    "command4",
    calls=_ACTION,
    answer=Frame("<|START_TEXT|>", "<|END_TEXT|>"),
    reasoning=Frame("<|START_THINKING|>", "<|END_THINKING|>"),
)
"""Command A+ and the others of Command 4: R7B's, with another frame for text.

Source: the chat template of Cohere2MoE in llama.cpp, and SGLang's cohere_command4 detector.

    <|START_ACTION|>[
        {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Oslo"}}
    ]<|END_ACTION|>
"""

COMMAND_R = Format(
    "command_r",
    calls="Action:"
    + (NEWLINE + "```json" + NEWLINE + "[" + NEWLINE)
    + Many(
        Invocation(
            Space("    ") + "{" + Space("\n        ") + '"tool_name"' + json_text(": ") + _QUOTED_NAME,
            Space() + "," + Space("\n        ") + '"parameters"' + json_text(": ") + ARGUMENTS + Space("\n    ") + "}",
        ),
        Space() + "," + NEWLINE,
    )
    + (NEWLINE + "]" + May(NEWLINE + "```")),
)
"""Command R and R+.

Source: the chat template of CohereForAI/c4ai-command-r-plus.

    Action:
    ```json
    [
        {
            "tool_name": "get_weather",
            "parameters": {"city": "Oslo"}
        }
    ]
    ```
"""
