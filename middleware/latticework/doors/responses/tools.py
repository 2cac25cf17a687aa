"""The tools of a request: their types, and those that are offered to the model, each under a name of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import Discriminator, Field, StrictBool, StrictStr, Tag

from latticework.doors.common.objects import ApiObject, Items, ToolName
from latticework.doors.openai.types import TextFormat
from latticework.doors.responses.client_tools import CLIENT_TOOLS
from turngrammar import turn
from turngrammar.turn import NO_PARAMETERS, TextInput


class FlatFunction(ApiObject):
    type: Literal["function"]
    name: ToolName
    description: StrictStr | None = None
    parameters: dict[str, Any] | None = None
    strict: StrictBool | None = None
    defer_loading: StrictBool | None = None


class FlatGrammar(ApiObject):
    type: Literal["grammar"]
    syntax: Literal["lark", "regex"]
    definition: StrictStr


class FlatCustom(ApiObject):
    type: Literal["custom"]
    name: ToolName
    description: StrictStr | None = None
    format: Annotated[TextFormat | FlatGrammar, Field(discriminator="type")] | None = None
    defer_loading: StrictBool | None = None


def _class(tool: Any) -> str | None:
    """The name of a tool's class. Its type would not do: chat completions has fields of the same names."""
    kind = tool.get("type") if isinstance(tool, dict) else None
    return _CLASSES.get(kind) if isinstance(kind, str) else None


OwnTool: TypeAlias = Annotated[
    Annotated[FlatFunction, Tag("FlatFunction")] | Annotated[FlatCustom, Tag("FlatCustom")],
    Discriminator(
        _class,
        custom_error_type="tool_type",
        custom_error_message="Input should be an object whose 'type' is 'function' or 'custom'",
    ),
]


class Namespace(ApiObject):
    """Tools of one origin. Others may have the same names."""

    type: Literal["namespace"]
    name: ToolName
    description: StrictStr | None = None
    tools: Items[OwnTool] = Field(min_length=1)


class ClientRunTool(ApiObject):
    """See `client_tools`."""

    type: Literal["local_shell", "shell", "apply_patch", "tool_search"]
    description: StrictStr | None = None
    parameters: dict[str, Any] | None = None
    execution: Literal["client", "server"] | None = None


HostedType = Literal[
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "file_search",
    "image_generation",
    "code_interpreter",
    "mcp",
    "computer",
    "computer_use",
    "computer_use_preview",
    "programmatic_tool_calling",
]


class HostedTool(ApiObject):
    """A tool that OpenAI's servers run, and this one lacks."""

    type: HostedType


HOSTED = frozenset(get_args(HostedType))


_CLASSES: Mapping[str, str] = {
    kind: model.__name__
    for model in (FlatFunction, FlatCustom, Namespace, ClientRunTool, HostedTool)
    for kind in get_args(model.model_fields["type"].annotation)
}

Tool: TypeAlias = Annotated[
    Annotated[FlatFunction, Tag("FlatFunction")]
    | Annotated[FlatCustom, Tag("FlatCustom")]
    | Annotated[Namespace, Tag("Namespace")]
    | Annotated[ClientRunTool, Tag("ClientRunTool")]
    | Annotated[HostedTool, Tag("HostedTool")],
    Discriminator(
        _class,
        custom_error_type="tool_type",
        custom_error_message=f"Input should be an object whose 'type' is one of {', '.join(_CLASSES)}",
    ),
]


@dataclass(frozen=True)
class OfferedTool:
    """A tool that the model may call.

    Attributes:
        kind: "function", "custom", or one of CLIENT_TOOLS.
        name, namespace: as the client knows it.
        compiled: the tool of the turn; its name is unique.
        shown: the same for the chat template, in the form of chat completions.
        deferred: whether it is to be found by a search first.
    """

    kind: str
    name: str
    namespace: str | None
    compiled: turn.Tool
    shown: Mapping[str, Any]
    deferred: bool = False

    @property
    def identity(self) -> tuple[str, str, str | None]:
        """Of two with the same, one is a later definition of the other."""
        return self.kind, self.name, self.namespace


def turn_name(name: str, namespace: str | None) -> str:
    """The name under which the model knows a tool."""
    return name if namespace is None else f"{namespace}__{name}"


Pointed = tuple[str, Tool]


def offered_tools(own: Sequence[Pointed], added: Sequence[Pointed] = ()) -> tuple[OfferedTool, ...]:
    """The tools, each with its JSON pointer, without those that this server lacks and those that a search finds.

    A conversation may add a tool again and again: the last definition counts, or that of the request's `own` tools.
    """
    offered = [one for pointer, tool in own for one in _each_offered(pointer, tool)]
    known = {one.identity for one in offered}
    again = {one.identity: one for pointer, tool in added for one in _each_offered(pointer, tool)}
    offered += [one for identity, one in again.items() if identity not in known]
    searched = any(one.kind == "tool_search" for one in offered)
    return tuple(one for one in offered if not (searched and one.deferred))


def _each_offered(pointer: str, tool: Tool) -> Iterator[OfferedTool]:
    match tool:
        case FlatFunction() | FlatCustom():
            yield _own(pointer, tool, None)
        case Namespace(name=namespace, tools=tools):
            for index, member in enumerate(tools):
                yield _own(f"{pointer}/tools/{index}", member, namespace)
        case ClientRunTool():
            yield _client_run(pointer, tool)


def _own(pointer: str, tool: FlatFunction | FlatCustom, namespace: str | None) -> OfferedTool:
    name = turn_name(tool.name, namespace)
    description, at = tool.description or "", f"{pointer}/name"
    if isinstance(tool, FlatFunction):
        parameters = NO_PARAMETERS if tool.parameters is None else tool.parameters
        compiled = turn.Tool(name, description, parameters, pointer=f"{pointer}/parameters", name_pointer=at)
        shown = tool.model_dump(include={"name", "description", "parameters", "strict"}, exclude_unset=True)
        shown = {"type": "function", "function": {**shown, "name": name}}
    else:
        input, place = _custom_input(pointer, tool)
        compiled = turn.Tool(name, description, input=input, pointer=place, name_pointer=at)
        shown = {"type": "custom", "custom": _shown_custom(tool, name)}
    return OfferedTool(tool.type, tool.name, namespace, compiled, shown, bool(tool.defer_loading))


def _custom_input(pointer: str, tool: FlatCustom) -> tuple[TextInput, str]:
    if isinstance(tool.format, FlatGrammar):
        return TextInput(tool.format.syntax, tool.format.definition), f"{pointer}/format/definition"
    return TextInput(), pointer


def _shown_custom(tool: FlatCustom, name: str) -> dict[str, Any]:
    shown = {"name": name, **tool.model_dump(include={"description"}, exclude_unset=True)}
    match tool.format:
        case FlatGrammar(syntax=syntax, definition=definition):
            return {**shown, "format": {"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}}}
        case TextFormat():
            return {**shown, "format": {"type": "text"}}
    return shown


def _client_run(pointer: str, tool: ClientRunTool) -> OfferedTool:
    row = CLIENT_TOOLS[tool.type]
    description = tool.description or row.description
    parameters = row.parameters if tool.parameters is None else tool.parameters
    compiled = turn.Tool(tool.type, description, parameters, pointer=f"{pointer}/parameters", name_pointer=pointer)
    function = {"name": tool.type, "description": description, "parameters": dict(parameters)}
    return OfferedTool(tool.type, tool.type, None, compiled, {"type": "function", "function": function})
