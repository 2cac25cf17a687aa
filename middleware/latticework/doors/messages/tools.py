"""The tools of a request: their types, and those that are offered to the model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, StrictBool, StrictStr, Tag

from latticework.doors.common.objects import ApiObject, ToolName
from latticework.doors.messages.client_tools import client_tool
from latticework.doors.messages.described_bounds import BoundsReader
from turngrammar import turn
from turngrammar.scan import dump_json

CLIENT_TYPES = r"^(bash|text_editor|memory|computer)_\d{8}$"


class ToolBase(ApiObject):
    """What all tools may have. `strict` changes nothing: all tools are enforced."""

    cache_control: Any = None
    allowed_callers: Any = None
    strict: StrictBool | None = None
    defer_loading: StrictBool | None = None
    input_examples: list[dict[str, Any]] | None = None
    eager_input_streaming: StrictBool | None = None


class CustomToolInput(ToolBase):
    """A tool of the client's."""

    type: Literal["custom"] | None = None
    name: ToolName
    description: StrictStr | None = None
    input_schema: dict[str, Any]


class ClientToolInput(ToolBase):
    """A tool that Anthropic defines and the client runs."""

    type: StrictStr = Field(pattern=CLIENT_TYPES)
    name: ToolName


class ServerToolInput(ToolBase):
    """A tool that Anthropic's servers run: it is left out."""

    model_config = ConfigDict(
        json_schema_extra={"properties": {"type": {"type": "string", "not": {"pattern": f"{CLIENT_TYPES}|^custom$"}}}}
    )

    type: StrictStr
    name: StrictStr | None = None


def _tool_tag(tool: Any) -> str | None:
    if not isinstance(tool, dict):
        return None
    kind = tool.get("type")
    if kind in (None, "custom"):
        return "CustomToolInput"
    if not isinstance(kind, str):
        return None
    return "ServerToolInput" if client_tool(kind) is None else "ClientToolInput"


ToolField: TypeAlias = Annotated[
    Annotated[CustomToolInput, Tag("CustomToolInput")]
    | Annotated[ClientToolInput, Tag("ClientToolInput")]
    | Annotated[ServerToolInput, Tag("ServerToolInput")],
    Discriminator(
        _tool_tag,
        custom_error_type="tool_type",
        custom_error_message="Input should be an object with a 'name' or a 'type'",
    ),
]

# Anthropic's own search for deferred tools.
_SEARCH = "tool_search_tool"


@dataclass(frozen=True)
class MessageTool:
    """A tool that may be offered.

    Attributes:
        deferred: whether it is loaded only once a search has found it.
        eager: whether a stream has its input before it is complete.
    """

    compiled: turn.Tool
    deferred: bool
    eager: bool
    examples: Sequence[Mapping[str, Any]] = ()

    @property
    def name(self) -> str:
        return self.compiled.name

    @cached_property
    def shown(self) -> dict[str, Any]:
        """As chat templates take it."""
        examples = "\n".join(["", "Examples:", *map(dump_json, self.examples)]) if self.examples else ""
        description = {"description": text} if (text := self.compiled.description + examples) else {}
        parameters = self.compiled.parameters
        return {"type": "function", "function": {"name": self.name, **description, "parameters": parameters}}


@dataclass(frozen=True)
class Toolbox:
    """The tools of a request, and those of them that a search in the conversation has found."""

    tools: Sequence[MessageTool]
    found: Collection[str]

    @property
    def offered(self) -> Sequence[MessageTool]:
        """Those that may be called."""
        return [tool for tool in self.tools if not tool.deferred or tool.name in self.found]

    @property
    def listed(self) -> Sequence[MessageTool]:
        """Those that the prompt lists: others would change its beginning, and are described where they were found."""
        return [tool for tool in self.tools if not tool.deferred]


def message_tools(
    tools: Sequence[ToolBase], pointer: str, chosen: str | None, bounds: BoundsReader
) -> Sequence[MessageTool]:
    """The tools that the client runs. None of them waits for a search that only Anthropic's servers have.

    `chosen`: a tool that is loaded in any case, since the request requires a call of it.
    """
    waits = not any(isinstance(tool, ServerToolInput) and tool.type.startswith(_SEARCH) for tool in tools)
    return [
        MessageTool(
            compiled,
            waits and bool(tool.defer_loading) and compiled.name != chosen,
            bool(tool.eager_input_streaming),
            tool.input_examples or (),
        )
        for index, tool in enumerate(tools)
        if (compiled := _compiled(tool, f"{pointer}/{index}", bounds)) is not None
    ]


def _compiled(tool: ToolBase, pointer: str, bounds: BoundsReader) -> turn.Tool | None:
    match tool:
        case CustomToolInput():
            place, text = f"{pointer}/input_schema", tool.description or ""
            schema = bounds.tool(tool.input_schema, place)
            return turn.Tool(tool.name, text, schema, pointer=place, name_pointer=f"{pointer}/name")
        case ClientToolInput() if known := client_tool(tool.type):
            text = f"{known.description}{_display(tool)}"
            return turn.Tool(tool.name, text, known.parameters, pointer=pointer, name_pointer=f"{pointer}/name")
    return None


def _display(tool: ClientToolInput) -> str:
    """The size of a computer's screen, in which its coordinates are."""
    extra = tool.model_extra or {}
    width, height = extra.get("display_width_px"), extra.get("display_height_px")
    return f" Its screen has {width} x {height} pixels." if width and height else ""


def server_tools(tools: Sequence[ToolBase]) -> Iterator[tuple[str, str]]:
    """The tools that this server lacks: each one's place in the request, and its type."""
    for index, tool in enumerate(tools):
        if isinstance(tool, ServerToolInput):
            yield f"tools[{index}]", tool.type
