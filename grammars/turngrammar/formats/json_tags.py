"""One JSON object per call, in tags or a fence."""

from __future__ import annotations

from turngrammar.formats.format import THINK, Format
from turngrammar.wire import ARGUMENTS, NAME, NEWLINE, Invocation, Many, Space, json_text

_QUOTED_NAME = '"' + NAME + '"'
_ARGUMENTS = json_text(', "arguments": ') + ARGUMENTS + json_text("}")

HERMES = Format(
    "hermes",
    calls=Many(
        Invocation(
            "<tool_call>" + NEWLINE + json_text('{"name": ') + _QUOTED_NAME, _ARGUMENTS + NEWLINE + "</tool_call>"
        ),
        separator=NEWLINE,
    ),
    reasoning=THINK,
)
"""Hermes 2 and 3, Qwen 2.5, QwQ, Qwen 3, Granite 4, and their fine-tunes.

Source: the chat templates of NousResearch/Hermes-3-Llama-3.1-8B, Qwen/Qwen3-0.6B, ibm-granite/granite-4.0.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Oslo"}}
    </tool_call>
"""

FENCED = Format(
    "fenced",
    calls=Many(
        Invocation("```tool_call" + NEWLINE + json_text('{"name": ') + _QUOTED_NAME, _ARGUMENTS + NEWLINE + "```"),
        separator=NEWLINE,
    ),
    reasoning=THINK,
)
"""For models that were not trained on tool calls: a fence, which they all know, with a language of its own.

Source: none; the system prompt describes it to the model.

    ```tool_call
    {"name": "get_weather", "arguments": {"city": "Oslo"}}
    ```
"""

GRANITE_20B = Format(
    "granite_20b",
    calls=Many(
        Invocation("<function_call>" + Space(" ") + json_text('{"name": ') + _QUOTED_NAME, _ARGUMENTS),
        separator=Space(),
    ),
)
"""Granite 20B function calling.

Source: vLLM's tool_chat_template_granite_20b_fc.jinja.

    <function_call> {"name": "get_weather", "arguments": {"city": "Oslo"}}
"""

INTERNLM2 = Format(
    "internlm2",
    calls=Many(
        Invocation(
            "<|action_start|><|plugin|>" + NEWLINE + json_text('{"name": ') + _QUOTED_NAME,
            _ARGUMENTS + "<|action_end|>",
        ),
        separator=Space(),
    ),
)
"""InternLM 2 and 2.5.

Source: vLLM's tool_chat_template_internlm2_tool.jinja.

    <|action_start|><|plugin|>
    {"name": "get_weather", "arguments": {"city": "Oslo"}}<|action_end|>
"""

GIGACHAT = Format(
    "gigachat",
    calls=Many(
        Invocation("<|function_call|>" + json_text('{"name": ') + _QUOTED_NAME, _ARGUMENTS),
        separator=Space(),
        most=1,
    ),
)
"""GigaChat 3.1; one call a turn.

Source: the chat template of ai-sage/GigaChat3.1-10B-A1.8B.

    <|function_call|>{"name": "get_weather", "arguments": {"city": "Oslo"}}
"""

MINIMAX_M1 = Format(
    "minimax_m1",
    calls="<tool_calls>"
    + NEWLINE
    + Many(Invocation(json_text('{"name": ') + _QUOTED_NAME, _ARGUMENTS), separator=NEWLINE)
    + NEWLINE
    + "</tool_calls>",
)
"""MiniMax M1.

Source: the chat template of MiniMaxAI/MiniMax-M1-80k.

    <tool_calls>
    {"name": "get_weather", "arguments": {"city": "Oslo"}}
    </tool_calls>
"""

FUNCTIONARY = Format(
    "functionary",
    calls=Many(Invocation("<function=" + NAME + ">", ARGUMENTS + "</function>"), separator=Space()),
)
"""Functionary 3.1, and Llama 3.1 where its prompt describes custom functions in this form.

Source: the chat template of meetkai/functionary-medium-v3.1.

    <function=get_weather>{"city": "Oslo"}</function>
"""
