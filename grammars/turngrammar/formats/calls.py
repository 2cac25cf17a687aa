"""Calls that look like function calls, with values in a notation of their own."""

from __future__ import annotations

from turngrammar.formats.format import Format, Frame
from turngrammar.notation import FUNCTION_GEMMA, GEMMA4, OLMO, PYTHON
from turngrammar.wire import NAME, NEWLINE, Invocation, Lit, Many, Node, NotationArguments, Space, Stray

_WORD = "[Tt]rue|[Ff]alse|None|null"
_COMMA = Space() + "," + Space(" ")


def _python_list() -> Node:
    return "[" + Space() + Many(Invocation(NAME + "(", NotationArguments(PYTHON) + ")"), _COMMA) + Space() + "]"


PYTHONIC = Format(
    "pythonic",
    calls=Stray(Lit("<|python_start|>")) + _python_list() + Stray(Lit("<|python_end|>")),
    alone=True,
    history=(
        # Gemma 3's template drops the commas between arguments, Llama 3.2's and ToolACE's the quotes of strings,
        (r"(?:(?<=[\"\]\d}])|(?<==true)|(?<==null)|(?<==None)|(?<==false))(?=[a-z_]+=)", ", "),
        (rf"(?<==)(?!(?:{_WORD})[,)])([A-Za-z][^\"'(),\[\]{{}}]*)(?=[,)])", r'"\1"'),
        # and Llama 4's puts all scalars in quotes.
        (rf'(?<==)"(-?[0-9.]+|{_WORD})"(?=[,)])', r"\1"),
    ),
)
"""Llama 4 and ToolACE; Llama 3.2 and Gemma 3 where the prompt requests it.

Source: vLLM's tool_chat_template_llama4_pythonic.jinja and tool_chat_template_llama3.2_pythonic.jinja. Llama 4
sometimes puts the list between `<|python_start|>` and `<|python_end|>`.

    [get_weather(city="Oslo", days=3), now()]
"""

OLMO3 = Format(
    "olmo3",
    calls="<function_calls>"
    + Space()
    + Many(Invocation(NAME + "(", NotationArguments(OLMO) + ")"), separator=NEWLINE)
    + Space()
    + "</function_calls>",
    reasoning=Frame("<think>", "</think>"),
)
"""Olmo 3: one call per line, with JSON's words.

Source: vLLM's olmo3 parser and tool_chat_template_olmo3.jinja, and Ollama's renderer.

    <function_calls>get_weather(city="Oslo", days=3)
    now()</function_calls>
"""

LFM2 = Format(
    "lfm2", calls="<|tool_call_start|>" + _python_list() + "<|tool_call_end|>", reasoning=Frame("<think>", "</think>")
)
"""LFM2 and LFM2.5.

Source: the chat template of LiquidAI/LFM2.5-8B-A1B.

    <|tool_call_start|>[get_weather(city="Oslo", days=3), now()]<|tool_call_end|>
"""

GEMMA_4 = Format(
    "gemma4",
    calls=Many(
        Invocation("<|tool_call>call:" + NAME + "{", NotationArguments(GEMMA4) + "}<tool_call|>"), separator=Space()
    ),
    reasoning=Frame("<|channel>thought\n", "<channel|>"),
)
"""Gemma 4.

Source: the chat template of google/gemma-4-31B-it.

    <|tool_call>call:get_weather{city:<|"|>Oslo<|"|>,days:3}<tool_call|>
"""

FUNCTIONGEMMA = Format(
    "functiongemma",
    calls=Many(
        Invocation(
            "<start_function_call>call:" + NAME + "{", NotationArguments(FUNCTION_GEMMA) + "}<end_function_call>"
        ),
        separator=Space(),
    ),
    history=((r"<escape>(-?[0-9.]+|true|false|null)<escape>", r"\1"),),  # templates show all values as strings
)
"""FunctionGemma.

Source: vLLM's tool_chat_template_functiongemma.jinja, and Google's model card.

    <start_function_call>call:get_weather{city:<escape>Oslo<escape>,days:3}<end_function_call>
"""
