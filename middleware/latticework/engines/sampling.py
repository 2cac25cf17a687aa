"""The table of sampling parameters: vLLM's name of each field of `Sampling`, its neutral value, who can honour it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from latticework.engines.base import Sampling

EngineKind = Literal["vllm", "remote", "portable"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field of `Sampling`.

    Attributes:
        vllm: its name in vLLM's `SamplingParams` and APIs; None: its value has another shape there.
        neutral: the value that has no effect; None: any value has one.
        from_model: whether a request may leave it to the model's generation config.
        penalty: whether it looks at the tokens generated so far.
        unsupported: the engines that can't honour it, each with the reason as an error message.
    """

    vllm: str | None = None
    neutral: Any = None
    from_model: bool = False
    penalty: bool = False
    unsupported: Mapping[EngineKind, str] = field(default_factory=lambda: MappingProxyType({}))


PARAMETERS: Mapping[str, Parameter] = {
    "max_tokens": Parameter("max_tokens"),
    "grammar": Parameter(),
    "begun": Parameter(
        unsupported={
            "remote": "An engine at an HTTP address can't continue a text under a grammar: its grammars begin with the "
            "answer. Continue free text, without tools, a schema or another grammar.",
        }
    ),
    "temperature": Parameter("temperature", neutral=1.0, from_model=True),
    "top_p": Parameter("top_p", neutral=1.0, from_model=True),
    "top_k": Parameter("top_k", neutral=0, from_model=True),
    "min_p": Parameter("min_p", neutral=0.0, from_model=True),
    "seed": Parameter("seed"),
    "presence_penalty": Parameter("presence_penalty", neutral=0.0, from_model=True, penalty=True),
    "frequency_penalty": Parameter("frequency_penalty", neutral=0.0, from_model=True, penalty=True),
    "repetition_penalty": Parameter("repetition_penalty", neutral=1.0, from_model=True, penalty=True),
    "logit_bias": Parameter(),
    "logprobs": Parameter("logprobs"),
    "prompt_logprobs": Parameter(
        "prompt_logprobs",
        unsupported={
            "remote": "An engine at an HTTP address returns no log probabilities of the prompt.",
            "portable": "The portable engine returns no log probabilities of the prompt.",
        },
    ),
    "min_tokens": Parameter("min_tokens", neutral=0),
    "ignore_eos": Parameter("ignore_eos", neutral=False),
    "stop_token_ids": Parameter(),
    "special_tokens": Parameter(),
    "sources": Parameter(),
    "allowed_token_ids": Parameter(
        "allowed_token_ids", unsupported={"portable": "The portable engine can't restrict answers to some tokens."}
    ),
    "bad_words": Parameter("bad_words", unsupported={"portable": "The portable engine can't exclude words."}),
    # These are no sampling parameters of vLLM's, but fields of its requests.
    "priority": Parameter(neutral=0, unsupported={"portable": "The portable engine has no priorities."}),
    "cache_salt": Parameter(unsupported={"portable": "The portable engine can't salt its prefix cache."}),
}

# What a request may leave to the model's generation config.
FROM_MODEL = tuple(name for name, parameter in PARAMETERS.items() if parameter.from_model)


def vllm_parameters(sampling: Sampling) -> dict[str, Any]:
    """The parameters that the request sets and vLLM has in the same shape, by vLLM's names."""
    set_here = {name: getattr(sampling, name) for name in PARAMETERS}
    return {
        parameter.vllm: set_here[name]
        for name, parameter in PARAMETERS.items()
        if parameter.vllm is not None and set_here[name] is not None
    }


def over_model_defaults(sampling: Sampling, model_defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter that may come from the model: the request's value, else the model's, else the neutral one."""
    chosen = {name: getattr(sampling, name) for name in FROM_MODEL}
    return {
        name: value if value is not None else model_defaults.get(name, PARAMETERS[name].neutral)
        for name, value in chosen.items()
    }


def has_penalties(chosen: Mapping[str, Any]) -> bool:
    """Whether any of these values, by name, makes a token's probability depend on the tokens before it."""
    return any(
        chosen.get(name, parameter.neutral) != parameter.neutral
        for name, parameter in PARAMETERS.items()
        if parameter.penalty
    )


def unsupported(sampling: Sampling, engine: EngineKind) -> tuple[str, str] | None:
    """The first parameter that this kind of engine can't honour, and why; None where it can honour all."""
    for name, parameter in PARAMETERS.items():
        if engine in parameter.unsupported and getattr(sampling, name) not in (None, parameter.neutral):
            return name, parameter.unsupported[engine]
    return None
