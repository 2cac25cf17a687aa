"""JSON in a tag, as Nous Hermes made it known and Qwen took it over."""

from __future__ import annotations

from grammars.formats.format import Format
from grammars.wire import ARGUMENTS, NAME, NEWLINE, Call, Many, json_text

HERMES = Format(
    "hermes",
    calls=Many(
        Call(
            "<tool_call>" + NEWLINE + json_text('{"name": ') + '"' + NAME + '"',
            json_text(', "arguments": ') + ARGUMENTS + json_text("}") + NEWLINE + "</tool_call>",
        ),
        separator=NEWLINE,
    ),
)
"""Hermes 2 and 3, Qwen 2.5, QwQ, Qwen 3, and what was tuned after them.

Source: the chat templates of NousResearch/Hermes-3-Llama-3.1-8B and Qwen/Qwen2.5-7B-Instruct.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Oslo"}}
    </tool_call>
"""
