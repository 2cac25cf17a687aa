"""From fields of OpenAI's requests to parts of an ask: the turn, the tools and their choice, the sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from latticework.ask import NO_CALLS, TurnAsk
from latticework.doors.openai.content import content_of
from latticework.doors.openai.types import (
    AllowedToolsChoice,
    CustomTool,
    FunctionTool,
    GrammarFormat,
    NamedCustom,
    NamedFunction,
    OnBadTool,
    TurnRequest,
)
from latticework.errors import BadRequest
from turngrammar.formats import FORMATS
from turngrammar.turn import NO_PARAMETERS, TextInput, Tool, ToolChoice

CHOICE_POINTER = "/tool_choice"
TOOLS_POINTER = "/tools"


def turn_of(request: TurnRequest) -> TurnAsk:
    """Raises BadRequest for an unknown tool, an unknown format, and for two kinds of content."""
    format = known_format(request.tool_format)
    skips = skips_bad_tools(request.on_bad_tool)
    choice, content = _tool_choice(request), content_of(request)
    return TurnAsk(
        tools_of(request.tools), choice, content, format, TOOLS_POINTER, skips, open_objects=request.open_objects
    )


def known_format(name: str | None) -> str | None:
    if name is not None and name not in FORMATS:
        raise BadRequest(f"'tool_format' must be one of {', '.join(FORMATS)}.", param="tool_format")
    return name


def template_tools(tools: Sequence[FunctionTool | CustomTool] | None) -> list[dict[str, Any]]:
    """The tools for the chat template, with the fields that the client has sent."""
    return [tool.model_dump(exclude_unset=True) for tool in tools or ()]


def tools_of(tools: Sequence[FunctionTool | CustomTool] | None) -> tuple[Tool, ...]:
    """The offered tools. Functions without `parameters` take none."""
    return tuple(_compiler_tool(f"{TOOLS_POINTER}/{index}", tool) for index, tool in enumerate(tools or ()))


def skips_bad_tools(on_bad_tool: OnBadTool | None) -> bool | None:
    """None: as the model is configured."""
    return None if on_bad_tool is None else on_bad_tool == "skip"


def _compiler_tool(pointer: str, tool: FunctionTool | CustomTool) -> Tool:
    if isinstance(tool, FunctionTool):
        return Tool(
            tool.name,
            tool.function.description or "",
            NO_PARAMETERS if tool.function.parameters is None else tool.function.parameters,
            pointer=f"{pointer}/function/parameters",
            name_pointer=f"{pointer}/function/name",
        )
    match tool.custom.format:
        case GrammarFormat(grammar=grammar):
            input, place = TextInput(grammar.syntax, grammar.definition), f"{pointer}/custom/format/grammar/definition"
        case _:
            input, place = TextInput(), f"{pointer}/custom"
    description = tool.custom.description or ""
    return Tool(tool.name, description, input=input, pointer=place, name_pointer=f"{pointer}/custom/name")


def _tool_choice(request: TurnRequest) -> ToolChoice:
    """Without tools, `auto` and `none` have no effect: some clients send them. A call needs a tool."""
    most = 1 if request.parallel_tool_calls is False else None
    match request.tool_choice:
        case NamedFunction() | NamedCustom() as named:
            return ToolChoice("required", _offered(request, [named]), most=1, pointer=CHOICE_POINTER)
        case AllowedToolsChoice(allowed_tools=allowed):
            return ToolChoice(allowed.mode, _offered(request, allowed.tools), most, CHOICE_POINTER)
        case "required" if not request.tools:
            raise BadRequest(
                "'tool_choice' is 'required', and the request has no 'tools'; send some, or omit 'tool_choice'.",
                param="tool_choice",
            )
        case "required":
            return ToolChoice("required", most=most, pointer=CHOICE_POINTER)
        case None | "auto" if request.tools:
            return ToolChoice("auto", most=most, pointer=CHOICE_POINTER)
    return NO_CALLS


def _offered(request: TurnRequest, chosen: Sequence[NamedFunction | NamedCustom]) -> tuple[str, ...]:
    """The names. Raises BadRequest for one that is not a tool of that type in the request."""
    offered = dict.fromkeys((tool.type, tool.name) for tool in request.tools or ())
    for named in chosen:
        if (named.type, named.name) not in offered:
            listed = ", ".join(f"{kind} '{name}'" for kind, name in offered) or "none"
            raise BadRequest(
                f"'tool_choice' names {named.type} '{named.name}', which is not among the tools (offered: {listed}).",
                param="tool_choice",
            )
    return tuple(named.name for named in chosen)


# A cut answer that is completed: what it ends with.
COMPLETED: Mapping[str, Literal["length", "stop"]] = {"close": "length", "complete": "stop"}


def sends_whole_calls(streaming: Literal["incremental", "whole"] | None) -> bool | None:
    """None: as the model is configured."""
    return None if streaming is None else streaming == "whole"
