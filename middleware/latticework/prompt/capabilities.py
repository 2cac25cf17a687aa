"""What a chat template can render, and in which shape it takes it. `probe.py` determines it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Message = dict[str, Any]
Tools = Sequence[Mapping[str, Any]]
SystemPosition = Literal["anywhere", "first", "last", "never"]


def _functions_as_json(tools: Tools) -> str:
    return json.dumps([tool["function"] for tool in tools], ensure_ascii=False) if tools else ""


# The variables that templates read tools from, and how each is encoded. Only Firefunction's reads `functions`.
TOOL_VARIABLES: Mapping[str, Callable[[Tools], Any]] = MappingProxyType(
    {"tools": list, "functions": _functions_as_json}
)


@dataclass(frozen=True)
class ToolInput:
    """How a template takes tools.

    Attributes:
        variable: a key of TOOL_VARIABLES.
        needs_system: it lists tools only if there is a system message (FunctionGemma).
        needs_descriptions: it fails on a property without a description (Command R+).
    """

    variable: str
    needs_system: bool = False
    needs_descriptions: bool = False


@dataclass(frozen=True)
class CallShape:
    """The shape of `tool_calls` that a template renders.

    Attributes:
        arguments: "object" or "string" (JSON text, as in OpenAI's API).
        empty_content: `content` of a message without text: "" or None (DeepSeek V3 drops the calls otherwise).
        short_ids: ids must be nine letters and digits (Mistral).
        with_text: calls are rendered also if the message has text.
        parallel: one message may have several calls.
    """

    arguments: Literal["object", "string"]
    empty_content: str | None = ""
    short_ids: bool = False
    with_text: bool = True
    parallel: bool = True


@dataclass(frozen=True)
class Capabilities:
    """What one template can render.

    Attributes:
        tool_input: how it takes tools; None if it renders none.
        no_tools: the value of its `tools` variable where there are none: None by convention, () if it fails on None.
        calls: the shape of calls that it renders; None if it drops them.
        tool_role: it knows the role `tool`, and does not merely print any role's name.
        system: where it renders system messages: "anywhere"; "first" (one, as the first message); "last" (the same,
            but only if the last message is the user's: Mistral's templates add it to that message); "never".
        alternating: it refuses two consecutive messages of one role.
        empty_answer: the content of an answer without text: "", or " " if it refuses that (Ministral 3).
        content_parts: it joins content parts itself, for every role.
        reasoning_key: the key from which it reads an assistant's reasoning; the usual one if it renders none.
        reasoning_with_text: a message with calls may have both reasoning and text (not in gpt-oss's template).
    """

    tool_input: ToolInput | None
    no_tools: tuple[()] | None
    calls: CallShape | None
    tool_role: bool
    system: SystemPosition
    alternating: bool
    empty_answer: str
    content_parts: bool
    reasoning_key: str
    reasoning_with_text: bool
