"""Special tokens around the name, JSON for the arguments."""

from __future__ import annotations

from turngrammar.formats.format import THINK, Format, Frame
from turngrammar.wire import ARGUMENTS, NAME, NEWLINE, ORDINAL, Alt, Id, Invocation, Lit, Many, May, Space

MISTRAL_V11 = Format(
    "mistral_v11",
    calls=Many(Invocation("[TOOL_CALLS]" + NAME + "[ARGS]", ARGUMENTS), separator=Space()),
    reasoning=Frame("[THINK]", "[/THINK]"),
    history=((r"\[CALL_ID\][A-Za-z0-9]{9}", ""),),
)
"""Mistral's models from tokenizer version 11 on: Small 3.2, Devstral, Magistral, Ministral 3.

Source: the chat template of mistralai/Ministral-3-14B-Reasoning-2512.

    [TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}
"""

DEEPSEEK_V3 = Format(
    "deepseek_v3",
    calls="<｜tool▁calls▁begin｜>"
    + Many(
        Invocation(
            "<｜tool▁call▁begin｜>function<｜tool▁sep｜>" + NAME + NEWLINE + "```json",
            NEWLINE + ARGUMENTS + NEWLINE + "```<｜tool▁call▁end｜>",
        ),
        separator=NEWLINE,
    )
    + May(Lit("<｜tool▁calls▁end｜>")),
    reasoning=THINK,
)
"""DeepSeek V3 and R1.

Source: vLLM's tool_chat_template_deepseekv3.jinja.

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather
    ```json
    {"city": "Oslo"}
    ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>
"""

DEEPSEEK_V31 = Format(
    "deepseek_v31",
    calls="<｜tool▁calls▁begin｜>"
    + Many(
        Invocation("<｜tool▁call▁begin｜>" + NAME + "<｜tool▁sep｜>", ARGUMENTS + "<｜tool▁call▁end｜>"),
        separator=Space(),
    )
    + May(Lit("<｜tool▁calls▁end｜>")),
    reasoning=Frame("<think>", "</think>"),
)
"""DeepSeek V3.1.

Source: the chat template of deepseek-ai/DeepSeek-V3.1.

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Oslo"}
    <｜tool▁call▁end｜><｜tool▁calls▁end｜>     (in one line)
"""

KIMI_K2 = Format(
    "kimi_k2",
    calls="<|tool_calls_section_begin|>"
    + Many(
        Invocation(
            "<|tool_call_begin|>" + Id("functions." + NAME + ":" + ORDINAL) + "<|tool_call_argument_begin|>",
            ARGUMENTS + "<|tool_call_end|>",
        ),
        separator=Space(),
    )
    + May(Lit("<|tool_calls_section_end|>")),
    reasoning=Frame("<think>", "</think>"),
)
"""Kimi K2. The id is part of the format, and the models refer to calls by it.

Source: the chat template of moonshotai/Kimi-K2-Instruct.

    <|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Oslo"}
    <|tool_call_end|><|tool_calls_section_end|>     (in one line)
"""

# The recipient is before the channel or behind it, and the models call on the channel of their reasoning, too.
_HEADS = (
    "<|channel|>commentary to=functions." + NAME,
    " to=functions." + NAME + "<|channel|>commentary",
    "<|channel|>analysis to=functions." + NAME,
    " to=functions." + NAME + "<|channel|>analysis",
)
_FORMS = ("<|constrain|>json<|message|>", "json<|message|>")

HARMONY = Format(
    "harmony",
    calls=Many(
        Invocation(
            Alt(
                tuple(
                    head + Space(" ") + form + "<|message|>"
                    for head in _HEADS
                    for form in ("<|constrain|>json", "json")
                )
            ),
            ARGUMENTS + May(Lit("<|call|>")),
        ),
        separator=Space(),
        most=1,
    ),
    answer=Frame("<|channel|>final<|message|>", ""),
    preamble=Frame("<|channel|>commentary<|message|>", "<|end|>", resume="<|start|>assistant"),
    reasoning=Frame("<|channel|>analysis<|message|>", "<|end|>", resume="<|start|>assistant"),
    history=((r"commentary json<\|message\|>", "commentary <|constrain|>json<|message|>"),),
)
"""gpt-oss. The engine stops at `<|call|>` and `<|return|>`: a turn has one call, and neither may get into the text.

Source: the chat template of openai/gpt-oss-120b, and OpenAI's description of the harmony format.

    <|channel|>analysis<|message|>The user wants …<|end|><|start|>assistant
    <|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Oslo"}<|call|>

or, for text, `<|channel|>final<|message|>It rains.` (all in one line)
"""
