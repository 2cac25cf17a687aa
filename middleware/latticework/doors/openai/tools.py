"""Tools and their choice in OpenAI's form -> the part of an ask that becomes a grammar."""

from __future__ import annotations

from collections.abc import Sequence

from latticework.ask import NO_CALLS, TurnAsk
from latticework.doors.openai.content import content_of
from latticework.doors.openai.types import (
    AllowedToolsChoice,
    CustomTool,
    FunctionTool,
    GrammarFormat,
    NamedCustom,
    NamedFunction,
    TurnRequest,
)
from latticework.errors import BadRequest
from turngrammar.formats import FORMATS
from turngrammar.turn import ANY_OBJECT, TextInput, Tool, ToolChoice

CHOICE_POINTER = "/tool_choice"


def turn_of(request: TurnRequest) -> TurnAsk:
    """Raises BadRequest for an unknown tool, an unknown format, and for two kinds of content."""
    format = _known_format(request.tool_format)
    return TurnAsk(tools_of(request), _choice(request), content_of(request), format, tools_pointer="/tools")


def _known_format(name: str | None) -> str | None:
    if name is not None and name not in FORMATS:
        raise BadRequest(f"'tool_format' must be one of {', '.join(FORMATS)}.", param="tool_format")
    return name


def tools_of(request: TurnRequest) -> tuple[Tool, ...]:
    """The tools on offer. Functions without parameters take an object all the same."""
    return tuple(_compiler_tool(f"/tools/{index}", tool) for index, tool in enumerate(request.tools or ()))


def _compiler_tool(pointer: str, tool: FunctionTool | CustomTool) -> Tool:
    if isinstance(tool, FunctionTool):
        return Tool(
            tool.name,
            tool.function.description or "",
            tool.function.parameters or ANY_OBJECT,
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


def _choice(request: TurnRequest) -> ToolChoice:
    """A choice without tools means nothing, and some clients send one; a name is different."""
    most = 1 if request.parallel_tool_calls is False else None
    match request.tool_choice:
        case NamedFunction() | NamedCustom() as named:
            return ToolChoice("required", _offered(request, [named]), most=1, pointer=CHOICE_POINTER)
        case AllowedToolsChoice(allowed_tools=allowed):
            return ToolChoice(allowed.mode, _offered(request, allowed.tools), most, CHOICE_POINTER)
        case "required" if request.tools:
            return ToolChoice("required", most=most, pointer=CHOICE_POINTER)
        case None | "auto" if request.tools:
            return ToolChoice("auto", most=most, pointer=CHOICE_POINTER)
    return NO_CALLS


def _offered(request: TurnRequest, chosen: Sequence[NamedFunction | NamedCustom]) -> tuple[str, ...]:
    """Their names; all of them are tools of the request, and of the kind that is said."""
    offered = [(tool.type, tool.name) for tool in request.tools or ()]
    for named in chosen:
        if (named.type, named.name) not in offered:
            listed = ", ".join(f"{kind} '{name}'" for kind, name in offered) or "none"
            raise BadRequest(
                f"'tool_choice' names {named.type} '{named.name}', which is not among the tools (offered: {listed}).",
                param="tool_choice",
            )
    return tuple(named.name for named in chosen)
