"""A request of `/v1/responses`, and the ask that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from latticework.ask import FREE_TEXT, Ask, Content, Conversation, TurnAsk
from latticework.doors.common.objects import ApiObject, Items, SchemaName, number_field, sampling_fields
from latticework.doors.common.validation import parse_as, refuse_fields, unknown_fields
from latticework.doors.common.values import TurnValueFields, value_fields
from latticework.doors.openai.ask import COMPLETED, known_format, sends_whole_calls, skips_bad_tools
from latticework.doors.openai.content import any_object, document_content, of_structured_outputs, one_content
from latticework.doors.openai.types import Effort, OnBadTool, SampledAnswer, StructuredOutputs, TextFormat
from latticework.doors.openai.validation import idle_stops, refuse_empty_prompt, refuse_kept_stop_tokens
from latticework.doors.responses.choice import ChoiceField, hosted_choices, turn_choice
from latticework.doors.responses.conversation import Located, messages_of, user_texts
from latticework.doors.responses.fields import REFUSED
from latticework.doors.responses.items import AdditionalTools, InputItem, MessageInput, ToolSearchOutputInput
from latticework.doors.responses.tools import HostedTool, OfferedTool, Tool, offered_tools
from latticework.errors import BadRequest
from latticework.turn import Job

TOOLS_POINTER = "/tools"
# The fields that may have lone surrogates: tools cut their results anywhere.
TEXTS = ("input", "instructions")

LOGPROBS, ENCRYPTED = "message.output_text.logprobs", "reasoning.encrypted_content"


class FormatJsonObject(ApiObject):
    type: Literal["json_object"]


class FormatJsonSchema(ApiObject):
    type: Literal["json_schema"]
    name: SchemaName | None = None
    description: StrictStr | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    strict: StrictBool | None = None


class TextField(ApiObject):
    format: Annotated[TextFormat | FormatJsonObject | FormatJsonSchema, Field(discriminator="type")] | None = None
    # A hint to models that are trained on it.
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningField(ApiObject):
    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None


class InputRequest(ApiObject):
    """What makes the prompt and the grammar."""

    input: StrictStr | Items[InputItem] | None = None
    instructions: StrictStr | None = None
    previous_response_id: StrictStr | None = None
    tools: Items[Tool] | None = None
    tool_choice: ChoiceField | None = None
    parallel_tool_calls: StrictBool | None = None
    text: TextField | None = None
    reasoning: ReasoningField | None = None
    # Extensions, as in chat completions.
    structured_outputs: StructuredOutputs | None = None
    open_objects: StrictBool | None = None
    tool_format: StrictStr | None = None
    on_bad_tool: OnBadTool | None = None
    chat_template: StrictStr | None = None
    chat_template_kwargs: dict[str, Any] | None = None

    @property
    def items(self) -> list[Located]:
        """The input, each item with its name in the request."""
        if isinstance(self.input, str):
            return [("input", MessageInput(role="user", content=self.input))]
        return [(f"input[{index}]", item) for index, item in enumerate(self.input or ())]


class ResponsesRequest(InputRequest, SampledAnswer, TurnValueFields):
    """The body of `POST /v1/responses`."""

    model: StrictStr
    max_output_tokens: StrictInt | None = number_field("max_tokens")
    max_tool_calls: StrictInt | None = Field(None, ge=1)
    stream: StrictBool | None = None
    store: StrictBool | None = None
    include: Items[StrictStr] | None = None
    top_logprobs: StrictInt | None = Field(None, ge=0, le=20)
    metadata: dict[str, StrictStr] | None = None
    user: StrictStr | None = None
    safety_identifier: StrictStr | None = None
    prompt_cache_key: StrictStr | None = None
    service_tier: StrictStr | None = None
    # OpenAI's values are about the input, ours about an answer that max_output_tokens cuts.
    truncation: Literal["auto", "disabled", "cut", "close", "complete"] | None = None
    max_reasoning_tokens: StrictInt | None = Field(None, ge=0)
    tool_call_streaming: Literal["incremental", "whole"] | None = None

    @property
    def streamed(self) -> bool:
        return bool(self.stream)

    @property
    def answers(self) -> int:
        return 1

    @property
    def stored(self) -> bool:
        return self.store is not False

    def includes(self, name: str) -> bool:
        return name in (self.include or ())


def parse_responses_request(body: dict[str, Any]) -> ResponsesRequest:
    """A valid request. Raises BadRequest that names the first invalid parameter."""
    request = parse_as(ResponsesRequest, body)
    for rule in RULES:
        rule(request)
    return request


def offered(request: InputRequest, items: Sequence[Located]) -> tuple[OfferedTool, ...]:
    """The tools of the request, and those that items of the conversation add."""
    own = [(f"{TOOLS_POINTER}/{index}", tool) for index, tool in enumerate(request.tools or ())]
    added = []
    for place, item in items:
        if isinstance(item, AdditionalTools | ToolSearchOutputInput):
            pointer = _pointer(place)
            added += [(f"{pointer}/tools/{index}", tool) for index, tool in enumerate(item.tools)]
    return offered_tools(own, added)


def _pointer(place: str) -> str:
    """`input[2]` as a JSON pointer."""
    return "/" + place.replace("[", "/").replace("]", "")


def responses_ask(request: ResponsesRequest, items: Sequence[Located], tools: Sequence[OfferedTool]) -> Ask:
    """The ask of a conversation: `items` are those of earlier responses and the input. Raises BadRequest."""
    sampling = sampling_fields(request)
    if request.includes(LOGPROBS) or request.top_logprobs:
        sampling["logprobs"] = request.top_logprobs or 0
    return Ask(
        model=request.model,
        prompt=conversation(request, items, tools),
        turn=turn_ask(request, tools, request.max_tool_calls),
        sampling=sampling,
        max_tokens=request.max_output_tokens,
        stops=tuple(request.stop or ()),
        keeps_stop=bool(request.include_stop_str_in_output),
        prompt_limit=request.truncate_prompt_tokens,
        effort=effort_of(request),
        reasoning_limit=request.max_reasoning_tokens,
        complete=COMPLETED.get(request.truncation or ""),
        whole_calls=sends_whole_calls(request.tool_call_streaming),
        **value_fields(request),
        names=NAMES,
    )


NAMES: Mapping[str, str] = {
    "prompt": "input",
    "messages": "input",
    "schema": "text.format",
    "template": "chat_template",
    "variables": "chat_template_kwargs",
    "complete": "truncation",
    "reasoning_limit": "max_reasoning_tokens",
    "effort": "reasoning.effort",
    "logprobs": "top_logprobs",
    "max_tokens": "max_output_tokens",
}


def conversation(request: InputRequest, items: Sequence[Located], tools: Sequence[OfferedTool]) -> Conversation:
    messages = messages_of(items, request.instructions)
    if not messages:
        raise BadRequest("'input' has no message.", param="input")
    shown = [tool.shown for tool in tools]
    return Conversation(
        messages,
        shown,
        request.chat_template_kwargs or {},
        template=request.chat_template,
        quotable=tuple(user_texts(items)),
    )


def turn_ask(request: InputRequest, tools: Sequence[OfferedTool], most_calls: int | None = None) -> TurnAsk:
    """Raises BadRequest for an unknown tool, an unknown format, and for two kinds of content."""
    return TurnAsk(
        tuple(tool.compiled for tool in tools),
        turn_choice(request.tool_choice, tools, 1 if request.parallel_tool_calls is False else most_calls),
        text_content(request),
        known_format(request.tool_format),
        TOOLS_POINTER,
        skips_bad_tools(request.on_bad_tool),
        open_objects=request.open_objects,
    )


def text_content(request: InputRequest) -> Content:
    contents = {}
    if request.text is not None and request.text.format is not None:
        contents["text.format"] = _format_content(request.text.format)
    if request.structured_outputs is not None:
        contents["structured_outputs"] = of_structured_outputs(request.structured_outputs)
    return one_content(contents)


def _format_content(format: TextFormat | FormatJsonObject | FormatJsonSchema) -> Content:
    match format:
        case FormatJsonObject():
            return any_object("/text/format")
        case FormatJsonSchema(schema_=schema):
            return document_content(schema, "/text/format/schema")
    return FREE_TEXT


def effort_of(request: InputRequest) -> str | None:
    return None if request.reasoning is None else request.reasoning.effort


def hosted_tools(request: InputRequest) -> Iterator[tuple[str, str]]:
    """The tools that this server lacks: each one's place in the request, and its type."""
    for index, tool in enumerate(request.tools or ()):
        if isinstance(tool, HostedTool):
            yield f"tools[{index}]", tool.type


def refuse_hosted_tools(request: InputRequest) -> None:
    """Raises BadRequest for a tool that this server lacks."""
    for place, kind in hosted_tools(request):
        raise BadRequest(
            f"'{place}' is of type '{kind}', which this server lacks; leave it out, or start the server with "
            "--hosted-tools skip.",
            param=place,
            code="unsupported_value",
        )


def ineffective_fields(request: ResponsesRequest, jobs: Sequence[Job]) -> list[str]:
    """The names of unknown fields, of fields without effect, and of tools that this server lacks."""
    idle = idle_stops(request, jobs[0].stops)
    if request.max_reasoning_tokens is not None and not jobs[0].reasons:
        idle.append("max_reasoning_tokens")
    return [*without_effect(request), *idle]


def without_effect(request: InputRequest) -> list[str]:
    """The names of unknown fields, and of hints and tools that this server lacks."""
    hosted = [place for place, _ in hosted_tools(request)]
    unknown = [path for path in unknown_fields(request) if not path.startswith(tuple(f"{place}." for place in hosted))]
    return [*unknown, *_hints(request), *hosted, *hosted_choices(request.tool_choice)]


def _hints(request: InputRequest) -> Iterator[str]:
    """Known fields without effect."""
    if request.text is not None and request.text.verbosity is not None:
        yield "text.verbosity"
    if request.reasoning is not None and (request.reasoning.summary or request.reasoning.generate_summary):
        yield "reasoning.summary"


def _truncates_answers_only(request: ResponsesRequest) -> None:
    if request.truncation == "auto":
        raise BadRequest(
            "'truncation' can't be 'auto': this server drops no items of a conversation; send 'disabled' and a shorter "
            "'input'.",
            param="truncation",
            code="unsupported_value",
        )


def _known_includes(request: ResponsesRequest) -> None:
    """Those of tools that this server lacks add nothing."""
    known = (LOGPROBS, ENCRYPTED, *EMPTY_INCLUDES)
    for index, name in enumerate(request.include or ()):
        if name not in known:
            raise BadRequest(
                f"Invalid 'include[{index}]': it must be one of {', '.join(known)}.", param=f"include[{index}]"
            )


EMPTY_INCLUDES = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
)


def _has_input(request: ResponsesRequest) -> None:
    if request.input in (None, [], "") and not request.previous_response_id:
        raise BadRequest("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")


RULES: tuple[Callable[[ResponsesRequest], None], ...] = (
    partial(refuse_fields, refused=REFUSED),
    _has_input,
    _truncates_answers_only,
    _known_includes,
    refuse_kept_stop_tokens,
    refuse_empty_prompt,
)
