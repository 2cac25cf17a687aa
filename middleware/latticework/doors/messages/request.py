"""A request of `/v1/messages`, and the ask that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StrictBool, StrictInt, StrictStr

from latticework.ask import NO_CALLS, Ask, Content, Conversation, TurnAsk
from latticework.doors.common.objects import ApiObject, Items, SamplingFields, sampling_fields
from latticework.doors.common.validation import parse_as, refuse_fields, unknown_fields
from latticework.doors.messages.blocks import ChatMessage, SystemField, ToolReference, ToolResultInput
from latticework.doors.messages.conversation import Dialogue
from latticework.doors.messages.described_bounds import BoundsReader
from latticework.doors.messages.fields import HARMLESS, REFUSED
from latticework.doors.messages.tools import MessageTool, Toolbox, ToolField, hosted_tools, message_tools
from latticework.doors.openai.ask import known_format, skips_bad_tools
from latticework.doors.openai.content import document_content, of_structured_outputs, one_content
from latticework.doors.openai.types import OnBadTool, StructuredOutputs
from latticework.errors import BadRequest
from latticework.settings import Settings
from latticework.turn import Job
from latticework.turn.reasoning import SWITCHES
from turngrammar.turn import ToolChoice

TOOLS_POINTER, CHOICE_POINTER = "/tools", "/tool_choice"
# The fields that may have lone surrogates: tools cut their results anywhere.
TEXTS = ("messages", "system")
LEAST_BUDGET = 1024


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
    def display(self) -> str | None:
        """How the reasoning is shown."""
        return getattr(self.thinking, "display", None)


class MessagesRequest(PromptRequest, SamplingFields):
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


@dataclass(frozen=True)
class ReadRequest:
    """A request whose conversation, tools and format have been read.

    Attributes:
        bounds: JSON pointers to the keywords that were read in descriptions.
    """

    request: PromptRequest
    toolbox: Toolbox
    dialogue: Dialogue
    content: Content
    bounds: Sequence[str]

    @property
    def tools(self) -> Sequence[MessageTool]:
        return self.toolbox.offered


def parse_messages_request(body: dict[str, Any]) -> MessagesRequest:
    """A valid request. Raises BadRequest that names the first invalid parameter."""
    request = parse_as(MessagesRequest, body)
    for rule in RULES:
        rule(request)
    _refuse_budget(request)
    return request


def read_request(request: PromptRequest, settings: Settings) -> ReadRequest:
    """Raises BadRequest for what a message can't have, for a result without its call, and for two kinds of content."""
    bounds = BoundsReader(enabled=not settings.ignore_described_bounds)
    chosen = request.tool_choice.name if isinstance(request.tool_choice, ChoiceTool) else None
    tools = message_tools(request.tools or (), TOOLS_POINTER, chosen, bounds)
    toolbox = Toolbox(tools, frozenset(_found(request.messages)))
    dialogue = Dialogue(toolbox, drops_volatile=not settings.keep_volatile_text)
    dialogue.add_system(_system_blocks(request.system))
    for index, message in enumerate(request.messages):
        dialogue.add(f"messages[{index}]", message)
    _refuse_open_turn(dialogue)
    return ReadRequest(request, toolbox, dialogue, _content(request, bounds), bounds.pointers)


def _found(messages: Sequence[ChatMessage]) -> Iterator[str]:
    """The names of the tools that searches have found."""
    for message in messages:
        for block in message.content if isinstance(message.content, list) else ():
            parts = block.content if isinstance(block, ToolResultInput) else None
            for part in parts if isinstance(parts, list) else ():
                if isinstance(part, ToolReference):
                    yield part.tool_name


def _system_blocks(system: Any) -> list[tuple[str, str]]:
    if isinstance(system, str):
        return [("system", system)]
    return [(f"system[{index}]", block.text) for index, block in enumerate(system or ())]


def _refuse_open_turn(dialogue: Dialogue) -> None:
    """Raises BadRequest for a conversation without a message, and for a last turn that can't be continued."""
    last, place = (dialogue.messages or [{"role": "system"}])[-1], (dialogue.places or ["messages"])[-1]
    if last["role"] == "system" and not any(message["role"] != "system" for message in dialogue.messages):
        raise BadRequest("'messages' must have a message of the user's.", param="messages")
    if last["role"] != "assistant":
        return
    if "tool_calls" in last:
        raise BadRequest(f"'{place}' ends with a 'tool_use'; send its 'tool_result' behind it.", param=place)
    if "content" not in last:
        raise BadRequest(
            f"'{place}' has no text to continue; leave the message out, or send text of the answer.", param=place
        )


def message_ask(read: ReadRequest) -> Ask:
    """The ask of a message. Raises BadRequest."""
    request = read.request
    assert isinstance(request, MessagesRequest)
    return Ask(
        model=request.model,
        prompt=conversation(read),
        turn=turn_ask(read),
        sampling=sampling_fields(request),
        max_tokens=request.max_tokens,
        fits_context=True,
        stops=tuple(request.stop_sequences or ()),
        prompt_limit=request.truncate_prompt_tokens,
        effort=effort_of(request),
        reasoning_limit=reasoning_limit(request),
        whole_calls=None if request.tool_call_streaming is None else request.tool_call_streaming == "whole",
        names=NAMES,
    )


NAMES: Mapping[str, str] = {
    "prompt": "messages",
    "schema": "output_config.format",
    "variables": "thinking",
    "stop": "stop_sequences",
}


def conversation(read: ReadRequest) -> Conversation:
    request, dialogue = read.request, read.dialogue
    thinks = isinstance(request.thinking, ThinkingOn | ThinkingFree)
    return Conversation(
        dialogue.messages,
        [tool.shown for tool in read.toolbox.listed],
        dict.fromkeys(SWITCHES, True) if thinks else {},
        continued=dialogue.continued,
        places=dialogue.places,
    )


def turn_ask(read: ReadRequest) -> TurnAsk:
    """Raises BadRequest for an unknown tool or format."""
    return TurnAsk(
        tuple(tool.compiled for tool in read.tools),
        _tool_choice(read.request, read.tools),
        read.content,
        known_format(read.request.tool_format),
        TOOLS_POINTER,
        skips_bad_tools(read.request.on_bad_tool),
        read.request.open_objects,
    )


def _tool_choice(request: PromptRequest, tools: Sequence[MessageTool]) -> ToolChoice:
    choice = request.tool_choice
    most = 1 if choice is not None and choice.disable_parallel_tool_use else None
    match choice:
        case ChoiceTool(name=name):
            if name not in [tool.name for tool in tools]:
                listed = ", ".join(f"'{tool.name}'" for tool in tools) or "none"
                raise BadRequest(
                    f"'tool_choice' names '{name[:100]}', which is not among the tools (offered: {listed}).",
                    param="tool_choice.name",
                )
            return ToolChoice("required", (name,), 1, CHOICE_POINTER)
        case ChoiceAny(type="any") if not tools:
            raise BadRequest(
                "'tool_choice' is 'any', and the request has no tool to call; send one, or omit 'tool_choice'.",
                param="tool_choice",
            )
        case ChoiceAny(type="any"):
            return ToolChoice("required", most=most, pointer=CHOICE_POINTER)
        case None | ChoiceAny(type="auto") if tools:
            return ToolChoice("auto", most=most, pointer=CHOICE_POINTER)
    return NO_CALLS


def _content(request: PromptRequest, bounds: BoundsReader) -> Content:
    """Raises BadRequest for two kinds of content."""
    contents = {}
    old = request.output_format
    new = request.output_config.format if request.output_config else None
    if old is not None and old != new:
        contents["output_format"] = _document(old, "/output_format/schema", bounds)
    if new is not None:
        contents["output_config.format"] = _document(new, "/output_config/format/schema", bounds)
    if request.structured_outputs is not None:
        contents["structured_outputs"] = of_structured_outputs(request.structured_outputs)
    return one_content(contents)


def _document(format: OutputFormat, pointer: str, bounds: BoundsReader) -> Content:
    return document_content(bounds.document(format.schema_, pointer), pointer)


def effort_of(request: PromptRequest) -> str | None:
    return None if request.output_config is None else request.output_config.effort


def reasoning_limit(request: PromptRequest) -> int | None:
    """The maximum number of reasoning tokens."""
    match request.thinking:
        case ThinkingOff():
            return 0
        case ThinkingOn(budget_tokens=budget):
            return budget
    return None


def ineffective_fields(read: ReadRequest, jobs: Sequence[Job]) -> list[str]:
    """The names of unknown fields, of fields without effect, and of what was left out."""
    request = read.request
    assert isinstance(request, MessagesRequest)
    idle = ["stop_sequences"] if request.stop_sequences and not jobs[0].stops else []
    if request.thinking is not None and request.thinking.type != "disabled" and not jobs[0].reasons:
        idle.append("thinking")
    return [*without_effect(read), *idle]


def without_effect(read: ReadRequest) -> list[str]:
    """The names of unknown fields, and of tools, blocks and texts that are left out."""
    hosted = [place for place, _ in hosted_tools(read.request.tools or ())]
    blocks = [place for place, _ in read.dialogue.ignored]
    left_out = (*hosted, *blocks)
    inside = tuple(f"{place}." for place in left_out)
    known = (*HARMLESS, *REFUSED)
    unknown = [path for path in unknown_fields(read.request) if path not in known and not path.startswith(inside)]
    return [*unknown, *left_out, *read.dialogue.shortened]


def _refuse_threads(request: PromptRequest) -> None:
    """Clients that are refused so send all messages instead."""
    if request.thread is not None:
        raise BadRequest(
            "'thread' is not supported: this server keeps no messages; send all of them.",
            param="thread",
            code="thread_unsupported_request",
        )


def _refuse_budget(request: MessagesRequest) -> None:
    budget, most = getattr(request.thinking, "budget_tokens", None), request.max_tokens
    if isinstance(request.thinking, ThinkingOn) and not LEAST_BUDGET <= request.thinking.budget_tokens < most:
        raise BadRequest(
            f"'thinking.budget_tokens' is {budget}: it must be at least {LEAST_BUDGET}, and less than 'max_tokens' "
            f"({most}).",
            param="thinking.budget_tokens",
        )


RULES: tuple[Callable[[PromptRequest], None], ...] = (_refuse_threads, partial(refuse_fields, refused=REFUSED))
