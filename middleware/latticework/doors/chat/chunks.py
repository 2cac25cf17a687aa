"""Chat completions and their chunks: OpenAI's response objects, ready for msgspec.

UNSET fields are omitted from the JSON: clients fail on a `null` name or type in a later tool delta.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from latticework.doors.common.warnings import ResponseWarning
from latticework.doors.openai import Usage
from latticework.doors.openai.logprobs import GeneratedToken
from latticework.engines.base import TokenSource
from latticework.generate import ByPart, Confidence, SourceSpan, Truncation

FinishReason = Literal["stop", "length", "tool_calls"]


class Logprobs(msgspec.Struct, frozen=True):
    """One entry for each generated token, in order; those of a refusal are apart."""

    content: tuple[GeneratedToken, ...] | None
    refusal: tuple[GeneratedToken, ...] | None = None


class PromptLogprob(msgspec.Struct, frozen=True):
    """A token of the prompt, or an alternative at its position. `rank`: from 1, the most likely token."""

    logprob: float
    rank: int
    decoded_token: str


# For each token of the prompt, by token id; null for the first.
PromptLogprobs = tuple[dict[str, PromptLogprob] | None, ...]


class FunctionDelta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of a call's arguments. The name comes once, with the first piece."""

    arguments: str
    name: str | UnsetType = UNSET


class CustomDelta(msgspec.Struct, frozen=True):
    """The next piece of a custom tool's input. The name comes once, with the first piece."""

    input: str
    name: str | UnsetType = UNSET


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of a call. Only the first has id and type; it goes up to the first argument's value at least."""

    index: int
    function: FunctionDelta | UnsetType = UNSET
    id: str | UnsetType = UNSET
    type: Literal["function", "custom"] | UnsetType = UNSET
    custom: CustomDelta | UnsetType = UNSET


class IncompleteToolCall(msgspec.Struct, frozen=True):
    """A call that was cut, as far as it goes: `arguments` of a function, `input` of a custom tool. Don't run it.

    In a stream, `index` and `id` are those of a call that has begun in `tool_calls`: discard it there.
    """

    name: str
    arguments: str | UnsetType = UNSET
    input: str | UnsetType = UNSET
    index: int | UnsetType = UNSET
    id: str | UnsetType = UNSET


class Delta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of a message. `incomplete_tool_calls` comes with the finish reason."""

    role: Literal["assistant"] | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    tool_calls: tuple[ToolCallDelta, ...] | UnsetType = UNSET
    incomplete_tool_calls: tuple[IncompleteToolCall, ...] | UnsetType = UNSET
    refusal: str | UnsetType = UNSET


class ChunkChoice(msgspec.Struct, frozen=True, gc=False):
    """The next piece of a choice. `truncation`, `confidence`, `grounding`, if requested, come with the finish reason.

    `token_sources` and `token_ids`, if requested, have one entry for each generated token, in order.
    """

    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: FinishReason | None = None
    truncation: Truncation | UnsetType = UNSET
    token_sources: tuple[TokenSource, ...] | UnsetType = UNSET
    token_ids: tuple[int, ...] | UnsetType = UNSET
    confidence: ByPart[Confidence] | UnsetType = UNSET
    grounding: ByPart[SourceSpan] | UnsetType = UNSET


class Chunk(msgspec.Struct, frozen=True):
    """An event of a stream. With `include_usage`, the last one has the usage and no choices.

    `warnings`, if there are any, come with the first one, which SDKs build the whole completion on, and those about an
    answer with its last one. `prompt_token_ids`, if requested, come with the first one; `kv_transfer_params`, where the
    engine's connector has any, with the last one.
    """

    id: str
    created: int
    model: str
    choices: tuple[ChunkChoice, ...]
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    usage: Usage | UnsetType | None = UNSET
    warnings: tuple[ResponseWarning, ...] | UnsetType = UNSET
    prompt_token_ids: tuple[int, ...] | UnsetType = UNSET
    prompt_logprobs: PromptLogprobs | UnsetType = UNSET
    kv_transfer_params: Mapping[str, Any] | UnsetType = UNSET


class Function(msgspec.Struct, frozen=True):
    """The tool's name, and the arguments as JSON text."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct, frozen=True, tag_field="type", tag="function"):
    """A complete call."""

    id: str
    function: Function


class Custom(msgspec.Struct, frozen=True):
    """The custom tool's name, and its input."""

    name: str
    input: str


class CustomCall(msgspec.Struct, frozen=True, tag_field="type", tag="custom"):
    """A complete call of a custom tool."""

    id: str
    custom: Custom


class AnswerMessage(msgspec.Struct, frozen=True):
    """The model's answer. `reasoning` is an alias of `reasoning_content`. `refusal`: what it has instead of a document.

    `incomplete_tool_calls`: calls that were cut, which are not in `tool_calls`.
    """

    content: str | None
    reasoning_content: str | None
    reasoning: str | None
    tool_calls: tuple[ToolCall | CustomCall, ...] | UnsetType = UNSET
    incomplete_tool_calls: tuple[IncompleteToolCall, ...] | UnsetType = UNSET
    role: Literal["assistant"] = "assistant"
    refusal: str | None = None


class CompletionChoice(msgspec.Struct, frozen=True):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: FinishReason
    truncation: Truncation | UnsetType = UNSET
    token_sources: tuple[TokenSource, ...] | UnsetType = UNSET
    token_ids: tuple[int, ...] | UnsetType = UNSET
    confidence: ByPart[Confidence] | UnsetType = UNSET
    grounding: ByPart[SourceSpan] | UnsetType = UNSET


class ChatCompletion(msgspec.Struct, frozen=True):
    """The whole response."""

    id: str
    created: int
    model: str
    choices: tuple[CompletionChoice, ...]
    usage: Usage
    object: Literal["chat.completion"] = "chat.completion"
    warnings: tuple[ResponseWarning, ...] | UnsetType = UNSET
    prompt_token_ids: tuple[int, ...] | UnsetType = UNSET
    prompt_logprobs: PromptLogprobs | UnsetType = UNSET
    kv_transfer_params: Mapping[str, Any] | UnsetType = UNSET
