"""The events of a streamed response. Each has its type, and `sequence_number` counts them from 0."""

from __future__ import annotations

import msgspec

from latticework.doors.common.events import EventEncoder
from latticework.doors.openai import ErrorBody
from latticework.doors.openai.logprobs import GeneratedToken
from latticework.doors.responses.output import ModelResponse, OutputItem, OutputText, ReasoningText, RefusalText


class StreamEvent(msgspec.Struct, frozen=True, tag_field="type"):
    """What all of them have."""

    sequence_number: int


class ResponseCreated(StreamEvent, frozen=True, tag="response.created"):
    """The first event."""

    response: ModelResponse


class ResponseInProgress(StreamEvent, frozen=True, tag="response.in_progress"):
    """The second one."""

    response: ModelResponse


class ResponseCompleted(StreamEvent, frozen=True, tag="response.completed"):
    """The last one of a response that is complete."""

    response: ModelResponse


class ResponseIncomplete(StreamEvent, frozen=True, tag="response.incomplete"):
    """The last one of a response that was cut."""

    response: ModelResponse


class ResponseFailed(StreamEvent, frozen=True, tag="response.failed"):
    """The last one, after an `error`."""

    response: ModelResponse


class ErrorEvent(StreamEvent, frozen=True, tag="error"):
    """What went wrong, in both forms that SDKs read."""

    code: str | None
    message: str
    param: str | None
    error: ErrorBody


class ItemEvent(StreamEvent, frozen=True):
    """What an event of an item has. `output_index` is the item's place in the output."""

    output_index: int


class ItemAdded(ItemEvent, frozen=True, tag="response.output_item.added"):
    """An item begins."""

    item: OutputItem


class ItemDone(ItemEvent, frozen=True, tag="response.output_item.done"):
    """An item is complete. A call that was cut has none."""

    item: OutputItem


class PartEvent(ItemEvent, frozen=True):
    """What an event of an item's text has."""

    item_id: str
    content_index: int


class PartAdded(PartEvent, frozen=True, tag="response.content_part.added"):
    """A text begins."""

    part: OutputText | RefusalText | ReasoningText


class PartDone(PartEvent, frozen=True, tag="response.content_part.done"):
    """A text is complete."""

    part: OutputText | RefusalText | ReasoningText


class TextDelta(PartEvent, frozen=True, tag="response.output_text.delta"):
    """The next piece of a message's text."""

    delta: str
    logprobs: tuple[GeneratedToken, ...] = ()


class TextDone(PartEvent, frozen=True, tag="response.output_text.done"):
    """The whole text."""

    text: str
    logprobs: tuple[GeneratedToken, ...] = ()


class RefusalTextDelta(PartEvent, frozen=True, tag="response.refusal.delta"):
    """The next piece of a refusal."""

    delta: str


class RefusalTextDone(PartEvent, frozen=True, tag="response.refusal.done"):
    """The whole refusal."""

    refusal: str


class ReasoningTextDelta(PartEvent, frozen=True, tag="response.reasoning_text.delta"):
    """The next piece of the reasoning."""

    delta: str


class ReasoningTextDone(PartEvent, frozen=True, tag="response.reasoning_text.done"):
    """The whole reasoning."""

    text: str


class ArgumentsTextDelta(ItemEvent, frozen=True, tag="response.function_call_arguments.delta"):
    """The next piece of a function's arguments, as JSON text."""

    item_id: str
    delta: str


class ArgumentsTextDone(ItemEvent, frozen=True, tag="response.function_call_arguments.done"):
    """All of them."""

    item_id: str
    name: str
    arguments: str


class InputTextDelta(ItemEvent, frozen=True, tag="response.custom_tool_call_input.delta"):
    """The next piece of a custom tool's input."""

    item_id: str
    delta: str


class InputTextDone(ItemEvent, frozen=True, tag="response.custom_tool_call_input.done"):
    """The whole input."""

    item_id: str
    input: str


EVENTS = (
    ResponseCreated,
    ResponseInProgress,
    ItemAdded,
    PartAdded,
    TextDelta,
    TextDone,
    RefusalTextDelta,
    RefusalTextDone,
    ReasoningTextDelta,
    ReasoningTextDone,
    PartDone,
    ArgumentsTextDelta,
    ArgumentsTextDone,
    InputTextDelta,
    InputTextDone,
    ItemDone,
    ResponseCompleted,
    ResponseIncomplete,
    ErrorEvent,
    ResponseFailed,
)

ENCODER = EventEncoder(EVENTS)
