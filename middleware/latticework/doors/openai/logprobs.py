"""Generated tokens with their log probabilities, as chat completions and responses have them."""

from __future__ import annotations

import msgspec

from latticework.doors.openai import token_label
from latticework.engines.base import SampledToken


class TopLogprob(msgspec.Struct, frozen=True):
    """An alternative token at a position. `bytes` is UTF-8, or a part of a character."""

    token: str
    logprob: float
    bytes: tuple[int, ...]


class GeneratedToken(msgspec.Struct, frozen=True):
    """A generated token."""

    token: str
    logprob: float
    bytes: tuple[int, ...]
    top_logprobs: tuple[TopLogprob, ...]


def generated_token(sampled: SampledToken, *, as_id: bool = False) -> GeneratedToken:
    """`as_id`: whether tokens are named by their ids."""
    top = tuple(TopLogprob(token_label(other, as_id=as_id), other.logprob, other.bytes) for other in sampled.top)
    return GeneratedToken(token_label(sampled, as_id=as_id), sampled.logprob, sampled.bytes, top)
