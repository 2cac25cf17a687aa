"""The two ways in which vLLM takes token ids and gives token ids back, each a value.

GENERATE is made for it: it takes no part of the remote's time for text, and can be told that no reasoning parser is to
stand between a grammar and the answer's first token. vLLM has it where it is started with --enable-scale-out.
COMPLETIONS is always there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from latticework.engines.base import Sampling
from latticework.engines.remote.errors import Refused
from latticework.engines.sampling import vllm_parameters

# How COMPLETIONS spells a token whose id it is asked for.
TOKEN_ID = "token_id:"
SERVER_ERROR = 500


@dataclass(frozen=True)
class Asked:
    """One answer that is wanted of a model, by the name that its remote has for it."""

    model: str
    prompt: Sequence[int]
    sampling: Sampling
    request_id: str
    defaults: Mapping[str, Any] = field(default_factory=dict)  # the model's own, where the remote does not add them


class Logprob(NamedTuple):
    """As vLLM's own."""

    logprob: float
    rank: int


class Output(Struct):
    """What is new of an answer."""

    token_ids: Sequence[int]
    finish_reason: str | None = None
    logprobs: Sequence[Mapping[int, Logprob]] = ()


@dataclass(frozen=True)
class Endpoint:
    """Attributes:

    path: where it is.
    body: what is sent there.
    read: an event's data -> what is new, if anything. Raises Refused, and msgspec.DecodeError.
    more: how many likeliest tokens it must be asked for beyond those that are wanted.
    """

    path: str
    body: Callable[[Asked], Mapping[str, Any]]
    read: Callable[[bytes], Output | None]
    more: int


def merged(outputs: Sequence[Output]) -> Output:
    """What has come at once, in one."""
    if len(outputs) == 1:
        return outputs[0]
    return Output(
        [token_id for output in outputs for token_id in output.token_ids],
        outputs[-1].finish_reason,
        [position for output in outputs for position in output.logprobs],
    )


def _generate_body(asked: Asked) -> Mapping[str, Any]:
    wanted = _sampling(asked.sampling, GENERATE.more)
    stops = [*asked.defaults.get("stop_token_ids", ()), *asked.sampling.stop_token_ids]
    return {
        "model": asked.model,
        "request_id": asked.request_id,
        "token_ids": asked.prompt,
        "sampling_params": {**asked.defaults, **wanted, "stop_token_ids": stops, "detokenize": False},
        "reasoning_ended": True,
        "stream": True,
    }


def _completions_body(asked: Asked) -> Mapping[str, Any]:
    return {
        "model": asked.model,
        "request_id": asked.request_id,
        "prompt": asked.prompt,
        **_sampling(asked.sampling, COMPLETIONS.more),
        "stop_token_ids": asked.sampling.stop_token_ids,
        "skip_special_tokens": False,
        "return_token_ids": True,
        "return_tokens_as_token_ids": True,
        "stream": True,
    }


def _sampling(sampling: Sampling, more: int) -> dict[str, Any]:
    told = vllm_parameters(sampling)
    if sampling.logprobs:
        told["logprobs"] = sampling.logprobs + more
    if sampling.logit_bias:
        told["logit_bias"] = sampling.logit_bias
    if sampling.grammar is not None:
        told["structured_outputs"] = {"grammar": sampling.grammar}
    return told


class _Error(Struct):
    message: str = ""
    code: Any = None


class _Token(Struct):
    token_id: int
    logprob: float
    rank: int | None = None
    top_logprobs: Sequence[_Token] = ()


class _Tokens(Struct):
    content: Sequence[_Token] | None = None


class _GenerateChoice(Struct):
    token_ids: list[int] | None = None
    finish_reason: str | None = None
    logprobs: _Tokens | None = None


class _GenerateEvent(Struct):
    choices: Sequence[_GenerateChoice] = ()
    error: _Error | None = None


class _Texts(Struct):
    tokens: Sequence[str]
    token_logprobs: Sequence[float | None]
    top_logprobs: Sequence[Mapping[str, float] | None]


class _CompletionsChoice(Struct):
    token_ids: list[int] | None = None
    finish_reason: str | None = None
    logprobs: _Texts | None = None


class _CompletionsEvent(Struct):
    choices: Sequence[_CompletionsChoice] = ()
    error: _Error | None = None


_generate_event = msgspec.json.Decoder(_GenerateEvent).decode
_completions_event = msgspec.json.Decoder(_CompletionsEvent).decode


def _generate_read(data: bytes) -> Output | None:
    event = _generate_event(data)
    output = _output(event)
    if output is not None and event.choices[0].logprobs is not None:
        output.logprobs = [_of_tokens(token) for token in event.choices[0].logprobs.content or ()]
    return output


def _completions_read(data: bytes) -> Output | None:
    event = _completions_event(data)
    output = _output(event)
    if output is not None and (told := event.choices[0].logprobs) is not None:
        positions = zip(told.tokens, told.token_logprobs, told.top_logprobs, strict=True)
        output.logprobs = [_of_texts(*position) for position in positions]
    return output


def _output(event: _GenerateEvent | _CompletionsEvent) -> Output | None:
    """Without log probabilities. None of an event that has nothing new, such as one of usage. Raises Refused."""
    if event.error is not None:
        raise _refused(event.error)
    choices = event.choices
    if not choices or not (choices[0].token_ids or choices[0].finish_reason):
        return None
    return Output(choices[0].token_ids or (), choices[0].finish_reason)


def _of_tokens(token: _Token) -> Mapping[int, Logprob]:
    return _ranked({other.token_id: other.logprob for other in (token, *token.top_logprobs)})


def _of_texts(token: str, logprob: float | None, top: Mapping[str, float] | None) -> Mapping[int, Logprob]:
    told = {token: logprob, **(top or {})}
    return _ranked({int(text.removeprefix(TOKEN_ID)): chance for text, chance in told.items() if chance is not None})


def _ranked(chances: Mapping[int, float]) -> Mapping[int, Logprob]:
    ordered = sorted(chances.items(), key=lambda entry: -entry[1])
    return {token_id: Logprob(chance, rank) for rank, (token_id, chance) in enumerate(ordered)}


def _refused(error: _Error) -> Refused:
    return Refused(error.code if isinstance(error.code, int) else SERVER_ERROR, error.message)


# Of so many likeliest tokens as it is asked for, it names the sampled one first: where that is none of them, the last
# falls out.
GENERATE = Endpoint("/inference/v1/generate", _generate_body, _generate_read, more=1)
COMPLETIONS = Endpoint("/v1/completions", _completions_body, _completions_read, more=0)
