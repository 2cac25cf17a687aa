"""Markup with a word of its own in every tag, and with an attribute for whether an argument is a string."""

from __future__ import annotations

from turngrammar.formats.format import THINK, Format, Frame
from turngrammar.wire import NAME, NEWLINE, Invocation, Key, Lit, Many, May, Members, Node, Typed, Value


def _dsml(block: str, mark: str = "｜DSML｜") -> Node:
    """`mark` opens each tag; a space at its end is a part of the tag."""
    return (
        f"<{mark}{block}>"
        + NEWLINE
        + Many(
            Invocation(
                f'<{mark}invoke name="' + NAME + '">',
                NEWLINE
                + Members(
                    f'<{mark}parameter name="'
                    + Key('" string="')
                    + Typed("true", "false")
                    + '">'
                    + Value(f"</{mark}parameter>")
                    + NEWLINE
                )
                + f"</{mark}invoke>",
            ),
            separator=NEWLINE,
        )
        + NEWLINE
        + May(Lit(f"</{mark}{block}>"))
    )


DEEPSEEK_V32 = Format("deepseek_v32", calls=_dsml("function_calls"), reasoning=Frame("<think>", "</think>"))
"""DeepSeek V3.2. The attribute `string` marks the arguments that are strings.

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

DEEPSEEK_V41 = Format("deepseek_v41", calls=_dsml("calls", "｜DSML｜ "), reasoning=Frame("<think>", "</think>"))
"""DeepSeek V4.1: V4's, with a space before the name of each tag, and again another name for the block.

Source: the tests of vLLM's deepseek_v41 parser, and SGLang's deepseekv41 detector.

    <｜DSML｜ calls>
    <｜DSML｜ invoke name="get_weather">
    <｜DSML｜ parameter name="city" string="true">Oslo</｜DSML｜ parameter>
    </｜DSML｜ invoke>
    </｜DSML｜ calls>
"""

GIGACHAT35 = Format("gigachat35", calls=_dsml("tool_calls", "｜GCML｜"), reasoning=THINK)
"""GigaChat 3.5: DeepSeek V4's, with another word in the tags.

Source: the chat template of GigaChat 3.5 in llama.cpp, and the tests of vLLM's gigachat35 parsers.

    <｜GCML｜tool_calls>
    <｜GCML｜invoke name="get_weather">
    <｜GCML｜parameter name="city" string="true">Oslo</｜GCML｜parameter>
    </｜GCML｜invoke>
    </｜GCML｜tool_calls>
"""
