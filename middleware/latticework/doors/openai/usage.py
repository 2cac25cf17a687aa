"""How OpenAI's APIs count tokens."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from latticework.generate.steps import Tokens


class CompletionTokensDetails(msgspec.Struct, frozen=True):
    """What the generated tokens were for."""

    reasoning_tokens: int


class Usage(msgspec.Struct, frozen=True):
    """Counts of tokens. The details are there where the model's format has thoughts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionTokensDetails | UnsetType = UNSET


def usage_of(tokens: Tokens) -> Usage:
    details = UNSET if tokens.reasoning is None else CompletionTokensDetails(tokens.reasoning)
    return Usage(tokens.prompt, tokens.generated, tokens.prompt + tokens.generated, details)
