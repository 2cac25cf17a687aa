"""A completions request, and its asks: one for each prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Discriminator, Field, StrictBool, StrictInt, StrictStr, Tag

from latticework.ask import Ask, RawPrompt, TurnAsk
from latticework.doors.common.objects import Items, TokenId, number_field, sampling_fields
from latticework.doors.common.validation import parse_as, refuse_fields, unknown_fields
from latticework.doors.common.values import ValueFields, value_fields
from latticework.doors.openai import field_docs, rules
from latticework.doors.openai.content import content_of
from latticework.doors.openai.fields import refused_by
from latticework.doors.openai.types import ContentRequest, SampledRequest
from latticework.doors.openai.validation import (
    idle_stops,
    refuse_empty_prompt,
    refuse_kept_stop_tokens,
    refuse_unstreamed_options,
)
from latticework.errors import BadRequest
from latticework.turn import Job

# OpenAI's default, and vLLM's.
MAX_TOKENS = 16
MOST_PROMPTS = 2048

Tokens = Items[TokenId]

REFUSED = refused_by("completions")


def _form(prompt: Any) -> str | None:
    """Which of the four forms a prompt has, by its first item. Errors then come from that form alone."""
    if isinstance(prompt, str):
        return "text"
    if not isinstance(prompt, list) or not prompt:
        return None
    first = prompt[0]
    return "texts" if isinstance(first, str) else "lists" if isinstance(first, list) else "ids"


PromptForms = Annotated[
    Annotated[StrictStr, Tag("text")]
    | Annotated[Tokens, Tag("ids")]
    | Annotated[Items[StrictStr], Tag("texts")]
    | Annotated[Items[Tokens], Tag("lists")],
    Discriminator(
        _form,
        custom_error_type="prompt_form",
        custom_error_message="Input should be a text, token ids, or a non-empty list of either",
    ),
]


class CompletionRequest(ContentRequest, SampledRequest, ValueFields):
    """The body of `POST /v1/completions`."""

    prompt: PromptForms
    max_tokens: StrictInt | None = Field(MAX_TOKENS, ge=0)
    echo: StrictBool | None = None
    logprobs: StrictInt | None = number_field("logprobs")
    best_of: StrictInt | None = Field(None, ge=1)
    suffix: StrictStr | None = None
    # vLLM's.
    add_special_tokens: StrictBool | None = None
    skip_special_tokens: StrictBool | None = None

    @property
    def prompts(self) -> Sequence[str | Tokens]:
        if isinstance(self.prompt, str):
            return (self.prompt,)
        return [self.prompt] if isinstance(self.prompt[0], int) else self.prompt

    @property
    def answers(self) -> int:
        return len(self.prompts) * (self.n or 1)


def parse_completion_request(body: dict[str, Any]) -> CompletionRequest:
    """A request that makes sense. Raises BadRequest that names the first parameter at fault."""
    request = parse_as(CompletionRequest, body)
    refuse_fields(request, REFUSED)
    refuse_unstreamed_options(request)
    refuse_kept_stop_tokens(request)
    refuse_empty_prompt(request)
    for name, why in _contradictions(request):
        raise BadRequest(why, param=name)
    return request


def _contradictions(request: CompletionRequest) -> Iterator[tuple[str, str]]:
    """Parameters at fault, each with an error message."""
    most = MAX_TOKENS if request.max_tokens is None else request.max_tokens
    if request.suffix:
        yield "suffix", "'suffix' is not supported: this server doesn't support fill-in-the-middle."
    if request.best_of not in (None, request.n or 1):
        yield "best_of", "'best_of' must be equal to 'n': this server returns all answers."
    if request.echo and request.truncate_prompt_tokens is not None:
        yield (
            "truncate_prompt_tokens",
            "'truncate_prompt_tokens' excludes 'echo': send the shorter prompt.",
        )
    if not most and not request.echo:
        yield "max_tokens", "'max_tokens' must be at least 1, unless 'echo' is true."
    if (request.min_tokens or 0) > most:
        yield "min_tokens", "'min_tokens' is larger than 'max_tokens'."
    if request.transfer and len(request.prompts) > 1:
        yield "kv_transfer_params", "'kv_transfer_params' is about one prompt: send one request for each prompt."
    if len(request.prompts) > MOST_PROMPTS:
        yield "prompt", f"'prompt' has {len(request.prompts)} prompts: at most {MOST_PROMPTS}."


def completion_asks(request: CompletionRequest, body: Mapping[str, Any]) -> Sequence[Ask]:
    """One for each prompt. Raises BadRequest."""
    sampling = {**sampling_fields(request), **request.transfer, "special_tokens": request.skip_special_tokens is False}
    if request.logprobs is not None:
        sampling["logprobs"] = request.logprobs
        if request.echo:
            sampling["prompt_logprobs"] = request.logprobs
    turn = TurnAsk(content=content_of(request), open_objects=request.open_objects)
    return [
        Ask(
            model=request.model,
            prompt=RawPrompt(
                prompt if isinstance(prompt, str) else tuple(prompt), special=request.add_special_tokens is not False
            ),
            turn=turn,
            sampling=sampling,
            max_tokens=MAX_TOKENS if request.max_tokens is None else request.max_tokens or 1,
            stops=tuple(request.stop or ()),
            keeps_stop=bool(request.include_stop_str_in_output),
            prompt_limit=request.truncate_prompt_tokens,
            returns_ids=bool(request.return_token_ids),
            n=request.n or 1,
            echo=bool(request.echo),
            **value_fields(request),
            names={"prompt_logprobs": "echo", "top_logprobs": "logprobs", "transfer": "kv_transfer_params"},
        )
        for prompt in request.prompts
    ]


def ineffective_completion_fields(request: CompletionRequest, jobs: Sequence[Job]) -> list[str]:
    """The names of all fields without meaning or effect."""
    return [*unknown_fields(request), *idle_stops(request, jobs[0].stops)]


FIELD_DOCS: Mapping[str, str] = {
    **{name: meaning for name, meaning in field_docs.CHAT.items() if name in CompletionRequest.model_fields},
    "prompt": "A text, token ids, or a list of either; each gets `n` answers.",
    "max_tokens": f"Maximum number of generated tokens per answer; {MAX_TOKENS} by default.",
    "echo": "Return the prompt before its answer; with `logprobs`, its tokens' log probabilities too.",
    "logprobs": "Number of alternatives per position; 0: only the tokens' own log probabilities.",
    "best_of": "Must be equal to `n`.",
    "suffix": "Refused: this server doesn't support fill-in-the-middle.",
    "add_special_tokens": "False: the tokenizer adds no beginning-of-text token.",
    "skip_special_tokens": "False: special tokens are included in the text.",
}
RULES: Mapping[str, rules.Schema] = {
    "CompletionRequest": {
        "allOf": [rules.only_if("stream_options", "stream")],
        "properties": {
            **rules.ignored_fields(),
            **rules.refused_fields(REFUSED),
            "suffix": {"enum": [None, ""], "description": FIELD_DOCS["suffix"]},
            "stop": rules.STOP,
        },
    },
}
