"""How a request wants its answer sampled, in vLLM's own words."""

from __future__ import annotations

from typing import Any

from latticework.engines.base import Sampling

# The fields of `Sampling` that vLLM calls by the same name.
SAMPLED = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logprobs",
    "prompt_logprobs",
    "min_tokens",
    "ignore_eos",
)


def sampled(sampling: Sampling) -> dict[str, Any]:
    """Those that the request leaves to nobody else."""
    return {name: asked for name in SAMPLED if (asked := getattr(sampling, name)) is not None}
