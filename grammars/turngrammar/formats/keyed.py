"""A pair of tags for the name of each argument and a pair for its value; the tool's name has no markup."""

from __future__ import annotations

from turngrammar.formats.format import Format, Frame
from turngrammar.wire import NAME, NEWLINE, Invocation, Key, Many, Members, Node, Space, Value

GLM45 = Format(
    "glm45",
    calls=Many(
        Invocation(
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


def _in_one_line(tag: str) -> Node:
    each = "<arg_key>" + Key("</arg_key>") + Space() + "<arg_value>" + Value("</arg_value>") + Space()
    return Many(Invocation(f"<{tag}>" + NAME, Space() + Members(each) + f"</{tag}>"), separator=Space())


GLM47 = Format(
    "glm47",
    calls=_in_one_line("tool_call"),
    reasoning=Frame("<think>", "</think>"),
)
"""GLM-4.7.

Source: the chat template of zai-org/GLM-4.7-Flash.

    <tool_call>get_weather<arg_key>city</arg_key><arg_value>Oslo</arg_value></tool_call>
"""

LING3 = Format(
    "ling3",
    calls=Many(
        Invocation(
            "<tool_call>" + NAME,
            NEWLINE
            + Members("<arg_key>" + Key("</arg_key>") + NEWLINE + "<arg_value>" + Value("</arg_value>") + Space())
            + NEWLINE
            + "</tool_call>",
        ),
        separator=NEWLINE,
    ),
    reasoning=Frame("<think>", "</think>"),
)
"""Ling 3: GLM-4.5's, with line breaks elsewhere.

Source: the chat template of inclusionAI/Ling-3.0-flash.

    <tool_call>get_weather
    <arg_key>city</arg_key>
    <arg_value>Oslo</arg_value>
    </tool_call>
"""

IQUEST = Format(
    "iquest",
    calls=_in_one_line("iquest_tool_call"),
    reasoning=Frame("<think>", "</think>"),
)
"""IQuest Q1: GLM-4.7's, with another tag around a call.

Source: SGLang's iquest_q1 detector, and its tests.

    <iquest_tool_call>get_weather<arg_key>city</arg_key><arg_value>Oslo</arg_value></iquest_tool_call>
"""

K2_HORIZON = Format(
    "k2_horizon",
    calls="<ifm|tool_calls>"
    + NEWLINE
    + Many(
        Invocation(
            "<ifm|tool_call>" + NAME,
            NEWLINE
            + Members(
                "<ifm|arg_key>"
                + Key("</ifm|arg_key>")
                + NEWLINE
                + "<ifm|arg_value>"
                + Value("</ifm|arg_value>")
                + NEWLINE
            )
            + "</ifm|tool_call>",
        ),
        separator=NEWLINE,
    )
    + NEWLINE
    + "</ifm|tool_calls>",
    reasoning=Frame("<ifm|think>", "</ifm|think>"),
)
"""K2 Horizon, in the first of the three forms that its template can request, which is its default.

Source: vLLM's k2_horizon parser, and renderings of the chat template in tests of several servers.

    <ifm|tool_calls>
    <ifm|tool_call>get_weather
    <ifm|arg_key>city</ifm|arg_key>
    <ifm|arg_value>Oslo</ifm|arg_value>
    </ifm|tool_call>
    </ifm|tool_calls>
"""

LONGCAT2 = Format(
    "longcat2",
    calls=Many(
        Invocation(
            "<longcat_tool_call>" + NAME,
            NEWLINE
            + Members(
                "<longcat_arg_key>"
                + Key("</longcat_arg_key>")
                + NEWLINE
                + "<longcat_arg_value>"
                + Value("</longcat_arg_value>")
                + NEWLINE
            )
            + "</longcat_tool_call>",
        ),
        separator=NEWLINE,
    ),
    reasoning=Frame("<longcat_think>", "</longcat_think>"),
)
"""LongCat 2.

Source: outputs of LongCat-2.0 that users have reported, and the documentation of clients.

    <longcat_tool_call>get_weather
    <longcat_arg_key>city</longcat_arg_key>
    <longcat_arg_value>Oslo</longcat_arg_value>
    </longcat_tool_call>
"""


def hy3(suffix: str = "") -> Format:
    """Hy 3. All its tags may have a suffix, which the chat template and the vocabulary show."""
    pair = (
        f"<arg_key{suffix}>"
        + Key(f"</arg_key{suffix}>")
        + NEWLINE
        + f"<arg_value{suffix}>"
        + Value(f"</arg_value{suffix}>")
        + NEWLINE
    )
    call = Invocation(
        f"<tool_call{suffix}>" + NAME + f"<tool_sep{suffix}>", NEWLINE + Members(pair) + f"</tool_call{suffix}>"
    )
    return _hy("hy3", call, NEWLINE, suffix)


def hy4(suffix: str = "") -> Format:
    """Hy 4. All its tags may have a suffix, as those of Hy 3."""
    pair = (
        f"<arg_key{suffix}>"
        + Key(f"</arg_key{suffix}>")
        + Space()
        + f"<arg_value{suffix}>"
        + Value(f"</arg_value{suffix}>")
        + Space()
    )
    call = Invocation(f"<tool_call{suffix}>" + NAME, Space() + Members(pair) + f"</tool_call{suffix}>")
    return _hy("hy4", call, Space(), suffix)


def _hy(name: str, call: Invocation, space: Node, suffix: str) -> Format:
    calls = f"<tool_calls{suffix}>" + space + Many(call, separator=space) + space + f"</tool_calls{suffix}>"
    return Format(name, calls=calls, reasoning=Frame(f"<think{suffix}>", f"</think{suffix}>"))


HY3 = hy3()
"""Hy 3. All its tags may have a suffix, such as `:opensource`.

Source: the chat template of tencent/Hy3-preview.

    <tool_calls>
    <tool_call>get_weather<tool_sep>
    <arg_key>city</arg_key>
    <arg_value>Oslo</arg_value>
    </tool_call>
    </tool_calls>
"""

HY4 = hy4()
"""Hy 4: Hy 3's without a separator behind the name. All its tags may have a suffix, such as `:6124c78e`.

Source: vLLM's hy_v4 parser, and its tests.

    <tool_calls><tool_call>get_weather<arg_key>city</arg_key><arg_value>Oslo</arg_value></tool_call></tool_calls>
"""
