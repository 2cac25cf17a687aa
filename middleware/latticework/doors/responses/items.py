"""The items of an input, as pydantic models: messages, calls and their outputs, reasoning, references, tools.

Source: OpenAI's `InputItem`, and what its SDKs, agents and Codex send: items as they came, with or without ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, StrictStr, Tag
from pydantic.config import JsonDict

from latticework.doors.common.objects import ApiObject, Items
from latticework.doors.responses.client_tools import CLIENT_TOOLS
from latticework.doors.responses.tools import Tool

Status = Literal["in_progress", "completed", "incomplete"]


class InputTextPart(ApiObject):
    """`output_text` is a part of an earlier answer."""

    type: Literal["input_text", "output_text", "text"]
    text: StrictStr
    annotations: Any = None
    logprobs: Any = None


class InputRefusal(ApiObject):
    type: Literal["refusal"]
    refusal: StrictStr


class InputMedia(ApiObject):
    """An image, a sound or a file: known, but not supported by a text model."""

    type: Literal["input_image", "input_file", "input_audio", "computer_screenshot"]


InputPart = Annotated[InputTextPart | InputRefusal | InputMedia, Field(discriminator="type")]
OutputPart = Annotated[InputTextPart | InputMedia, Field(discriminator="type")]


class InputItemBase(ApiObject):
    id: StrictStr | None = None
    status: Status | None = None


class MessageInput(InputItemBase):
    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: StrictStr | Items[InputPart]
    phase: Literal["commentary", "final_answer"] | None = None


class FunctionCallInput(InputItemBase):
    type: Literal["function_call"]
    call_id: StrictStr
    name: StrictStr
    arguments: StrictStr
    namespace: StrictStr | None = None


class CustomCallInput(InputItemBase):
    type: Literal["custom_tool_call"]
    call_id: StrictStr
    name: StrictStr
    input: StrictStr
    namespace: StrictStr | None = None


class CallOutputInput(InputItemBase):
    """The result of a call, of any kind."""

    type: Literal["function_call_output", "custom_tool_call_output"]
    call_id: StrictStr
    output: StrictStr | Items[OutputPart]
    name: StrictStr | None = None
    namespace: StrictStr | None = None


class ReasoningPart(ApiObject):
    type: Literal["reasoning_text", "summary_text", "text"]
    text: StrictStr


class ReasoningInput(InputItemBase):
    type: Literal["reasoning"]
    content: Items[ReasoningPart] | None = None
    summary: Items[ReasoningPart] | None = None
    encrypted_content: StrictStr | None = None


# Of an object without a type, a role makes a message.
_NO_MESSAGE: JsonDict = {
    "anyOf": [
        {"required": ["type"], "properties": {"type": {"const": "item_reference"}}},
        {"not": {"required": ["role"]}},
    ]
}


class ReferenceInput(ApiObject):
    """An item of an earlier response."""

    model_config = ConfigDict(json_schema_extra=_NO_MESSAGE)

    type: Literal["item_reference"] | None = None
    id: StrictStr


class AdditionalTools(InputItemBase):
    """Tools that are offered beside those of the request."""

    type: Literal["additional_tools"]
    role: Literal["developer"] | None = None
    tools: Items[Tool]


class ToolSearchOutputInput(InputItemBase):
    """The tools that a search has found, which are offered from now on."""

    type: Literal["tool_search_output"]
    call_id: StrictStr | None = None
    execution: Literal["client", "server"] | None = None
    tools: Items[Tool]


class ClientCallInput(InputItemBase):
    """A call of a tool that OpenAI defines and the client runs: `client_tools` has the field of its arguments."""

    type: Literal["local_shell_call", "shell_call", "apply_patch_call", "tool_search_call"]
    call_id: StrictStr | None = None
    action: dict[str, Any] | None = None
    operation: dict[str, Any] | None = None
    arguments: dict[str, Any] | None = None
    execution: Literal["client", "server"] | None = None


class ClientOutputInput(ApiObject):
    """Its result. That of a local shell names its call by `id`."""

    type: Literal["local_shell_call_output", "shell_call_output", "apply_patch_call_output"]
    id: StrictStr | None = None
    call_id: StrictStr | None = None
    output: StrictStr | list[Any] | None = None
    # A patch that can't be applied has failed.
    status: Status | Literal["failed"] | None = None


class OtherItem(ApiObject):
    """What tools that this server lacks have written."""

    type: Literal[
        "web_search_call",
        "file_search_call",
        "computer_call",
        "computer_call_output",
        "image_generation_call",
        "code_interpreter_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "compaction",
        "compaction_trigger",
        "program",
        "program_output",
    ]


KINDS: Mapping[str, type[ApiObject]] = {
    "message": MessageInput,
    "function_call": FunctionCallInput,
    "custom_tool_call": CustomCallInput,
    "function_call_output": CallOutputInput,
    "custom_tool_call_output": CallOutputInput,
    "reasoning": ReasoningInput,
    "item_reference": ReferenceInput,
    "additional_tools": AdditionalTools,
    "tool_search_output": ToolSearchOutputInput,
    **{tool.call: ClientCallInput for tool in CLIENT_TOOLS.values()},
    **{tool.output: ClientOutputInput for tool in CLIENT_TOOLS.values() if tool.output != "tool_search_output"},
}


def _kind(item: Any) -> str | None:
    """The name of its class. Messages and references may lack a type."""
    if not isinstance(item, dict):
        return None
    kind = item.get("type") or ("message" if "role" in item else "item_reference" if "id" in item else None)
    if not isinstance(kind, str):
        return None
    return KINDS.get(kind, OtherItem).__name__


InputItem: TypeAlias = Annotated[
    Annotated[MessageInput, Tag("MessageInput")]
    | Annotated[FunctionCallInput, Tag("FunctionCallInput")]
    | Annotated[CustomCallInput, Tag("CustomCallInput")]
    | Annotated[CallOutputInput, Tag("CallOutputInput")]
    | Annotated[ReasoningInput, Tag("ReasoningInput")]
    | Annotated[ReferenceInput, Tag("ReferenceInput")]
    | Annotated[AdditionalTools, Tag("AdditionalTools")]
    | Annotated[ToolSearchOutputInput, Tag("ToolSearchOutputInput")]
    | Annotated[ClientCallInput, Tag("ClientCallInput")]
    | Annotated[ClientOutputInput, Tag("ClientOutputInput")]
    | Annotated[OtherItem, Tag("OtherItem")],
    Discriminator(
        _kind,
        custom_error_type="item_type",
        custom_error_message="Input should be an object with a 'type' or, for a message, a 'role'",
    ),
]
