"""A response of `/v1/responses` and the items of its output, ready for msgspec."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from latticework.doors.common.warnings import ResponseWarning
from latticework.doors.openai.logprobs import GeneratedToken
from latticework.engines.base import TokenSource
from latticework.generate import ByPart, Confidence, SourceSpan

ItemStatus = Literal["in_progress", "completed", "incomplete"]
ResponseStatus = Literal["in_progress", "completed", "incomplete", "failed"]


class OutputText(msgspec.Struct, frozen=True, tag_field="type", tag="output_text"):
    """The text of a message."""

    text: str
    annotations: tuple[dict[str, Any], ...] = ()
    logprobs: tuple[GeneratedToken, ...] = ()


class RefusalText(msgspec.Struct, frozen=True, tag_field="type", tag="refusal"):
    """The text with which the model refuses to write the document."""

    refusal: str


class ReasoningText(msgspec.Struct, frozen=True, tag_field="type", tag="reasoning_text"):
    """The text of the reasoning."""

    text: str


class ReasoningOutput(msgspec.Struct, frozen=True, tag_field="type", tag="reasoning"):
    """The model's reasoning. `encrypted_content`, if included, is the text again, for a later request."""

    id: str
    status: ItemStatus
    summary: tuple[dict[str, Any], ...] = ()
    content: tuple[ReasoningText, ...] = ()
    encrypted_content: str | None = None


class MessageOutput(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """Text, a document, or a refusal."""

    id: str
    status: ItemStatus
    role: Literal["assistant"] = "assistant"
    content: tuple[OutputText | RefusalText, ...] = ()


class FunctionCallOutput(msgspec.Struct, frozen=True, tag_field="type", tag="function_call"):
    """A call of a function. `arguments` is JSON text."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: ItemStatus
    namespace: str | UnsetType = UNSET


class CustomCallOutput(msgspec.Struct, frozen=True, tag_field="type", tag="custom_tool_call"):
    """A call of a custom tool."""

    id: str
    call_id: str
    name: str
    input: str
    status: ItemStatus
    namespace: str | UnsetType = UNSET


class LocalShellCall(msgspec.Struct, frozen=True, tag_field="type", tag="local_shell_call"):
    """A command for the client to run."""

    id: str
    call_id: str
    action: dict[str, Any]
    status: ItemStatus


class ShellCall(msgspec.Struct, frozen=True, tag_field="type", tag="shell_call"):
    """Commands for the client to run."""

    id: str
    call_id: str
    action: dict[str, Any]
    status: ItemStatus
    environment: None = None


class ApplyPatchCall(msgspec.Struct, frozen=True, tag_field="type", tag="apply_patch_call"):
    """A file for the client to change."""

    id: str
    call_id: str
    operation: dict[str, Any]
    status: ItemStatus


class ToolSearchCall(msgspec.Struct, frozen=True, tag_field="type", tag="tool_search_call"):
    """A search for tools, which the client does."""

    id: str
    call_id: str
    arguments: dict[str, Any]
    status: ItemStatus
    execution: Literal["client"] = "client"


OutputItem = (
    ReasoningOutput
    | MessageOutput
    | FunctionCallOutput
    | CustomCallOutput
    | LocalShellCall
    | ShellCall
    | ApplyPatchCall
    | ToolSearchCall
)


class IncompleteCall(msgspec.Struct, frozen=True):
    """A call that was cut, as far as it goes. Don't run it. `id` is that of its item, if a stream has begun it."""

    name: str
    arguments: str | UnsetType = UNSET
    input: str | UnsetType = UNSET
    namespace: str | UnsetType = UNSET
    id: str | UnsetType = UNSET


class InputTokensDetails(msgspec.Struct, frozen=True):
    """Of the tokens of the prompt, those that were in the engine's prefix cache."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputTokensDetails(msgspec.Struct, frozen=True):
    """Generated tokens by purpose; other APIs have the same as `CompletionTokensDetails`."""

    reasoning_tokens: int = 0


class ResponseUsage(msgspec.Struct, frozen=True):
    """Token counts. `attempts`: the number of answers that were generated, if more than one was."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int
    attempts: int | UnsetType = UNSET


class IncompleteDetails(msgspec.Struct, frozen=True):
    """Why the answer is not complete."""

    reason: Literal["max_output_tokens"]


class ResponseFailure(msgspec.Struct, frozen=True):
    """Why the response has failed."""

    code: str
    message: str


class ReasoningSettings(msgspec.Struct, frozen=True):
    """As requested."""

    effort: str | None = None
    summary: str | None = None


class TextSettings(msgspec.Struct, frozen=True):
    """As requested."""

    format: dict[str, Any]
    verbosity: str | UnsetType = UNSET


class ModelResponse(msgspec.Struct, frozen=True):
    """A response. What the request has left out has its default here.

    `warnings`: what the server has left out or changed. `incomplete_tool_calls`: the calls that were cut, which are
    not in `output`. `token_sources`, if requested: one entry for each generated token, in order. `confidence`, if
    requested: of each value of the document or of the calls. `grounding`: where its
    strings stand in the user's text.
    """

    id: str
    created_at: int
    model: str
    status: ResponseStatus
    output: tuple[OutputItem, ...]
    tools: tuple[dict[str, Any], ...]
    tool_choice: str | dict[str, Any]
    text: TextSettings
    object: Literal["response"] = "response"
    completed_at: int | None = None
    error: ResponseFailure | None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    previous_response_id: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    parallel_tool_calls: bool = True
    reasoning: ReasoningSettings | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    top_logprobs: int = 0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    truncation: Literal["disabled"] = "disabled"
    store: bool = True
    background: bool = False
    service_tier: str = "default"
    metadata: dict[str, str] = {}
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    usage: ResponseUsage | None = None
    warnings: tuple[ResponseWarning, ...] | UnsetType = UNSET
    incomplete_tool_calls: tuple[IncompleteCall, ...] | UnsetType = UNSET
    token_sources: tuple[TokenSource, ...] | UnsetType = UNSET
    confidence: ByPart[Confidence] | UnsetType = UNSET
    grounding: ByPart[SourceSpan] | UnsetType = UNSET
