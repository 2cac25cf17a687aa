"""The events of a streamed message. Each has its type, which is the name of the event too."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from latticework.doors.anthropic import AnthropicErrorResponse
from latticework.doors.common.events import EventEncoder
from latticework.doors.common.warnings import ResponseWarning
from latticework.doors.messages.output import (
    ContentBlock,
    IncompleteToolUse,
    MessageResponse,
    MessageUsage,
    StopReason,
)
from latticework.generate import ByPart, Confidence, SourceSpan


class MessageEvent(msgspec.Struct, frozen=True, tag_field="type"):
    """An event."""


class MessageStart(MessageEvent, frozen=True, tag="message_start"):
    """The first event: the message without content."""

    message: MessageResponse


class Ping(MessageEvent, frozen=True, tag="ping"):
    """The answer goes on."""


class BlockEvent(MessageEvent, frozen=True):
    """What an event of a block has. `index` is the block's place in the content."""

    index: int


class BlockStart(BlockEvent, frozen=True, tag="content_block_start"):
    """A block begins, without content."""

    content_block: ContentBlock


class TextPiece(msgspec.Struct, frozen=True, tag_field="type", tag="text_delta"):
    """The next piece of a text."""

    text: str


class ThinkingPiece(msgspec.Struct, frozen=True, tag_field="type", tag="thinking_delta"):
    """The next piece of reasoning."""

    thinking: str


class SignaturePiece(msgspec.Struct, frozen=True, tag_field="type", tag="signature_delta"):
    """The signature of the reasoning, at its end."""

    signature: str


class InputPiece(msgspec.Struct, frozen=True, tag_field="type", tag="input_json_delta"):
    """The next piece of a tool's input, as JSON text."""

    partial_json: str


class BlockDelta(BlockEvent, frozen=True, tag="content_block_delta"):
    """More of a block."""

    delta: TextPiece | ThinkingPiece | SignaturePiece | InputPiece


class BlockStop(BlockEvent, frozen=True, tag="content_block_stop"):
    """A block is complete. A call that was cut has none."""


class Ending(msgspec.Struct, frozen=True):
    """Why the answer ended."""

    stop_reason: StopReason
    stop_sequence: str | None = None
    stop_details: None = None
    container: None = None


class MessageDelta(MessageEvent, frozen=True, tag="message_delta"):
    """The end of the message. `usage` is that of the whole answer."""

    delta: Ending
    usage: MessageUsage
    warnings: tuple[ResponseWarning, ...] | UnsetType = UNSET
    incomplete_tool_calls: tuple[IncompleteToolUse, ...] | UnsetType = UNSET
    confidence: ByPart[Confidence] | UnsetType = UNSET
    grounding: ByPart[SourceSpan] | UnsetType = UNSET


class MessageStop(MessageEvent, frozen=True, tag="message_stop"):
    """The last event."""


EVENTS = (MessageStart, Ping, BlockStart, BlockDelta, BlockStop, MessageDelta, MessageStop, AnthropicErrorResponse)

ENCODER = EventEncoder(EVENTS)
