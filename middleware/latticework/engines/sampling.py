"""The table of sampling parameters: vLLM's name of each field of `Sampling`, its range, who can honour it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from latticework.engines.base import Sampling

EngineKind = Literal["vllm", "remote", "portable"]

INT32, INT64 = 2**31, 2**63


@dataclass(frozen=True, slots=True)
class Range:
    """What a request may set: `least` to `most`, or more than `above`. Of a list or an object, the number of entries;
    of a text, its characters.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None

    @property
    def of_number(self) -> Mapping[str, Any]:
        """By pydantic's names."""
        return _given(ge=self.least, le=self.most, gt=self.above)

    @property
    def of_length(self) -> Mapping[str, Any]:
        """By pydantic's names."""
        return _given(min_length=self.least, max_length=self.most)


def _given(**bounds: float | None) -> Mapping[str, Any]:
    return {name: bound for name, bound in bounds.items() if bound is not None}


ANY = Range()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field of `Sampling`.

    Attributes:
        vllm: its name in vLLM's `SamplingParams` and APIs; None: its value has another shape there.
        neutral: the value that has no effect; None: any value has one.
        range: what passes here, and harms no engine. The context limits numbers of tokens further, and the vocabulary
            token ids.
        from_model: whether a request may leave it to the model's generation config.
        penalty: whether it looks at the tokens generated so far.
        unsupported: the engines that can't honour it, each with the reason as an error message.
    """

    vllm: str | None = None
    neutral: Any = None
    range: Range = ANY
    from_model: bool = False
    penalty: bool = False
    unsupported: Mapping[EngineKind, str] = field(default_factory=lambda: MappingProxyType({}))


PARAMETERS: Mapping[str, Parameter] = {
    "max_tokens": Parameter("max_tokens", range=Range(1)),
    "grammar": Parameter(),
    "begun": Parameter(
        unsupported={
            "remote": "An engine at an HTTP address can't continue a text under a grammar: its grammars begin with the "
            "answer. Continue free text, without tools, a schema or another grammar.",
        }
    ),
    "temperature": Parameter("temperature", neutral=1.0, range=Range(0, 2), from_model=True),
    "top_p": Parameter("top_p", neutral=1.0, range=Range(above=0, most=1), from_model=True),
    # Engines hold it in 32 bits.
    "top_k": Parameter("top_k", neutral=0, range=Range(-1, INT32 - 1), from_model=True),
    "min_p": Parameter("min_p", neutral=0.0, range=Range(0, 1), from_model=True),
    "seed": Parameter("seed", range=Range(-INT64, INT64 - 1)),
    "presence_penalty": Parameter("presence_penalty", neutral=0.0, range=Range(-2, 2), from_model=True, penalty=True),
    "frequency_penalty": Parameter("frequency_penalty", neutral=0.0, range=Range(-2, 2), from_model=True, penalty=True),
    # Logits are divided by it: 1e-39 makes them infinite, and sampling from those breaks every grammar.
    "repetition_penalty": Parameter(
        "repetition_penalty", neutral=1.0, range=Range(0.01, 10), from_model=True, penalty=True
    ),
    # What vLLM's newer model runner has room for, here and for token ids: more ends the engine. It adds the model's own
    # end tokens to `stop_token_ids`.
    "logit_bias": Parameter(range=Range(most=1024)),
    "logprobs": Parameter("logprobs", range=Range(0, 20)),
    "prompt_logprobs": Parameter(
        "prompt_logprobs",
        range=Range(0, 20),
        unsupported={
            "remote": "An engine at an HTTP address returns no log probabilities of the prompt.",
            "portable": "The portable engine returns no log probabilities of the prompt.",
        },
    ),
    "min_tokens": Parameter("min_tokens", neutral=0, range=Range(0)),
    "ignore_eos": Parameter("ignore_eos", neutral=False),
    "stop_token_ids": Parameter(range=Range(most=64)),
    "special_tokens": Parameter(),
    "sources": Parameter(),
    "single": Parameter(),
    "allowed_token_ids": Parameter(
        "allowed_token_ids",
        range=Range(1, 1024),
        unsupported={"portable": "The portable engine can't restrict answers to some tokens."},
    ),
    "bad_words": Parameter(
        "bad_words", range=Range(most=128), unsupported={"portable": "The portable engine can't exclude words."}
    ),
    # These are no sampling parameters of vLLM's, but fields of its requests.
    "priority": Parameter(
        neutral=0,
        range=Range(-INT64, INT64 - 1),
        unsupported={"portable": "The portable engine has no priorities."},
    ),
    "cache_salt": Parameter(
        range=Range(1, 1024), unsupported={"portable": "The portable engine can't salt its prefix cache."}
    ),
    "transfer": Parameter(
        unsupported={"portable": "The portable engine computes its answers alone: it has no '--kv-transfer-config'."}
    ),
    "adapter": Parameter(),
    "confidence": Parameter(
        neutral=False,
        unsupported={
            "remote": "An engine at an HTTP address returns too few log probabilities for 'confidence': omit it, or "
            "have the server started with --engine vllm or portable."
        },
    ),
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
