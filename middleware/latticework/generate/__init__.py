"""From jobs to steps. A step is in no API's terms, and a whole response is the fold of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from latticework.engines.base import EngineFinish, SampledToken, TokenSource
from turngrammar.events import Event

# Why an answer ended: by itself, at one of the client's stop strings, at a limit of tokens, with calls.
Finish = Literal["stop", "stop_string", "length", "calls"]

# (how the engine ended, whether a call was made) -> why the answer ended
FINISHES: Mapping[tuple[EngineFinish, bool], Finish] = {
    ("stop", False): "stop",
    ("stop", True): "calls",
    ("length", False): "length",
    ("length", True): "length",
}


class Truncation(msgspec.Struct, frozen=True):
    """What was added to a document that `max_tokens` cut, by JSON pointers into it.

    `cut` is the innermost value that the model had begun and not ended, null where there is none; `filled` are the
    values that it had not begun.
    """

    cut: str | None
    filled: tuple[str, ...]


class Step(msgspec.Struct, frozen=True, gc=False):
    """What is added to one choice. The first step of each has no events, the last one the reason of its end.

    `logprobs` and `sources` have one entry for each token since the last step, where they were requested.
    `prompt_logprobs`, on one of the first steps, has one for each token of the prompt.
    """

    index: int
    events: Sequence[Event] = ()
    logprobs: Sequence[SampledToken] = ()
    sources: Sequence[TokenSource] = ()
    prompt_logprobs: Sequence[SampledToken | None] = ()
    finish: Finish | None = None
    truncation: Truncation | None = None


class TokenCounts(msgspec.Struct, frozen=True):
    """Counts of tokens. `reasoning`: of the generated ones; None where the model's format has no reasoning."""

    prompt: int
    generated: int
    reasoning: int | None = None
