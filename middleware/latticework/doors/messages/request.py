"""A request of `/v1/messages`: its fields, and the rules that their types lack."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StrictBool, StrictInt, StrictStr

from latticework.doors.common.objects import ApiObject, Items, SamplingFields
from latticework.doors.common.validation import parse_as, refuse_fields
from latticework.doors.common.values import TurnValueFields
from latticework.doors.messages.blocks import ChatMessage, SystemField
from latticework.doors.messages.fields import REFUSED
from latticework.doors.messages.tools import ToolField
from latticework.doors.openai.ask import sends_whole_calls
from latticework.doors.openai.types import OnBadTool, StructuredOutputs
from latticework.errors import BadRequest

# The fields that may have lone surrogates: tools cut their results anywhere.
TEXTS = ("messages", "system")
LEAST_BUDGET = 1024
INTERLEAVED = "interleaved-thinking-"


class ChoiceAny(ApiObject):
    """`auto`, `any` or `none`."""

    type: Literal["auto", "any", "none"]
    disable_parallel_tool_use: StrictBool | None = None


class ChoiceTool(ApiObject):
    type: Literal["tool"]
    name: StrictStr
    disable_parallel_tool_use: StrictBool | None = None


class ThinkingOff(ApiObject):
    type: Literal["disabled"]


class ThinkingOn(ApiObject):
    type: Literal["enabled"]
    budget_tokens: StrictInt
    display: Literal["summarized", "omitted"] | None = None


class ThinkingFree(ApiObject):
    """The model decides whether and how long it thinks."""

    type: Literal["adaptive", "between_tools"]
    display: Literal["summarized", "omitted"] | None = None
    budget_tokens: StrictInt | None = None


class OutputFormat(ApiObject):
    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")


class OutputConfig(ApiObject):
    format: OutputFormat | None = None
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None


ChoiceField: TypeAlias = Annotated[ChoiceAny | ChoiceTool, Field(discriminator="type")]
ThinkingField: TypeAlias = Annotated[ThinkingOff | ThinkingOn | ThinkingFree, Field(discriminator="type")]


class PromptRequest(ApiObject):
    """What makes the prompt and the grammar."""

    model: StrictStr
    messages: Items[ChatMessage] = Field(min_length=1)
    system: SystemField | None = None
    tools: Items[ToolField] | None = None
    tool_choice: ChoiceField | None = None
    thinking: ThinkingField | None = None
    output_config: OutputConfig | None = None
    # Its name before `output_config.format`.
    output_format: OutputFormat | None = None
    # Messages that a server keeps, a beta: refused, so that clients send all of them.
    thread: Any = None
    # Extensions, as in chat completions.
    structured_outputs: StructuredOutputs | None = None
    open_objects: StrictBool | None = None
    tool_format: StrictStr | None = None
    on_bad_tool: OnBadTool | None = None

    @property
    def effort(self) -> str | None:
        return None if self.output_config is None else self.output_config.effort

    @property
    def reasoning_limit(self) -> int | None:
        """The maximum number of reasoning tokens."""
        match self.thinking:
            case ThinkingOff():
                return 0
            case ThinkingOn(budget_tokens=budget):
                return budget
        return None

    @property
    def display(self) -> str | None:
        """How the reasoning is shown."""
        return getattr(self.thinking, "display", None)


class MessagesRequest(PromptRequest, SamplingFields, TurnValueFields):
    """The body of `POST /v1/messages`."""

    max_tokens: StrictInt = Field(ge=1)
    stop_sequences: Items[Annotated[StrictStr, Field(min_length=1)]] | None = None
    stream: StrictBool | None = None
    # Extension: whether a stream has a tool's input before it is complete.
    tool_call_streaming: Literal["incremental", "whole"] | None = None

    @property
    def streamed(self) -> bool:
        return bool(self.stream)

    @property
    def answers(self) -> int:
        return 1

    @property
    def whole_calls(self) -> bool | None:
        """Whether a stream has each call in one piece; None: as each tool and the model have it."""
        return sends_whole_calls(self.tool_call_streaming)


def parse_messages_request(body: dict[str, Any], betas: str = "") -> MessagesRequest:
    """A valid request. Raises BadRequest that names the first invalid parameter.

    `betas`: the header `anthropic-beta`. With interleaved thinking, a budget may exceed `max_tokens`, as in Anthropic's
    API.
    """
    request = parse_as(MessagesRequest, body)
    for rule in RULES:
        rule(request)
    _refuse_budget(request, bounded=INTERLEAVED not in betas)
    return request


def _refuse_threads(request: PromptRequest) -> None:
    """Clients that are refused so send all messages instead."""
    if request.thread is not None:
        raise BadRequest(
            "'thread' is not supported: this server keeps no messages; send all of them.",
            param="thread",
            code="thread_unsupported_request",
        )


def _refuse_budget(request: MessagesRequest, *, bounded: bool) -> None:
    if not isinstance(request.thinking, ThinkingOn):
        return
    budget, most = request.thinking.budget_tokens, request.max_tokens
    if budget < LEAST_BUDGET or (bounded and budget >= most):
        raise BadRequest(
            f"'thinking.budget_tokens' is {budget}: it must be at least {LEAST_BUDGET}, and less than 'max_tokens' "
            f"({most}).",
            param="thinking.budget_tokens",
        )


RULES: tuple[Callable[[PromptRequest], None], ...] = (_refuse_threads, partial(refuse_fields, refused=REFUSED))
