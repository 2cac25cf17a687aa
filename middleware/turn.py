"""What a request asks of one assistant turn, in the compiler's terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grammars.formats import Format
from grammars.plan import ToolChoice, Turn
from grammars.tools import ANY_OBJECT, Tool
from middleware.answer import answer
from middleware.errors import BadRequest
from middleware.protocol import AllowedToolsChoice, NamedTool, TurnRequest

NO_CALLS = ToolChoice("none")


def turn(
    request: TurnRequest, format: Format, special_tokens: Mapping[str, int], most_calls: int | None = None
) -> Turn:
    """`most_calls` bounds the calls of one turn.

    Raises BadRequest for a tool choice that names no tool and for answers of two kinds, GrammarError for a regex or a
    grammar that is none.
    """
    answered = answer(request)
    return Turn(
        format=format,
        tools=tools(request),
        choice=tool_choice(request, most_calls),
        schema=answered.schema,
        schema_pointer=answered.pointer,
        written=answered.written,
        special_tokens=special_tokens,
    )


def tools(request: TurnRequest) -> tuple[Tool, ...]:
    """The functions on offer. Those without parameters take an object all the same."""
    functions = [tool.function for tool in request.tools or ()]
    return tuple(Tool(f.name, f.description or "", f.parameters or ANY_OBJECT) for f in functions)


def tool_choice(request: TurnRequest, most_calls: int | None) -> ToolChoice:
    """A choice without tools means nothing, and some clients send one; a name is different."""
    most = 1 if request.parallel_tool_calls is False else most_calls
    match request.tool_choice:
        case NamedTool(function=function):
            return ToolChoice("required", _offered(request, [function.name]), most=1)
        case AllowedToolsChoice(allowed_tools=allowed):
            names = _offered(request, [tool.function.name for tool in allowed.tools])
            return ToolChoice(allowed.mode, names, most)
        case "required" if request.tools:
            return ToolChoice("required", most=most)
        case None | "auto" if request.tools:
            return ToolChoice("auto", most=most)
    return NO_CALLS


def _offered(request: TurnRequest, names: Sequence[str]) -> tuple[str, ...]:
    """The names, all of which are tools of the request."""
    offered = [tool.function.name for tool in request.tools or ()]
    for name in names:
        if name not in offered:
            listed = ", ".join(f"'{other}'" for other in offered) or "none"
            raise BadRequest(
                f"'tool_choice' names '{name}', which is not among the tools (offered: {listed}).",
                param="tool_choice",
            )
    return tuple(names)
