"""The two endpoints at which vLLM takes and returns token ids, each a value.

GENERATE is made for that: the remote spends no time on text, and no reasoning parser delays the grammar beyond the
answer's first token. vLLM has it if it is started with --enable-scale-out. COMPLETIONS is always there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from latticework.engines.base import Sampling
from latticework.engines.remote.errors import RemoteRefused
from latticework.engines.sampling import vllm_parameters

# COMPLETIONS's notation of a token's id.
TOKEN_ID_PREFIX = "token_id:"
SERVER_ERROR = 500


@dataclass(frozen=True)
class RemoteRequest:
    """A request for one answer, of a model under its remote's name for it."""

    model: str
    prompt: Sequence[int]
    sampling: Sampling
    request_id: str
    defaults: Mapping[str, Any] = field(default_factory=dict)  # the model's, if the remote does not add them itself


class Logprob(NamedTuple):
    """As vLLM's own."""

    logprob: float
    rank: int


class RemoteOutput(Struct):
    """What is new of an answer."""

    token_ids: Sequence[int]
    finish_reason: str | None = None
    logprobs: Sequence[Mapping[int, Logprob]] = ()
    transfer: Mapping[str, Any] | None = None  # of the remote's connector, with the finish reason


@dataclass(frozen=True)
class Endpoint:
    """Attributes:

    path: its path.
    body: the body of a request.
    read: an event's data -> what is new, or None. Raises RemoteRefused, and msgspec.DecodeError.
    more: how many more likeliest tokens must be requested than are needed.
    """

    path: str
    body: Callable[[RemoteRequest], Mapping[str, Any]]
    read: Callable[[bytes], RemoteOutput | None]
    more: int


def merged_output(outputs: Sequence[RemoteOutput]) -> RemoteOutput:
    """Outputs that arrived together, as a single one."""
    if len(outputs) == 1:
        return outputs[0]
    return RemoteOutput(
        [token_id for output in outputs for token_id in output.token_ids],
        outputs[-1].finish_reason,
        [position for output in outputs for position in output.logprobs],
        outputs[-1].transfer,
    )


def is_streamed(sampling: Sampling) -> bool:
    """vLLM's streams don't have what its connector returns. Where another engine is to have it, one token is requested,
    and nothing is lost without a stream.
    """
    return sampling.transfer is None or sampling.max_tokens > 1


def _generate_body(request: RemoteRequest) -> Mapping[str, Any]:
    sampling = _sampling_fields(request.sampling, GENERATE.more)
    stops = [*request.defaults.get("stop_token_ids", ()), *request.sampling.stop_token_ids]
    return {
        "model": request.model,
        "request_id": request.request_id,
        "token_ids": request.prompt,
        "sampling_params": {**request.defaults, **sampling, "stop_token_ids": stops, "detokenize": False},
        **_scheduling_fields(request.sampling),
        "reasoning_ended": True,
        "stream": is_streamed(request.sampling),
    }


def _completions_body(request: RemoteRequest) -> Mapping[str, Any]:
    return {
        "model": request.model,
        "request_id": request.request_id,
        "prompt": request.prompt,
        **_sampling_fields(request.sampling, COMPLETIONS.more),
        "stop_token_ids": request.sampling.stop_token_ids,
        "skip_special_tokens": False,
        "return_token_ids": True,
        "return_tokens_as_token_ids": True,
        **_scheduling_fields(request.sampling),
        "stream": is_streamed(request.sampling),
    }


def _scheduling_fields(sampling: Sampling) -> dict[str, Any]:
    """A remote that schedules in order of arrival refuses a priority."""
    given = {
        "priority": sampling.priority or None,
        "cache_salt": sampling.cache_salt,
        "kv_transfer_params": sampling.transfer,
    }
    return {name: value for name, value in given.items() if value is not None}


def _sampling_fields(sampling: Sampling, more: int) -> dict[str, Any]:
    fields = vllm_parameters(sampling)
    if sampling.logprobs:
        fields["logprobs"] = sampling.logprobs + more
    if sampling.logit_bias:
        fields["logit_bias"] = sampling.logit_bias
    if sampling.grammar is not None:
        fields["structured_outputs"] = {"grammar": sampling.grammar}
    return fields


class _Error(Struct):
    message: str = ""
    code: Any = None


class _LogprobEntry(Struct):
    token_id: int
    logprob: float
    rank: int | None = None
    top_logprobs: Sequence[_LogprobEntry] = ()


class _LogprobEntries(Struct):
    content: Sequence[_LogprobEntry] | None = None


class _GenerateChoice(Struct):
    token_ids: list[int] | None = None
    finish_reason: str | None = None
    logprobs: _LogprobEntries | None = None


class _GenerateEvent(Struct):
    choices: Sequence[_GenerateChoice] = ()
    kv_transfer_params: Mapping[str, Any] | None = None
    error: _Error | None = None


class _TextLogprobs(Struct):
    tokens: Sequence[str]
    token_logprobs: Sequence[float | None]
    top_logprobs: Sequence[Mapping[str, float] | None]


class _CompletionsChoice(Struct):
    token_ids: list[int] | None = None
    finish_reason: str | None = None
    logprobs: _TextLogprobs | None = None


class _CompletionsEvent(Struct):
    choices: Sequence[_CompletionsChoice] = ()
    kv_transfer_params: Mapping[str, Any] | None = None
    error: _Error | None = None


_generate_event = msgspec.json.Decoder(_GenerateEvent).decode
_completions_event = msgspec.json.Decoder(_CompletionsEvent).decode


def _generate_read(data: bytes) -> RemoteOutput | None:
    event = _generate_event(data)
    output = _event_output(event)
    if output is not None and event.choices[0].logprobs is not None:
        output.logprobs = [_of_tokens(token) for token in event.choices[0].logprobs.content or ()]
    return output


def _completions_read(data: bytes) -> RemoteOutput | None:
    event = _completions_event(data)
    output = _event_output(event)
    if output is not None and (listed := event.choices[0].logprobs) is not None:
        positions = zip(listed.tokens, listed.token_logprobs, listed.top_logprobs, strict=True)
        output.logprobs = [_of_texts(*position) for position in positions]
    return output


def _event_output(event: _GenerateEvent | _CompletionsEvent) -> RemoteOutput | None:
    """Without log probabilities. None for an event without anything new, such as usage. Raises RemoteRefused."""
    if event.error is not None:
        raise _as_refused(event.error)
    choices = event.choices
    if not choices or not (choices[0].token_ids or choices[0].finish_reason):
        return None
    return RemoteOutput(choices[0].token_ids or (), choices[0].finish_reason, transfer=event.kv_transfer_params)


def _of_tokens(token: _LogprobEntry) -> Mapping[int, Logprob]:
    return _ranked({other.token_id: other.logprob for other in (token, *token.top_logprobs)})


def _of_texts(token: str, logprob: float | None, top: Mapping[str, float] | None) -> Mapping[int, Logprob]:
    logprobs = {token: logprob, **(top or {})}
    known = {text: value for text, value in logprobs.items() if value is not None}
    return _ranked({int(text.removeprefix(TOKEN_ID_PREFIX)): value for text, value in known.items()})


def _ranked(logprobs: Mapping[int, float]) -> Mapping[int, Logprob]:
    ordered = sorted(logprobs.items(), key=lambda entry: -entry[1])
    return {token_id: Logprob(logprob, rank) for rank, (token_id, logprob) in enumerate(ordered)}


def _as_refused(error: _Error) -> RemoteRefused:
    return RemoteRefused(error.code if isinstance(error.code, int) else SERVER_ERROR, error.message)


# Of the requested number of likeliest tokens, the sampled one is the first: if it is not among them, the last is left
# out.
GENERATE = Endpoint("/inference/v1/generate", _generate_body, _generate_read, more=1)
COMPLETIONS = Endpoint("/v1/completions", _completions_body, _completions_read, more=0)
