"""Chat completions and their chunks: OpenAI's response objects, ready for msgspec.

A field that is UNSET stays out of the JSON: clients break on a `null` name or type in a later tool delta.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from latticework.doors.openai import Usage
from latticework.engines.base import TokenSource
from latticework.generate import Truncation

FinishReason = Literal["stop", "length", "tool_calls"]


class TopLogprob(msgspec.Struct, frozen=True):
    """A likely token at some position. `bytes` is UTF-8, or a part of it."""

    token: str
    logprob: float
    bytes: tuple[int, ...]


class ChatTokenLogprob(msgspec.Struct, frozen=True):
    """The token that was sampled at some position."""

    token: str
    logprob: float
    bytes: tuple[int, ...]
    top_logprobs: tuple[TopLogprob, ...]


class Logprobs(msgspec.Struct, frozen=True):
    """One entry for each generated token, in order."""

    content: tuple[ChatTokenLogprob, ...]
    refusal: None = None


class FunctionDelta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of a call's arguments. The name comes once, with the first piece."""

    arguments: str
    name: str | UnsetType = UNSET


class CustomDelta(msgspec.Struct, frozen=True):
    """The next piece of a custom tool's input. The name comes once, with the first piece."""

    input: str
    name: str | UnsetType = UNSET


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of one call. The first one carries id and type, the later ones leave them out."""

    index: int
    function: FunctionDelta | UnsetType = UNSET
    id: str | UnsetType = UNSET
    type: Literal["function", "custom"] | UnsetType = UNSET
    custom: CustomDelta | UnsetType = UNSET


class Delta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of a message."""

    role: Literal["assistant"] | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    tool_calls: tuple[ToolCallDelta, ...] | UnsetType = UNSET


class ChunkChoice(msgspec.Struct, frozen=True, gc=False):
    """The next piece of one choice. `truncation` comes with the finish reason, where the client asked for it.

    `token_sources`, where they were asked for, have one entry for each generated token, in order.
    """

    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: FinishReason | None = None
    truncation: Truncation | UnsetType = UNSET
    token_sources: tuple[TokenSource, ...] | UnsetType = UNSET


class Chunk(msgspec.Struct, frozen=True):
    """One event of a stream. The last one has the usage and no choice."""

    id: str
    created: int
    model: str
    choices: tuple[ChunkChoice, ...]
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    usage: Usage | UnsetType | None = UNSET


class Function(msgspec.Struct, frozen=True):
    """A call: the tool's name, and its arguments as JSON text."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct, frozen=True, tag_field="type", tag="function"):
    """A finished call, or, where `finish_reason` is "length", one that was cut."""

    id: str
    function: Function


class Custom(msgspec.Struct, frozen=True):
    """A call of a custom tool: its name, and the text that it takes."""

    name: str
    input: str


class CustomCall(msgspec.Struct, frozen=True, tag_field="type", tag="custom"):
    """The same as ToolCall, for a custom tool."""

    id: str
    custom: Custom


class AnswerMessage(msgspec.Struct, frozen=True):
    """What the model said. `reasoning` is an alias of `reasoning_content`; `refusal` is never set."""

    content: str | None
    reasoning_content: str | None
    reasoning: str | None
    tool_calls: tuple[ToolCall | CustomCall, ...] | UnsetType = UNSET
    role: Literal["assistant"] = "assistant"
    refusal: None = None


class CompletionChoice(msgspec.Struct, frozen=True):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: FinishReason
    truncation: Truncation | UnsetType = UNSET
    token_sources: tuple[TokenSource, ...] | UnsetType = UNSET


class ChatCompletion(msgspec.Struct, frozen=True):
    """The whole response."""

    id: str
    created: int
    model: str
    choices: tuple[CompletionChoice, ...]
    usage: Usage
    object: Literal["chat.completion"] = "chat.completion"
