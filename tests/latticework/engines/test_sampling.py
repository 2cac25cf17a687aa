"""The table of sampling parameters, against `Sampling` and against vLLM."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest
from vllm.sampling_params import SamplingParams

from latticework.engines.base import Sampling
from latticework.engines.sampling import (
    FROM_MODEL,
    PARAMETERS,
    EngineKind,
    has_penalties,
    over_model_defaults,
    unsupported,
    vllm_parameters,
)

# Their range is of their length.
LISTS = ("allowed_token_ids", "bad_words")


def test_every_field_has_a_row() -> None:
    assert list(PARAMETERS) == [field.name for field in fields(Sampling)]


def test_names_and_neutral_values_are_vllms() -> None:
    theirs = SamplingParams()
    for name, parameter in PARAMETERS.items():
        if parameter.vllm is not None:
            assert hasattr(theirs, parameter.vllm), name
            if parameter.neutral is not None:
                assert getattr(theirs, parameter.vllm) == parameter.neutral, name


NUMBERS = [name for name, one in PARAMETERS.items() if one.vllm and one.range.of_number and name not in LISTS]


@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_in_range_is_so_for_vllm(name: str) -> None:
    parameter = PARAMETERS[name]
    for bound in (parameter.range.least, parameter.range.most):
        if bound is not None:
            SamplingParams(**{str(parameter.vllm): bound})


def test_vllm_is_sent_what_the_request_sets() -> None:
    sent = vllm_parameters(Sampling(9, "start: A", top_k=3, seed=0, logit_bias={1: 2.0}, logprobs=0))
    assert sent == {"max_tokens": 9, "top_k": 3, "seed": 0, "logprobs": 0, "min_tokens": 0, "ignore_eos": False}
    SamplingParams(**sent)


def test_a_request_goes_before_the_model_and_the_model_before_the_neutral_value() -> None:
    chosen = over_model_defaults(Sampling(9, temperature=0.0), {"temperature": 0.7, "top_k": 40, "other": 1})
    assert list(chosen) == list(FROM_MODEL)
    assert (chosen["temperature"], chosen["top_k"], chosen["top_p"]) == (0.0, 40, 1.0)


@pytest.mark.parametrize(
    ("chosen", "penalized"),
    [({}, False), ({"repetition_penalty": 1}, False), ({"repetition_penalty": 1.1}, True), ({"top_k": 3}, False)],
)
def test_penalties_are_seen(chosen: dict[str, float], penalized: bool) -> None:
    assert has_penalties(chosen) == penalized


def test_an_engine_names_what_it_can_not_honour() -> None:
    wanted = Sampling(9, prompt_logprobs=0)
    refused = {kind: unsupported(wanted, kind) for kind in get_args(EngineKind)}
    assert {kind: why and why[0] for kind, why in refused.items()} == {
        "vllm": None,
        "remote": "prompt_logprobs",
        "portable": "prompt_logprobs",
    }
    for field in ({"bad_words": ["a"]}, {"allowed_token_ids": [1]}, {"priority": 1}, {"cache_salt": "s"}):
        refusal = unsupported(Sampling(9, **field), "portable")
        assert refusal is not None and [refusal[0]] == list(field)
    assert unsupported(Sampling(9, priority=0), "portable") is None
    assert not any(unsupported(Sampling(9), kind) for kind in get_args(EngineKind))
