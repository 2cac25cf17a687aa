"""The common parts of requests to OpenAI's APIs, as pydantic models.

Names and defaults: OpenAI's chat completions reference; `structured_outputs` is vLLM's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, StrictBool, StrictInt, StrictStr, Tag

from latticework.doors.common.objects import ApiObject, Items, SamplingFields, SchemaName, ToolName, number_field


class TextPart(ApiObject):
    type: Literal["text"]
    text: StrictStr


class RefusalPart(ApiObject):
    type: Literal["refusal"]
    refusal: StrictStr


class OtherPart(ApiObject):
    """An image, a sound or a file: known, but not supported by a text model."""

    type: Literal["image_url", "input_audio", "audio_url", "video_url", "file"]


Part = Annotated[TextPart | RefusalPart | OtherPart, Field(discriminator="type")]


class CalledFunction(ApiObject):
    name: StrictStr
    arguments: StrictStr


class MessageFunctionCall(ApiObject):
    id: StrictStr | None = None
    type: Literal["function"] = "function"
    function: CalledFunction


class CalledCustom(ApiObject):
    name: StrictStr
    input: StrictStr


class MessageCustomCall(ApiObject):
    id: StrictStr | None = None
    type: Literal["custom"]
    custom: CalledCustom


class Message(ApiObject):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: StrictStr | Items[Part] | None = None
    name: StrictStr | None = None
    tool_call_id: StrictStr | None = None
    tool_calls: Items[MessageFunctionCall | MessageCustomCall] | None = None
    refusal: StrictStr | None = None
    reasoning_content: StrictStr | None = None
    reasoning: StrictStr | None = None


class FunctionDefinition(ApiObject):
    name: ToolName
    description: StrictStr | None = None
    parameters: dict[str, Any] | None = None
    strict: StrictBool | None = None


class FunctionTool(ApiObject):
    type: Literal["function"]
    function: FunctionDefinition

    @property
    def name(self) -> str:
        return self.function.name


OnBadTool: TypeAlias = Literal["error", "skip"]
Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class TextFormat(ApiObject):
    type: Literal["text"]


class InputGrammar(ApiObject):
    syntax: Literal["lark", "regex"]
    definition: StrictStr


class GrammarFormat(ApiObject):
    type: Literal["grammar"]
    grammar: InputGrammar


class CustomDefinition(ApiObject):
    name: ToolName
    description: StrictStr | None = None
    format: Annotated[TextFormat | GrammarFormat, Field(discriminator="type")] | None = None


class CustomTool(ApiObject):
    type: Literal["custom"]
    custom: CustomDefinition

    @property
    def name(self) -> str:
        return self.custom.name


Tool: TypeAlias = Annotated[FunctionTool | CustomTool, Field(discriminator="type")]


class Named(ApiObject):
    name: StrictStr


class NamedFunction(ApiObject):
    type: Literal["function"]
    function: Named

    @property
    def name(self) -> str:
        return self.function.name


class NamedCustom(ApiObject):
    type: Literal["custom"]
    custom: Named

    @property
    def name(self) -> str:
        return self.custom.name


class AllowedTools(ApiObject):
    mode: Literal["auto", "required"]
    tools: Items[Annotated[NamedFunction | NamedCustom, Field(discriminator="type")]] = Field(min_length=1)


class AllowedToolsChoice(ApiObject):
    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


ChosenTools = Annotated[NamedFunction | NamedCustom | AllowedToolsChoice, Field(discriminator="type")]


class JsonSchemaFormat(ApiObject):
    name: SchemaName
    description: StrictStr | None = None
    # Not named `schema`, which is a method of pydantic's models.
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: StrictBool | None = None


class JsonObjectFormat(ApiObject):
    """JSON mode. llama.cpp's and Together's clients add a `schema`."""

    type: Literal["json_object"]
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")


class JsonSchemaResponse(ApiObject):
    type: Literal["json_schema"]
    json_schema: JsonSchemaFormat


class FlatSchemaResponse(ApiObject):
    """The same without the object around the schema, as SGLang, llama.cpp and Together accept it."""

    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")


FORMATS = ("text", "json_object", "json_schema")


def _form_of_format(format: Any) -> str | None:
    """Its type; "flat" for a schema without an object around it."""
    if not isinstance(format, dict):
        return None
    kind = format.get("type")
    if kind == "json_schema" and format.get("schema") is not None and "json_schema" not in format:
        return "flat"
    return kind if kind in FORMATS else None


ResponseFormat: TypeAlias = TextFormat | JsonObjectFormat | JsonSchemaResponse | FlatSchemaResponse
FormatField = Annotated[
    Annotated[TextFormat, Tag("text")]
    | Annotated[JsonObjectFormat, Tag("json_object")]
    | Annotated[JsonSchemaResponse, Tag("json_schema")]
    | Annotated[FlatSchemaResponse, Tag("flat")],
    Discriminator(
        _form_of_format,
        custom_error_type="format_type",
        custom_error_message="Input should be an object with a 'type': 'text', 'json_object' or 'json_schema'",
    ),
]


class StructuredOutputs(ApiObject):
    """vLLM's: exactly one of these fields."""

    json_: dict[str, Any] | StrictStr | None = Field(default=None, alias="json")
    json_object: StrictBool | None = None
    regex: StrictStr | None = None
    choice: Items[StrictStr] | None = Field(default=None, min_length=1)
    grammar: StrictStr | None = None
    # No effect: there is no other whitespace.
    disable_any_whitespace: StrictBool | None = None


class StreamOptions(ApiObject):
    include_usage: StrictBool | None = None
    include_obfuscation: StrictBool | None = None


def _as_list(stop: Any) -> Any:
    return [stop] if isinstance(stop, str) else stop


class ContentRequest(ApiObject):
    """Constraints on the content of the answer. Null means the same as omitting a field."""

    response_format: FormatField | None = None
    structured_outputs: StructuredOutputs | None = None
    # The same by other names: SGLang's and llama.cpp's, and Ollama's `format`.
    json_schema: dict[str, Any] | StrictStr | None = None
    regex: StrictStr | None = None
    grammar: StrictStr | None = None
    ebnf: StrictStr | None = None
    format: dict[str, Any] | StrictStr | None = None
    # Extension: whether objects that list properties and have no keyword for others may have others.
    open_objects: StrictBool | None = None


class TurnRequest(ContentRequest):
    """The part of a request that becomes a grammar."""

    tools: Items[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ChosenTools | None = None
    parallel_tool_calls: StrictBool | None = None
    # Extension: a wire format of tool calls instead of the model's own.
    tool_format: StrictStr | None = None
    # Extension: whether a tool that can't be compiled is an error, or is left out.
    on_bad_tool: OnBadTool | None = None


class SampledAnswer(SamplingFields):
    """How an answer is sampled, and what ends it."""

    stop: Annotated[Items[Annotated[StrictStr, Field(min_length=1)]] | None, BeforeValidator(_as_list)] = None
    include_stop_str_in_output: StrictBool | None = None


# As vLLM sends it to its engine core.
_PACKED = msgspec.msgpack.Encoder(decimal_format="number")


def _plain(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """What an engine core would get of it. Raises ValueError."""
    try:
        plain: dict[str, Any] | None = msgspec.msgpack.decode(_PACKED.encode(value))
    except (OverflowError, RecursionError, TypeError):
        raise ValueError("integers must have at most 64 bits, and objects and lists a reasonable depth") from None
    return plain


class SampledRequest(SampledAnswer):
    """How the answers are sampled and sent."""

    model: StrictStr
    max_tokens: StrictInt | None = number_field("max_tokens")
    n: StrictInt | None = Field(None, ge=1, le=128)
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    # vLLM's and SGLang's: whether the ids of tokens are returned, and whether they are the tokens of `logprobs`.
    return_token_ids: StrictBool | None = None
    return_tokens_as_token_ids: StrictBool | None = None
    # vLLM's: for the connector of engines that compute prompts and answers apart.
    kv_transfer_params: Annotated[dict[str, Any] | None, AfterValidator(_plain)] = None

    @property
    def streamed(self) -> bool:
        return bool(self.stream)

    @property
    def transfer(self) -> dict[str, Any]:
        """The field of the engine's `Sampling`, where the request has it."""
        return {"transfer": self.kv_transfer_params} if self.kv_transfer_params else {}
