"""JSON objects with nothing around them: calls stand alone, told from text by their first keys."""

from __future__ import annotations

from grammars.formats.format import Format
from grammars.wire import ARGUMENTS, NAME, Call, Lit, Many, Space, Stray, json_text

LLAMA3 = Format(
    "llama3",
    calls=Many(
        Call(
            Stray(Lit("<|python_tag|>")) + json_text('{"name": ') + '"' + NAME + '"' + json_text(', "parameters": '),
            ARGUMENTS + json_text("}"),
        ),
        separator=Space() + ";" + Space(" "),
    ),
    alone=True,
)
"""Llama 3.1, 3.2 and 3.3, and Llama 4 where it is told to write JSON.

Source: the chat template of meta-llama/Llama-3.1-8B-Instruct. A call starts only when the second key
is read too: until then it could be a document.

    {"name": "get_weather", "parameters": {"city": "Oslo"}}
"""
