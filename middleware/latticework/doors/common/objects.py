"""Objects of requests, as pydantic models; their fields' types, and the fields about sampling.

Names, bounds and defaults: OpenAI's chat completions reference; `top_k`, `min_p`, `repetition_penalty`, `min_tokens`,
`ignore_eos`, `stop_token_ids` and `cache_salt` are vLLM's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)

from latticework.engines.sampling import FROM_MODEL, PARAMETERS

# The wire format of the model decides which names it can carry.
ToolName = Annotated[StrictStr, Field(min_length=1)]
SchemaName = Annotated[StrictStr, Field(min_length=1, max_length=256)]
Number = StrictFloat | StrictInt

T = TypeVar("T")
# A list that is validated up to its first invalid item: pydantic takes seconds to describe a million of them.
Items: TypeAlias = Annotated[list[T], Field(fail_fast=True)]
# The model's vocabulary decides; this keeps numbers of thousands of digits out of error messages.
TokenId = Annotated[StrictInt, Field(ge=0, lt=2**63), WithJsonSchema({"type": "integer", "minimum": 0})]


class ApiObject(BaseModel):
    """Unknown fields are kept, so that they can be listed in the response."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)


MAX_BIAS = 100
Bias = Annotated[Number, Field(ge=-MAX_BIAS, le=MAX_BIAS)]


def _up_to_invalid(biases: Any) -> Any:
    """Only the first invalid entry, where there is one: see Items."""
    if isinstance(biases, dict):
        for key, bias in biases.items():
            if type(bias) not in (int, float) or not -MAX_BIAS <= bias <= MAX_BIAS:
                return {key: bias}
    return biases


def number_field(name: str) -> Any:
    """An optional number, of the range that `PARAMETERS` has."""
    return Field(None, **PARAMETERS[name].range.of_number)


def sized_field(name: str) -> Any:
    """An optional list, object or text, of as many entries as `PARAMETERS` allows."""
    return Field(None, **PARAMETERS[name].range.of_length)


class SamplingFields(ApiObject):
    """How an answer is sampled."""

    temperature: Number | None = number_field("temperature")
    top_p: Number | None = number_field("top_p")
    top_k: StrictInt | None = number_field("top_k")
    min_p: Number | None = number_field("min_p")
    seed: StrictInt | None = number_field("seed")
    frequency_penalty: Number | None = number_field("frequency_penalty")
    presence_penalty: Number | None = number_field("presence_penalty")
    repetition_penalty: Number | None = number_field("repetition_penalty")
    logit_bias: Annotated[dict[str, Bias] | None, BeforeValidator(_up_to_invalid)] = sized_field("logit_bias")
    min_tokens: StrictInt | None = number_field("min_tokens")
    ignore_eos: StrictBool | None = None
    stop_token_ids: Items[TokenId] | None = sized_field("stop_token_ids")
    allowed_token_ids: Items[TokenId] | None = sized_field("allowed_token_ids")
    bad_words: Items[Annotated[StrictStr, Field(min_length=1)]] | None = sized_field("bad_words")
    # -1: as many tokens as fit. Not 0: a prompt has a token.
    truncate_prompt_tokens: StrictInt | None = Field(None, ge=-1, json_schema_extra={"not": {"const": 0}})
    priority: StrictInt | None = number_field("priority")
    cache_salt: StrictStr | None = sized_field("cache_salt")
    # Extension: whether the source of each token is returned: forced, copied or sampled.
    token_sources: StrictBool | None = None


# Fields with the same name in `Sampling`.
SAMPLING = (
    *FROM_MODEL,
    *("seed", "logit_bias", "min_tokens", "ignore_eos", "stop_token_ids"),
    *("allowed_token_ids", "bad_words", "priority", "cache_salt"),
)


def sampling_fields(request: SamplingFields) -> dict[str, Any]:
    """The fields set by the client, by their names in the engine's `Sampling`."""
    given = {name: value for name in SAMPLING if (value := getattr(request, name)) not in (None, [])}
    return given if request.token_sources is None else {**given, "sources": request.token_sources}


def closed_object(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The JSON Schema of an object of these properties, and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }
