"""What a request asks of one assistant turn, in the compiler's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grammars.formats import Format
from grammars.plan import ToolChoice, Turn
from grammars.tools import ANY_OBJECT, Tool
from middleware.errors import BadRequest
from middleware.protocol import ChatRequest, JsonObjectFormat, JsonSchemaResponse, NamedTool

NO_CALLS = ToolChoice("none")


def turn(request: ChatRequest, format: Format, special_tokens: Mapping[str, int]) -> Turn:
    """Raises BadRequest for a tool choice that names no tool."""
    return Turn(
        format=format,
        tools=tools(request),
        choice=tool_choice(request),
        schema=schema(request),
        special_tokens=special_tokens,
    )


def tools(request: ChatRequest) -> tuple[Tool, ...]:
    """The functions on offer. Those without parameters take an object all the same."""
    functions = [tool.function for tool in request.tools or ()]
    return tuple(Tool(f.name, f.description or "", f.parameters or ANY_OBJECT) for f in functions)


def tool_choice(request: ChatRequest) -> ToolChoice:
    """A choice without tools means nothing, and some clients send one; a name is different."""
    chosen = request.tool_choice
    most = 1 if request.parallel_tool_calls is False else None
    if isinstance(chosen, NamedTool):
        return _named(chosen.function.name, request)
    if not request.tools or chosen == "none":
        return NO_CALLS
    return ToolChoice("required" if chosen == "required" else "auto", most=most)


def _named(name: str, request: ChatRequest) -> ToolChoice:
    offered = [tool.function.name for tool in request.tools or ()]
    if name not in offered:
        listed = ", ".join(f"'{other}'" for other in offered) or "none"
        raise BadRequest(
            f"'tool_choice' names '{name}', which is not among the tools (offered: {listed}).",
            param="tool_choice",
        )
    return ToolChoice("required", names=(name,), most=1)


def schema(request: ChatRequest) -> Mapping[str, Any] | None:
    """What the content must fit; None where it is free text. A JSON schema that is left out is any object."""
    match request.response_format:
        case JsonObjectFormat():
            return ANY_OBJECT
        case JsonSchemaResponse(json_schema=asked):
            return ANY_OBJECT if asked.schema_ is None else asked.schema_
    return None
