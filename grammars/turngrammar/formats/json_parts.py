"""One JSON object per call, in a message or a block of its own."""

from __future__ import annotations

from turngrammar.formats.format import THINK, Format, Frame
from turngrammar.wire import ARGUMENTS, NAME, NEWLINE, Alt, Id, Invocation, Lit, Many, May, Space, Word, json_text

_QUOTED_NAME = '"' + NAME + '"'
_ARGUMENTS = json_text(', "arguments": ') + ARGUMENTS + json_text("}")

LONGCAT = Format(
    "longcat",
    calls=Many(
        Invocation(
            "<longcat_tool_call>" + Space() + json_text('{"name": ') + _QUOTED_NAME,
            _ARGUMENTS + Space() + "</longcat_tool_call>",
        ),
        separator=NEWLINE,
    ),
    reasoning=Frame("<longcat_think>", "</longcat_think>"),
)
"""LongCat Flash.

Source: vLLM's longcat parser, and its tests.

    <longcat_tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</longcat_tool_call>
"""

INKLING = Format(
    "inkling",
    calls=Many(
        Invocation(
            NAME + "<|content_invoke_tool_json|>" + json_text('{"name":') + _QUOTED_NAME,
            json_text(',"args":') + ARGUMENTS + json_text("}") + May(Lit("<|end_message|>")),
        ),
        separator=Lit("<|message_model|>"),
    ),
    alone=True,
    answer=Frame("<|content_text|>", "<|end_message|>"),
    preamble=Frame("<|content_text|>", "<|end_message|>", resume="<|message_model|>"),
    reasoning=Frame("<|content_thinking|>", "<|end_message|>", resume="<|message_model|>"),
)
"""Inkling: a turn is several messages, the first of which the prompt has opened with `<|message_model|>`.

Source: SGLang's renderer of Inkling's prompts, and its detector.

    get_weather<|content_invoke_tool_json|>{"name":"get_weather","args":{"city": "Oslo"}}<|end_message|>
"""

SOLAR_OPEN = Format(
    "solar_open",
    calls="<|tool_calls|>"
    + Many(
        Invocation(
            "<|tool_call:begin|>" + Id(Word("call_")) + "<|tool_call:name|>" + NAME + "<|tool_call:args|>",
            ARGUMENTS + "<|tool_call:end|>",
        ),
        separator=Space(),
    ),
    answer=Frame("<|content|>", ""),
    preamble=Frame("<|content|>", "<|end|>", resume="<|begin|>assistant"),
    reasoning=Frame("<|think|>", "<|end|>", resume="<|begin|>assistant"),
)
"""Solar Open. The model invents the id, and `<|calls|>` ends the turn.

Source: the chat template of upstage/Solar-Open-100B.

    <|tool_calls|><|tool_call:begin|>call_0<|tool_call:name|>get_weather<|tool_call:args|>{"city": "Oslo"}
    <|tool_call:end|>     (in one line)
"""

PLAMO3 = Format(
    "plamo3",
    calls="<|plamo:begin_tool_requests:plamo|>"
    + Many(
        Invocation(
            "<|plamo:begin_tool_request:plamo|><|plamo:begin_tool_name:plamo|>"
            + NAME
            + "<|plamo:end_tool_name:plamo|><|plamo:begin_tool_arguments:plamo|>"
            + May(Lit("<|plamo:constrain|>json"))
            + "<|plamo:msg|>",
            ARGUMENTS + "<|plamo:end_tool_arguments:plamo|><|plamo:end_tool_request:plamo|>",
        ),
        separator=Space(),
    )
    + "<|plamo:end_tool_requests:plamo|>",
    reasoning=Frame("<|plamo:begin_think:plamo|>", "<|plamo:end_think:plamo|>"),
)
"""PLaMo 3.

Source: vLLM's plamo3 parsers, and their tests.

    <|plamo:begin_tool_requests:plamo|><|plamo:begin_tool_request:plamo|>
    <|plamo:begin_tool_name:plamo|>get_weather<|plamo:end_tool_name:plamo|>
    <|plamo:begin_tool_arguments:plamo|><|plamo:constrain|>json<|plamo:msg|>{"city": "Oslo"}
    <|plamo:end_tool_arguments:plamo|><|plamo:end_tool_request:plamo|>
    <|plamo:end_tool_requests:plamo|>     (all in one line)
"""

GIGACHAT3 = Format(
    "gigachat3",
    calls=Many(
        Invocation(
            Alt((Lit("<|message_sep|>\n\nfunction call<|role_sep|>\n"), Lit("function call<|role_sep|>\n")))
            + json_text('{"name": ')
            + _QUOTED_NAME,
            _ARGUMENTS,
        ),
        separator=Space(),
        most=1,
    ),
)
"""GigaChat 3; one call a turn. The call is a message of a role of its own, with or without text before it.

Source: the chat template of ai-sage/GigaChat3-10B-A1.8B, and vLLM's gigachat3 parser.

    <|message_sep|>

    function call<|role_sep|>
    {"name": "get_weather", "arguments": {"city": "Oslo"}}
"""

ERNIE45 = Format(
    "ernie45",
    calls=Many(
        Invocation(
            "<tool_call>" + NEWLINE + json_text('{"name": ') + _QUOTED_NAME, _ARGUMENTS + NEWLINE + "</tool_call>"
        ),
        separator=NEWLINE,
    ),
    answer=Frame("<response>\n", "\n</response>"),
    reasoning=Frame("<think>", "</think>", "\n\n"),
)
"""ERNIE 4.5: Hermes's calls, and text in a frame.

Source: vLLM's ernie45 parsers.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Oslo"}}
    </tool_call>
"""

REKA_EDGE = Format(
    "reka_edge",
    calls=Many(
        Invocation(
            "<tool_call>" + NEWLINE + json_text('{"name": ') + _QUOTED_NAME, _ARGUMENTS + NEWLINE + "</tool_call>"
        ),
        separator=Space(),
    )
    + Space("\n\n"),
    reasoning=THINK,
)
"""Reka Edge: Hermes's calls, with nothing between two calls and an empty line behind them.

Source: the chat template of RekaAI/reka-edge.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Oslo"}}
    </tool_call>
"""
