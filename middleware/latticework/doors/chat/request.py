"""A chat completions request, and the ask that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from latticework.ask import Ask, Conversation
from latticework.doors.common.objects import Items, number_field, sampling_fields
from latticework.doors.common.validation import parse_as, refuse_fields, unknown_fields
from latticework.doors.common.values import TurnValueFields, value_fields
from latticework.doors.openai.ask import COMPLETED, sends_whole_calls, template_tools, turn_of
from latticework.doors.openai.continuation import continues, refuse_uncontinuable
from latticework.doors.openai.fields import refused_by
from latticework.doors.openai.types import Effort, Message, OtherPart, SampledRequest, TurnRequest
from latticework.doors.openai.validation import (
    idle_stops,
    refuse_empty_prompt,
    refuse_kept_stop_tokens,
    refuse_unstreamed_options,
)
from latticework.errors import BadRequest
from latticework.turn import Job


class ChatRequest(TurnRequest, SampledRequest, TurnValueFields):
    """The body of `POST /v1/chat/completions`."""

    messages: Items[Message] = Field(min_length=1)
    max_completion_tokens: StrictInt | None = number_field("max_tokens")
    logprobs: StrictBool | None = None
    top_logprobs: StrictInt | None = number_field("logprobs")
    prompt_logprobs: StrictInt | None = number_field("prompt_logprobs")
    chat_template: StrictStr | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    documents: Items[dict[str, Any]] | None = None
    reasoning_effort: Effort | None = None
    # vLLM's: whether the answer continues the last message, and whether it returns that message's text too.
    continue_final_message: StrictBool | None = None
    add_generation_prompt: StrictBool | None = None
    echo: StrictBool | None = None
    # Extension: the reasoning is ended after this many tokens.
    max_reasoning_tokens: StrictInt | None = Field(None, ge=0)
    # The same by vLLM's name, and by llama.cpp's. -1: no limit.
    thinking_token_budget: StrictInt | None = Field(None, ge=-1)
    reasoning_budget_tokens: StrictInt | None = Field(None, ge=-1)
    thinking_budget_tokens: StrictInt | None = Field(None, ge=-1)
    # Extension: whether a document or a call cut by max_tokens is completed, and what the answer ends with then.
    truncation: Literal["cut", "close", "complete"] | None = None
    # Extension: whether a stream has a call from its first argument's value on, or only when it is complete.
    tool_call_streaming: Literal["incremental", "whole"] | None = None

    modalities: Items[StrictStr] | None = None

    @property
    def answers(self) -> int:
        return self.n or 1

    @property
    def budgets(self) -> Mapping[str, int]:
        """The maximum number of reasoning tokens, by each name that the request has for it; -1: no limit."""
        return {name: value for name in BUDGETS if (value := getattr(self, name)) is not None}

    @property
    def reasoning_limit(self) -> int | None:
        return next((budget for budget in self.budgets.values() if budget >= 0), None)


BUDGETS = ("max_reasoning_tokens", "thinking_token_budget", "reasoning_budget_tokens", "thinking_budget_tokens")


# The fields that may have lone surrogates: tools cut their results anywhere.
TEXTS = ("messages",)


def parse_chat_request(body: dict[str, Any]) -> ChatRequest:
    """A valid request. Raises BadRequest that names the first invalid parameter."""
    request = parse_as(ChatRequest, body)
    for rule in RULES:
        rule(request)
    return request


def chat_asks(request: ChatRequest, body: Mapping[str, Any]) -> Sequence[Ask]:
    """A single ask. Templates get the messages as the client sent them. Raises BadRequest."""
    sampling = {**sampling_fields(request), **request.transfer}
    if request.logprobs:
        sampling["logprobs"] = request.top_logprobs or 0
    if request.prompt_logprobs is not None:
        sampling["prompt_logprobs"] = request.prompt_logprobs
    ask = Ask(
        model=request.model,
        prompt=Conversation(
            body["messages"],
            template_tools(request.tools),
            {**(request.chat_template_kwargs or {}), **({"documents": request.documents} if request.documents else {})},
            shown=("documents",) if request.documents else (),
            continued=_continues(request),
            template=request.chat_template,
            quotable=tuple(_user_texts(body["messages"])),
        ),
        turn=turn_of(request),
        sampling=sampling,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        stops=tuple(request.stop or ()),
        keeps_stop=bool(request.include_stop_str_in_output),
        prompt_limit=request.truncate_prompt_tokens,
        returns_ids=bool(request.return_token_ids),
        n=request.n or 1,
        effort=request.reasoning_effort,
        reasoning_limit=request.reasoning_limit,
        complete=COMPLETED.get(request.truncation or ""),
        echo=bool(request.echo),
        whole_calls=sends_whole_calls(request.tool_call_streaming),
        **value_fields(request),
        names={
            "prompt": "messages",
            "schema": "response_format",
            "template": "chat_template",
            "variables": "chat_template_kwargs",
            "complete": "truncation",
            "begun": "continue_final_message",
            "reasoning_limit": next(iter(request.budgets), "max_reasoning_tokens"),
            "effort": "reasoning_effort",
            "logprobs": "top_logprobs",
            "transfer": "kv_transfer_params",
            "max_tokens": "max_completion_tokens" if request.max_completion_tokens else "max_tokens",
        },
    )
    return (ask,)


def _user_texts(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each text of the user's messages, behind its name."""
    for index, message in enumerate(messages):
        content, place = message.get("content"), f"messages[{index}].content"
        if message["role"] != "user" or content is None:
            continue
        if isinstance(content, str):
            yield place, content
        else:
            yield from ((f"{place}[{at}].text", part["text"]) for at, part in enumerate(content) if "text" in part)


def ineffective_chat_fields(request: ChatRequest, jobs: Sequence[Job]) -> list[str]:
    """The names of all unknown fields, and of those without effect."""
    job = jobs[0]
    budgets = [name for name, most in request.budgets.items() if most >= 0 and not job.reasons]
    return [*unknown_fields(request), *idle_stops(request, job.stops), *budgets]


def _text_only(request: ChatRequest) -> None:
    if set(request.modalities or ("text",)) != {"text"}:
        raise BadRequest(
            "'modalities' must be ['text']: this model generates text only.",
            param="modalities",
            code="unsupported_value",
        )
    for index, message in enumerate(request.messages):
        for position, part in enumerate(message.content if isinstance(message.content, list) else ()):
            if isinstance(part, OtherPart):
                where = f"messages[{index}].content[{position}]"
                raise BadRequest(
                    f"'{where}' is of type '{part.type}', and this model reads text only.",
                    param=where,
                    code="unsupported_value",
                )


def _one_limit(request: ChatRequest) -> None:
    limits = {limit for limit in (request.max_tokens, request.max_completion_tokens) if limit is not None}
    if len(limits) > 1:
        raise BadRequest("'max_tokens' and 'max_completion_tokens' must be equal if both are set.", param="max_tokens")
    if request.min_tokens and limits and request.min_tokens > min(limits):
        raise BadRequest("'min_tokens' must not be larger than 'max_tokens'.", param="min_tokens")


def _one_budget(request: ChatRequest) -> None:
    if len(set(request.budgets.values())) > 1:
        names = " and ".join(f"'{name}'" for name in request.budgets)
        raise BadRequest(f"{names} must be equal if more than one of them is set.", param=list(request.budgets)[-1])


def _top_logprobs_with_logprobs(request: ChatRequest) -> None:
    if request.top_logprobs is not None and not request.logprobs:
        raise BadRequest("'top_logprobs' requires 'logprobs' to be true.", param="top_logprobs")
    if request.prompt_logprobs is not None and request.stream:
        raise BadRequest("'prompt_logprobs' can't be streamed: omit 'stream'.", param="prompt_logprobs")


def _continues(request: ChatRequest) -> bool:
    """Without a generation prompt, an answer can't but continue the last message."""
    asked, begins = request.continue_final_message, request.add_generation_prompt
    return continues(request.messages, begins is False if asked is None else asked, begins)


def _generation_prompt(request: ChatRequest) -> None:
    if request.add_generation_prompt is not False or request.continue_final_message:
        return
    if request.continue_final_message is False:
        raise BadRequest(
            "'add_generation_prompt' and 'continue_final_message' can't both be false: an answer begins a new message, "
            "or continues the last one.",
            param="add_generation_prompt",
        )
    refuse_uncontinuable(request.messages, "add_generation_prompt")


def _echo_of_continued(request: ChatRequest) -> None:
    if request.echo and not request.continue_final_message:
        raise BadRequest(
            "'echo' requires 'continue_final_message' to be true: it returns the message that the answer continues.",
            param="echo",
        )


RULES: tuple[Callable[[ChatRequest], None], ...] = (
    partial(refuse_fields, refused=refused_by("chat")),
    _text_only,
    _one_limit,
    _one_budget,
    refuse_kept_stop_tokens,
    refuse_empty_prompt,
    _top_logprobs_with_logprobs,
    _generation_prompt,
    _echo_of_continued,
    refuse_unstreamed_options,
)
