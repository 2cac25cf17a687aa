"""Tags around each argument, strings without quotes."""

from __future__ import annotations

from grammars.formats.format import THINK, Format, Frame
from grammars.wire import NAME, NEWLINE, Call, Key, Lit, Many, May, Members, Node, Space, Typed, Value

QWEN3_CODER = Format(
    "qwen3_coder",
    calls=Many(
        Call(
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
        Call(
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

GLM45 = Format(
    "glm45",
    calls=Many(
        Call(
            "<tool_call>" + NAME,
            NEWLINE
            + Members("<arg_key>" + Key("</arg_key>") + NEWLINE + "<arg_value>" + Value("</arg_value>") + NEWLINE)
            + "</tool_call>",
        ),
        separator=NEWLINE,
    ),
    reasoning=Frame("<think>", "</think>", "\n"),
)
"""GLM-4.5 and 4.6.

Source: the chat template of zai-org/GLM-4.6.

    <tool_call>get_weather
    <arg_key>city</arg_key>
    <arg_value>Oslo</arg_value>
    </tool_call>
"""

GLM47 = Format(
    "glm47",
    calls=Many(
        Call(
            "<tool_call>" + NAME,
            Space()
            + Members("<arg_key>" + Key("</arg_key>") + Space() + "<arg_value>" + Value("</arg_value>") + Space())
            + "</tool_call>",
        ),
        separator=Space(),
    ),
    reasoning=Frame("<think>", "</think>"),
)
"""GLM-4.7.

Source: the chat template of zai-org/GLM-4.7-Flash.

    <tool_call>get_weather<arg_key>city</arg_key><arg_value>Oslo</arg_value></tool_call>
"""

MINIMAX_M2 = Format(
    "minimax_m2",
    calls="<minimax:tool_call>"
    + NEWLINE
    + Many(
        Call(
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


def _dsml(block: str) -> Node:
    return (
        f"<｜DSML｜{block}>"
        + NEWLINE
        + Many(
            Call(
                '<｜DSML｜invoke name="' + NAME + '">',
                NEWLINE
                + Members(
                    '<｜DSML｜parameter name="'
                    + Key('" string="')
                    + Typed("true", "false")
                    + '">'
                    + Value("</｜DSML｜parameter>")
                    + NEWLINE
                )
                + "</｜DSML｜invoke>",
            ),
            separator=NEWLINE,
        )
        + NEWLINE
        + May(Lit(f"</｜DSML｜{block}>"))
    )


DEEPSEEK_V32 = Format("deepseek_v32", calls=_dsml("function_calls"), reasoning=Frame("<think>", "</think>"))
"""DeepSeek V3.2. Each argument says whether it is a string.

Source: the chat template of deepseek-ai/DeepSeek-V3.2.

    <｜DSML｜function_calls>
    <｜DSML｜invoke name="get_weather">
    <｜DSML｜parameter name="city" string="true">Oslo</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜function_calls>
"""

DEEPSEEK_V4 = Format("deepseek_v4", calls=_dsml("tool_calls"), reasoning=Frame("<think>", "</think>"))
"""DeepSeek V4: V3.2's, with another name for the block.

Source: the chat template of deepseek-ai/DeepSeek-V4.

    <｜DSML｜tool_calls>
    <｜DSML｜invoke name="get_weather">
    <｜DSML｜parameter name="city" string="true">Oslo</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜tool_calls>
"""
