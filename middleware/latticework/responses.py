"""What the API answers with: OpenAI's response objects, ready for msgspec.

A field that is UNSET stays out of the JSON: clients break on a `null` name or type in a later tool delta.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from latticework.engines.base import TokenSource
from latticework.version import VERSION

FinishReason = Literal["stop", "length", "tool_calls"]


class TopLogprob(msgspec.Struct, frozen=True):
    """A likely token at some position. `bytes` is UTF-8, or a part of it."""

    token: str
    logprob: float
    bytes: tuple[int, ...]


class TokenLogprob(msgspec.Struct, frozen=True):
    """The token that was sampled at some position."""

    token: str
    logprob: float
    bytes: tuple[int, ...]
    top_logprobs: tuple[TopLogprob, ...]


class Logprobs(msgspec.Struct, frozen=True):
    """One entry for each generated token, in order."""

    content: tuple[TokenLogprob, ...]
    refusal: None = None


class CompletionTokensDetails(msgspec.Struct, frozen=True):
    """What the generated tokens were for."""

    reasoning_tokens: int


class Usage(msgspec.Struct, frozen=True):
    """Counts of tokens. The details are there where the model's format has thoughts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionTokensDetails | UnsetType = UNSET


class FunctionDelta(msgspec.Struct, frozen=True):
    """The next piece of a call's arguments. The name comes once, with the first piece."""

    arguments: str
    name: str | UnsetType = UNSET


class CustomDelta(msgspec.Struct, frozen=True):
    """The next piece of a custom tool's input. The name comes once, with the first piece."""

    input: str
    name: str | UnsetType = UNSET


class ToolCallDelta(msgspec.Struct, frozen=True):
    """The next piece of one call. The first one carries id and type, the later ones leave them out."""

    index: int
    function: FunctionDelta | UnsetType = UNSET
    id: str | UnsetType = UNSET
    type: Literal["function", "custom"] | UnsetType = UNSET
    custom: CustomDelta | UnsetType = UNSET


class Delta(msgspec.Struct, frozen=True):
    """The next piece of a message."""

    role: Literal["assistant"] | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    tool_calls: tuple[ToolCallDelta, ...] | UnsetType = UNSET


class Truncation(msgspec.Struct, frozen=True):
    """What was added to a document that `max_tokens` cut, by JSON pointers into it.

    `cut` is the innermost value that the model had begun and not ended, null where there is none; `filled` are the
    values that it had not begun.
    """

    cut: str | None
    filled: tuple[str, ...]


class ChunkChoice(msgspec.Struct, frozen=True):
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


class Finding(msgspec.Struct, frozen=True):
    """What became of one keyword of a schema in the request: `pointer` goes into the request."""

    pointer: str
    keyword: str
    status: Literal["enforced", "rewritten", "checked", "annotation", "refused"]
    reason: str


class Grammar(msgspec.Struct, frozen=True):
    """What a request compiles to. `exact`: the grammar alone decides, nothing is left to be checked.

    `grammar` is llguidance Lark, null where nothing is constrained; `compile_ms` is what this call took.
    """

    model: str
    format: str
    exact: bool
    compile_ms: float
    grammar_bytes: int
    grammar: str | None
    report: tuple[Finding, ...]
    object: Literal["grammar"] = "grammar"


class ModelState(msgspec.Struct, frozen=True):
    """`running`: how many answers it is working on. `settings`: those that it has for itself.

    `reason` says why a model is down. `chat_template` says what its prompts are where it has no template. `format` is
    how it writes tool calls, and `why` what speaks for that. `self_test` is what was found when it was loaded: "held",
    or each turn that its chat template shows and its grammar does not take as it should, and what is wrong with it.
    """

    status: Literal["ok", "down"]
    running: int
    settings: Mapping[str, Any]
    reason: str | None = None
    chat_template: str | None = None
    format: str | None = None
    why: str | None = None
    self_test: Literal["held"] | tuple[str, ...] | None = None


class Health(msgspec.Struct, frozen=True):
    """`running`: how many answers each model is working on. `counters`: what should be nothing, or nearly.

    `settings` are those that anybody may know, by the names that a file has for them. `status` is "degraded" where some
    of the models are down, and an error where all are.
    """

    models: Mapping[str, ModelState]
    running: dict[str, int]
    counters: dict[str, int]
    settings: dict[str, Any]
    status: Literal["ok", "degraded"]
    version: str = VERSION


class ModelCard(msgspec.Struct, frozen=True):
    """A model that requests can name."""

    id: str
    created: int
    owned_by: str
    max_model_len: int
    object: Literal["model"] = "model"


class ModelList(msgspec.Struct, frozen=True):
    """All of them."""

    data: tuple[ModelCard, ...]
    object: Literal["list"] = "list"
