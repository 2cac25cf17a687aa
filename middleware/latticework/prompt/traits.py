"""What a chat template can do, and which of several shapes it wants. `probe.py` finds it out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Message = dict[str, Any]
Tools = Sequence[Mapping[str, Any]]
Place = Literal["anywhere", "first", "last", "never"]


def _functions(tools: Tools) -> str:
    return json.dumps([tool["function"] for tool in tools], ensure_ascii=False) if tools else ""


# The variables through which templates take their tools, and in which form: all `tools`, but for Firefunction.
DOORS: Mapping[str, Callable[[Tools], Any]] = MappingProxyType({"tools": list, "functions": _functions})


@dataclass(frozen=True)
class Telling:
    """How a template is told of tools.

    Attributes:
        door: the variable that takes them, a key of DOORS.
        needs_system: it lists them only if there is a system message (FunctionGemma).
        needs_descriptions: it fails on a property without a description (Command R+).
    """

    door: str
    needs_system: bool = False
    needs_descriptions: bool = False


@dataclass(frozen=True)
class Calling:
    """The shape of `tool_calls` that a template renders.

    Attributes:
        arguments: "object" or "string" (JSON text, as OpenAI has it).
        content: what `content` must be where there is no text: "" or None (DeepSeek V3 drops calls otherwise).
        short_ids: ids must be nine letters or digits (Mistral).
        beside_text: calls are rendered beside text too.
        parallel: one message may hold several calls.
    """

    arguments: Literal["object", "string"]
    content: str | None = ""
    short_ids: bool = False
    beside_text: bool = True
    parallel: bool = True


@dataclass(frozen=True)
class Traits:
    """What one template can do.

    Attributes:
        telling: how it takes tools, None if it can't tell the model of them.
        untold: what its `tools` variable is where there are none: None by convention, () where it fails on None.
        calling: the shape of calls that it renders, None if it drops them.
        results: it knows the role `tool`, and does not merely print any role's name.
        system: where it renders system messages: "anywhere"; "first" (one, at the head); "last" (the same, but only
            while the user speaks last: Mistral's put it into the last user message); "never".
        alternates: it refuses two messages of one role in a row.
        silence: what the content of an empty answer must be: "", or " " where it refuses that (Ministral 3).
        parts: it joins content parts itself, for each role.
        reasoning: the key under which it reads an assistant's reasoning; the usual one if it shows none unasked.
        reasoning_beside_text: a message with calls may hold reasoning and text (not in gpt-oss's).
    """

    telling: Telling | None
    untold: tuple[()] | None
    calling: Calling | None
    results: bool
    system: Place
    alternates: bool
    silence: str
    parts: bool
    reasoning: str
    reasoning_beside_text: bool
