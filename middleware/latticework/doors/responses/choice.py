"""`tool_choice` of `/v1/responses` in all of its forms, and the tools that each means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, StrictStr, Tag

from latticework.ask import NO_CALLS
from latticework.doors.common.objects import ApiObject, Items
from latticework.doors.responses.tools import HOSTED, OfferedTool, turn_name
from latticework.errors import BadRequest
from turngrammar.turn import ToolChoice

FIELD, POINTER = "tool_choice", "/tool_choice"
# The types of tools that have names of their own; of a namespace, all tools are meant.
NAMED = ("function", "custom", "namespace")


class ChosenTool(ApiObject):
    """A tool by its name; those that OpenAI defines have none."""

    model_config = ConfigDict(json_schema_extra={"not": {"properties": {"type": {"const": "allowed_tools"}}}})

    type: StrictStr
    name: StrictStr | None = None
    namespace: StrictStr | None = None


class AllowedChoice(ApiObject):
    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Items[ChosenTool] = Field(min_length=1)


def _choice_form(choice: Any) -> str:
    if not isinstance(choice, dict):
        return "mode"
    return "allowed" if choice.get("type") == "allowed_tools" else "tool"


ChoiceField: TypeAlias = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("mode")]
    | Annotated[AllowedChoice, Tag("allowed")]
    | Annotated[ChosenTool, Tag("tool")],
    Discriminator(_choice_form),
]
Choice: TypeAlias = Literal["none", "auto", "required"] | AllowedChoice | ChosenTool | None


def turn_choice(choice: Choice, tools: Sequence[OfferedTool], most: int | None) -> ToolChoice:
    """The same for the turn. `most`: of calls. Raises BadRequest for a tool that is not offered."""
    match choice:
        case AllowedChoice(mode=mode):
            return ToolChoice(mode, _allowed(choice, tools), most, POINTER)
        case ChosenTool():
            return ToolChoice("required", _chosen(choice, tools, FIELD), 1, POINTER)
        case "required" if not tools:
            raise BadRequest(
                f"'{FIELD}' is 'required', and the request has no tool to call; send one, or omit '{FIELD}'.",
                param=FIELD,
            )
        case "required":
            return ToolChoice("required", most=most, pointer=POINTER)
        case None | "auto" if tools:
            return ToolChoice("auto", most=most, pointer=POINTER)
    return NO_CALLS


def hosted_choices(choice: Choice) -> Iterator[str]:
    """The places of allowed tools that this server lacks, which are left out beside others."""
    for index, tool in enumerate(choice.tools if isinstance(choice, AllowedChoice) else ()):
        if tool.type in HOSTED:
            yield f"{FIELD}.tools[{index}]"


def _allowed(choice: AllowedChoice, tools: Sequence[OfferedTool]) -> tuple[str, ...]:
    """The names of the allowed tools, without those that this server lacks, unless it lacks all of them."""
    lacking = set(hosted_choices(choice))
    places = [(f"{FIELD}.tools[{index}]", tool) for index, tool in enumerate(choice.tools)]
    kept = [entry for entry in places if entry[0] not in lacking] or places
    return tuple(name for place, tool in kept for name in _chosen(tool, tools, place))


def _chosen(chosen: ChosenTool, tools: Sequence[OfferedTool], place: str) -> tuple[str, ...]:
    """The names of the offered tools that a choice means: without a namespace, those of any."""
    if chosen.name is None and chosen.type in NAMED:
        raise BadRequest(
            f"Missing required parameter: '{place}.name'.", param=f"{place}.name", code="missing_required_parameter"
        )
    names = tuple(tool.compiled.name for tool in tools if _is_meant(chosen, tool))
    if not names:
        raise BadRequest(f"'{place}' {_why_none(chosen, tools)}", param=place)
    return names


def _is_meant(chosen: ChosenTool, tool: OfferedTool) -> bool:
    if chosen.type == "namespace":
        return tool.namespace == chosen.name
    name = chosen.type if chosen.name is None else chosen.name
    called = name in (tool.name, turn_name(tool.name, tool.namespace))
    return tool.kind == chosen.type and called and chosen.namespace in (None, tool.namespace)


def _why_none(chosen: ChosenTool, tools: Sequence[OfferedTool]) -> str:
    if chosen.type in HOSTED:
        return f"is of type '{chosen.type}', which this server lacks; choose another tool."
    listed = ", ".join(f"{tool.kind} '{turn_name(tool.name, tool.namespace)}'" for tool in tools) or "none"
    name = "" if chosen.name is None else f" '{chosen.name[:100]}'"
    return f"names {chosen.type[:100]}{name}, which is not among the tools (offered: {listed})."
