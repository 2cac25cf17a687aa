"""Tags with more than a name: nested elements, types, numbers of calls, recipients of messages."""

from __future__ import annotations

from turngrammar.formats.format import THINK, Format, Frame
from turngrammar.wire import (
    NAME,
    NEWLINE,
    TYPE,
    Elements,
    Invocation,
    Key,
    Lit,
    Many,
    May,
    Members,
    Ordinal,
    Space,
    Value,
    Wrapped,
)

_NS = "]<]minimax[>["

MINIMAX_M3 = Format(
    "minimax_m3",
    calls=f"{_NS}<tool_call>"
    + NEWLINE
    + Many(
        Invocation(f'{_NS}<invoke name="' + NAME + '">', Elements(_NS) + f"{_NS}</invoke>"),
        separator=NEWLINE,
    )
    + NEWLINE
    + f"{_NS}</tool_call>",
    reasoning=Frame("<mm:think>", "</mm:think>", bare=True),
)
"""MiniMax M3: arguments are nested elements, with a token before each tag. Its template leaves null out.

Source: the chat template of MiniMaxAI/MiniMax-M3.

    ]<]minimax[>[<tool_call>
    ]<]minimax[>[<invoke name="get_weather">]<]minimax[>[<city>Oslo]<]minimax[>[</city>]<]minimax[>[</invoke>
    ]<]minimax[>[</tool_call>
"""

DOTS = Format(
    "dots",
    calls="<dots_function_call>"
    + Space()
    + Many(
        Invocation(
            '<invoke name="' + NAME + '">',
            Space() + Members('<parameter name="' + Key('">') + Value("</parameter>") + Space()) + "</invoke>",
        ),
        separator=Space(),
    )
    + Space()
    + "</dots_function_call>",
    reasoning=THINK,
)
"""dots 3.

Source: the tests of SGLang's dots detector.

    <dots_function_call><invoke name="get_weather"><parameter name="city">Oslo</parameter></invoke></dots_function_call>
"""

STEP3 = Format(
    "step3",
    calls="<｜tool_calls_begin｜>"
    + NEWLINE
    + Many(
        Invocation(
            '<｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="' + NAME + '">',
            NEWLINE
            + Members('<steptml:parameter name="' + Key('">') + Value("</steptml:parameter>") + NEWLINE)
            + "</steptml:invoke><｜tool_call_end｜>",
        ),
        separator=NEWLINE,
    )
    + NEWLINE
    + May(Lit("<｜tool_calls_end｜>")),
    reasoning=THINK,
)
"""Step 3.

Source: SGLang's step3 detector, and its tests.

    <｜tool_calls_begin｜>
    <｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="get_weather">
    <steptml:parameter name="city">Oslo</steptml:parameter>
    </steptml:invoke><｜tool_call_end｜>
    <｜tool_calls_end｜>
"""

MINICPM5 = Format(
    "minicpm5",
    calls=Many(
        Invocation(
            '<function name="' + NAME + '">',
            Space()
            + Members(
                '<param name="'
                + Key('">')
                + Wrapped("</param>", open="<![CDATA[", close="]]>", characters="<&\n")
                + Space()
            )
            + "</function>",
        ),
        separator=NEWLINE,
    ),
    reasoning=THINK,
)
"""MiniCPM 5. A string that could be markup is in a CDATA section.

Source: the chat template of openbmb/MiniCPM5-1B.

    <function name="get_weather"><param name="city">Oslo</param></function>
"""

MUSE_GLIMMER = Format(
    "muse_glimmer",
    calls=Many(
        Invocation(
            " to=" + NAME + "<|message|><atem:function_calls>" + NEWLINE + '<atem:invoke name="' + NAME + '">',
            NEWLINE
            + Members('<atem:parameter name="' + Key('">') + Value("</atem:parameter>") + NEWLINE)
            + "</atem:invoke>"
            + NEWLINE
            + "</atem:function_calls>",
        ),
        separator=Lit("<|eom|><|start|>assistant"),
    ),
    answer=Frame(" to=user<|message|>", ""),
    preamble=Frame(" to=user<|message|>", "<|eom|>", resume="<|start|>assistant"),
    reasoning=Frame(" to=self<|message|>", "<|eom|>", resume="<|start|>assistant"),
)
"""Muse Glimmer: each message names its recipient, the model itself, the user or a tool, and `<|eot|>` ends the turn.

Source: the chat template of Muse Glimmer, in vLLM and llama.cpp.

     to=get_weather<|message|><atem:function_calls>
    <atem:invoke name="get_weather">
    <atem:parameter name="city">Oslo</atem:parameter>
    </atem:invoke>
    </atem:function_calls>
"""

KIMI_K3 = Format(
    "kimi_k3",
    calls="<|open|>tools<|sep|>"
    + Many(
        Invocation(
            '<|open|>call tool="' + NAME + '" index="' + Ordinal(1) + '"<|sep|>',
            Members('<|open|>argument key="' + Key('" type="') + TYPE + '"<|sep|>' + Value("<|close|>argument<|sep|>"))
            + "<|close|>call<|sep|>",
        ),
        separator=Space(),
    )
    + "<|close|>tools<|sep|>"
    + May(Lit("<|close|>message<|sep|>")),
    answer=Frame("<|open|>response<|sep|>", "<|close|>response<|sep|><|close|>message<|sep|>"),
    preamble=Frame("<|open|>response<|sep|>", "<|close|>response<|sep|>"),
    reasoning=Frame("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
)
"""Kimi K3. Calls are numbered from 1, arguments have types, and a response, perhaps empty, precedes the calls.

Source: the chat template of moonshotai/Kimi-K3.

    <|open|>tools<|sep|><|open|>call tool="get_weather" index="1"<|sep|>
    <|open|>argument key="city" type="string"<|sep|>Oslo<|close|>argument<|sep|>
    <|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|>     (all in one line)
"""
