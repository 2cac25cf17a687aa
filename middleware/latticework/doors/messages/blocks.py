"""The content blocks of messages, as pydantic models.

Source: Anthropic's `ContentBlockParam`, and what its SDKs and coding agents send: blocks of answers as they came.
Fields that change nothing for a model of text, such as `cache_control`, are kept and not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Discriminator, StrictBool, StrictStr, Tag

from latticework.doors.common.objects import ApiObject, Items

# The classes of blocks by their types, those within results and all of them. Blocks that have a meaning are refused
# where they can't stand, and never left out as others are.
_IN_RESULTS: Mapping[str, str] = {
    "text": "TextBlockInput",
    "tool_reference": "ToolReference",
    **dict.fromkeys(("image", "document", "search_result"), "MediaBlock"),
}
MEANT: Mapping[str, str] = {
    **_IN_RESULTS,
    "tool_use": "ToolUseInput",
    "tool_result": "ToolResultInput",
    "thinking": "ThinkingInput",
    "redacted_thinking": "RedactedThinking",
}


class TextBlockInput(ApiObject):
    type: Literal["text"]
    text: StrictStr
    cache_control: Any = None
    citations: Any = None


class MediaBlock(ApiObject):
    """An image, a document or a search result: known, but not supported by a text model."""

    type: Literal["image", "document", "search_result"]


class ToolReference(ApiObject):
    """A tool that a search has found."""

    type: Literal["tool_reference"]
    tool_name: StrictStr
    cache_control: Any = None


class ToolUseInput(ApiObject):
    type: Literal["tool_use"]
    id: StrictStr
    name: StrictStr
    input: dict[str, Any]
    cache_control: Any = None
    caller: Any = None
    toolset_name: StrictStr | None = None


class ThinkingInput(ApiObject):
    """A signature that this server has made may have the text too."""

    type: Literal["thinking"]
    thinking: StrictStr
    signature: StrictStr | None = None


class RedactedThinking(ApiObject):
    """Reasoning that only the server which made them can read."""

    type: Literal["redacted_thinking"]
    data: StrictStr


class OtherBlock(ApiObject):
    """A block without a meaning for this model, such as what Anthropic's own tools have written."""

    model_config = ConfigDict(json_schema_extra={"not": {"properties": {"type": {"enum": list(MEANT)}}}})

    type: StrictStr


def _by_type(known: Mapping[str, str]) -> Discriminator:
    def tag(block: Any) -> str | None:
        kind = block.get("type") if isinstance(block, dict) else None
        return known.get(kind, "OtherBlock") if isinstance(kind, str) else None

    message = "Input should be an object with a 'type'"
    return Discriminator(tag, custom_error_type="block_type", custom_error_message=message)


ResultBlock: TypeAlias = Annotated[
    Annotated[TextBlockInput, Tag("TextBlockInput")]
    | Annotated[ToolReference, Tag("ToolReference")]
    | Annotated[MediaBlock, Tag("MediaBlock")]
    | Annotated[OtherBlock, Tag("OtherBlock")],
    _by_type(_IN_RESULTS),
]


class ToolResultInput(ApiObject):
    type: Literal["tool_result"]
    tool_use_id: StrictStr
    content: StrictStr | Items[ResultBlock] | None = None
    is_error: StrictBool | None = None
    cache_control: Any = None
    toolset_name: StrictStr | None = None


MessageBlock: TypeAlias = Annotated[
    Annotated[TextBlockInput, Tag("TextBlockInput")]
    | Annotated[ToolUseInput, Tag("ToolUseInput")]
    | Annotated[ToolResultInput, Tag("ToolResultInput")]
    | Annotated[ThinkingInput, Tag("ThinkingInput")]
    | Annotated[RedactedThinking, Tag("RedactedThinking")]
    | Annotated[ToolReference, Tag("ToolReference")]
    | Annotated[MediaBlock, Tag("MediaBlock")]
    | Annotated[OtherBlock, Tag("OtherBlock")],
    _by_type(MEANT),
]


class ChatMessage(ApiObject):
    """A message. The role `system` may be anywhere."""

    role: Literal["user", "assistant", "system"]
    content: StrictStr | Items[MessageBlock]


SystemField: TypeAlias = StrictStr | Items[TextBlockInput]
