"""A message of `/v1/messages` and the blocks of its content, ready for msgspec."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from latticework.doors.common.warnings import ResponseWarning
from latticework.generate import ByPart, Confidence, SourceSpan

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", "model_context_window_exceeded"]


class TextBlock(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """Text, or a document."""

    text: str


class ThinkingBlock(msgspec.Struct, frozen=True, tag_field="type", tag="thinking"):
    """The model's reasoning. The signature has the text if it is not shown."""

    thinking: str
    signature: str


class ToolUseBlock(msgspec.Struct, frozen=True, tag_field="type", tag="tool_use"):
    """A call of a tool. `input` is an object, with its numbers as the model wrote them."""

    id: str
    name: str
    input: msgspec.Raw


ContentBlock = TextBlock | ThinkingBlock | ToolUseBlock


class IncompleteToolUse(msgspec.Struct, frozen=True):
    """A call that was cut: the text of its input as far as it goes. Don't run it.

    `id` is that of its block, if a stream has begun it.
    """

    name: str
    input: str
    id: str | UnsetType = UNSET


class ThinkingTokens(msgspec.Struct, frozen=True):
    """Of the generated tokens, those of the reasoning."""

    thinking_tokens: int


class MessageUsage(msgspec.Struct, frozen=True):
    """Token counts. The prompt has the three of the input together.

    `attempts`: the number of answers that were generated, if more than one was.
    """

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    output_tokens_details: ThinkingTokens | UnsetType = UNSET
    attempts: int | UnsetType = UNSET


class MessageResponse(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """An answer.

    `warnings`: what the server has left out or changed. `incomplete_tool_calls`: the calls that were cut, which are not
    in `content`. `confidence`, if requested: of each value of the document or of the calls.
    """

    id: str
    model: str
    content: tuple[ContentBlock, ...]
    usage: MessageUsage
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    stop_details: None = None
    container: None = None
    role: Literal["assistant"] = "assistant"
    warnings: tuple[ResponseWarning, ...] | UnsetType = UNSET
    incomplete_tool_calls: tuple[IncompleteToolUse, ...] | UnsetType = UNSET
    confidence: ByPart[Confidence] | UnsetType = UNSET
    grounding: ByPart[SourceSpan] | UnsetType = UNSET
