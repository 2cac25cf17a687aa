"""Tags around each argument with its name; strings without quotes."""

from __future__ import annotations

from turngrammar.formats.format import THINK, Format, Frame
from turngrammar.wire import NAME, NEWLINE, Invocation, Key, Many, Members, Value

QWEN3_CODER = Format(
    "qwen3_coder",
    calls=Many(
        Invocation(
            "<tool_call>" + NEWLINE + "<function=" + NAME + ">",
            NEWLINE
            + Members("<parameter=" + Key(">\n") + Value("\n</parameter>") + NEWLINE)
            + ("</function>" + NEWLINE + "</tool_call>"),
        ),
        separator=NEWLINE,
    ),
    reasoning=THINK,
)
"""Qwen3-Coder, Qwen3.5, Nemotron 3, Step 3.5, and others.

Source: the chat templates of Qwen/Qwen3-Coder-30B-A3B-Instruct and Qwen/Qwen3.5-4B.

    <tool_call>
    <function=get_weather>
    <parameter=city>
    Oslo
    </parameter>
    </function>
    </tool_call>
"""

SEED_OSS = Format(
    "seed_oss",
    calls=Many(
        Invocation(
            "<seed:tool_call>" + NEWLINE + "<function=" + NAME + ">",
            NEWLINE
            + Members("<parameter=" + Key(">") + Value("</parameter>") + NEWLINE)
            + ("</function>" + NEWLINE + "</seed:tool_call>"),
        ),
        separator=NEWLINE,
    ),
    reasoning=Frame("<seed:think>", "</seed:think>"),
)
"""Seed-OSS.

Source: the chat template of ByteDance-Seed/Seed-OSS-36B-Instruct.

    <seed:tool_call>
    <function=get_weather>
    <parameter=city>Oslo</parameter>
    </function>
    </seed:tool_call>
"""

MINIMAX_M2 = Format(
    "minimax_m2",
    calls="<minimax:tool_call>"
    + NEWLINE
    + Many(
        Invocation(
            '<invoke name="' + NAME + '">',
            NEWLINE + Members('<parameter name="' + Key('">') + Value("</parameter>") + NEWLINE) + "</invoke>",
        ),
        separator=NEWLINE,
    )
    + NEWLINE
    + "</minimax:tool_call>",
    reasoning=THINK,
)
"""MiniMax M2.

Source: the chat template of MiniMaxAI/MiniMax-M2.

    <minimax:tool_call>
    <invoke name="get_weather">
    <parameter name="city">Oslo</parameter>
    </invoke>
    </minimax:tool_call>
"""
