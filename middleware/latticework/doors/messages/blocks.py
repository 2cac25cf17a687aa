"""The content blocks of messages, as pydantic models.

Source: Anthropic's `ContentBlockParam`, and what its SDKs and coding agents send: blocks of answers as they came.
Fields that change nothing for a model of text, such as `cache_control`, are kept and not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Discriminator, StrictBool, StrictStr, Tag

from latticework.doors.common.objects import ApiObject, Items


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

    model_config = ConfigDict(
        json_schema_extra={"not": {"properties": {"type": {"enum": ["text", "tool_use", "tool_result", "thinking"]}}}}
    )

    type: StrictStr


def _block_tag(block: Any, known: Mapping[str, str]) -> str | None:
    kind = block.get("type") if isinstance(block, dict) else None
    return known.get(kind, "OtherBlock") if isinstance(kind, str) else None


_MEDIA = dict.fromkeys(("image", "document", "search_result"), "MediaBlock")
_IN_RESULTS = {"text": "TextBlockInput", "tool_reference": "ToolReference", **_MEDIA}
_NOT_TYPED = "Input should be an object with a 'type'"

ResultBlock: TypeAlias = Annotated[
    Annotated[TextBlockInput, Tag("TextBlockInput")]
    | Annotated[ToolReference, Tag("ToolReference")]
    | Annotated[MediaBlock, Tag("MediaBlock")]
    | Annotated[OtherBlock, Tag("OtherBlock")],
    Discriminator(
        lambda block: _block_tag(block, _IN_RESULTS), custom_error_type="block_type", custom_error_message=_NOT_TYPED
    ),
]


class ToolResultInput(ApiObject):
    type: Literal["tool_result"]
    tool_use_id: StrictStr
    content: StrictStr | Items[ResultBlock] | None = None
    is_error: StrictBool | None = None
    cache_control: Any = None
    toolset_name: StrictStr | None = None


_IN_MESSAGES = {
    **_IN_RESULTS,
    "tool_use": "ToolUseInput",
    "tool_result": "ToolResultInput",
    "thinking": "ThinkingInput",
    "redacted_thinking": "RedactedThinking",
}

MessageBlock: TypeAlias = Annotated[
    Annotated[TextBlockInput, Tag("TextBlockInput")]
    | Annotated[ToolUseInput, Tag("ToolUseInput")]
    | Annotated[ToolResultInput, Tag("ToolResultInput")]
    | Annotated[ThinkingInput, Tag("ThinkingInput")]
    | Annotated[RedactedThinking, Tag("RedactedThinking")]
    | Annotated[ToolReference, Tag("ToolReference")]
    | Annotated[MediaBlock, Tag("MediaBlock")]
    | Annotated[OtherBlock, Tag("OtherBlock")],
    Discriminator(
        lambda block: _block_tag(block, _IN_MESSAGES), custom_error_type="block_type", custom_error_message=_NOT_TYPED
    ),
]


class ChatMessage(ApiObject):
    """A message. The role `system` may be anywhere."""

    role: Literal["user", "assistant", "system"]
    content: StrictStr | Items[MessageBlock]

    @property
    def blocks(self) -> list[ApiObject]:
        """The content as blocks."""
        if isinstance(self.content, str):
            return [TextBlockInput(type="text", text=self.content)]
        return list(self.content)


SystemField: TypeAlias = StrictStr | Items[TextBlockInput]
