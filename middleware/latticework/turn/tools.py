"""What a request asks of one assistant turn, in the compiler's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from latticework.answer import answer
from latticework.errors import BadRequest
from latticework.protocol import (
    AllowedToolsChoice,
    CustomTool,
    FunctionTool,
    GrammarFormat,
    NamedCustom,
    NamedFunction,
    TurnRequest,
)
from turngrammar.formats import Format
from turngrammar.turn import ANY_OBJECT, TextInput, Tool, ToolChoice, Turn

NO_CALLS = ToolChoice("none")


def turn(request: TurnRequest, format: Format, most_calls: int | None = None) -> Turn:
    """`most_calls` bounds the calls of one turn.

    Raises BadRequest for a tool choice that names no tool and for answers of two kinds.
    """
    return Turn(
        format=format,
        tools=tools(request),
        choice=replace(tool_choice(request, most_calls), pointer="/tool_choice"),
        content=answer(request).content,
        tools_pointer="/tools",
    )


def tools(request: TurnRequest) -> tuple[Tool, ...]:
    """The tools on offer. Functions without parameters take an object all the same."""
    return tuple(_tool(f"/tools/{index}", tool) for index, tool in enumerate(request.tools or ()))


def _tool(pointer: str, tool: FunctionTool | CustomTool) -> Tool:
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


def tool_choice(request: TurnRequest, most_calls: int | None) -> ToolChoice:
    """A choice without tools means nothing, and some clients send one; a name is different."""
    most = 1 if request.parallel_tool_calls is False else most_calls
    match request.tool_choice:
        case NamedFunction() | NamedCustom() as named:
            return ToolChoice("required", _offered(request, [named]), most=1)
        case AllowedToolsChoice(allowed_tools=allowed):
            return ToolChoice(allowed.mode, _offered(request, allowed.tools), most)
        case "required" if request.tools:
            return ToolChoice("required", most=most)
        case None | "auto" if request.tools:
            return ToolChoice("auto", most=most)
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
