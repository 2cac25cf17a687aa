"""From jobs to steps. A step is independent of APIs, and a whole response is the fold of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, Literal, TypeVar

import msgspec

from latticework.engines.base import EngineFinish, SampledToken, TokenSource
from turngrammar.events import Event

# Why an answer ended: by itself, at a stop string, at a token limit, with calls, with a refusal.
Finish = Literal["stop", "stop_string", "length", "calls", "refusal"]

# (the engine's finish reason, whether a call was made) -> the answer's
FINISHES: Mapping[tuple[EngineFinish, bool], Finish] = {
    ("stop", False): "stop",
    ("stop", True): "calls",
    ("length", False): "length",
    ("length", True): "length",
}


class Truncation(msgspec.Struct, frozen=True):
    """The completed parts of a document or a call that `max_tokens` cut, as JSON pointers into it or its arguments.

    `cut` is the innermost value that the model had started but not finished, or null; `filled` are the values that it
    had not started. `call`: the index of the call.
    """

    cut: str | None
    filled: tuple[str, ...]
    call: int | msgspec.UnsetType = msgspec.UNSET


T = TypeVar("T")


class ByPart(msgspec.Struct, Generic[T], frozen=True, omit_defaults=True):
    """Findings about an answer, by JSON pointer into its document, or into the arguments of each of its calls."""

    content: Mapping[str, T] | msgspec.UnsetType = msgspec.UNSET
    calls: tuple[Mapping[str, T], ...] | msgspec.UnsetType = msgspec.UNSET


class Alternative(msgspec.Struct, frozen=True):
    """A value that the grammar allows at a place, and its probability there."""

    value: str | int | float | bool | None
    p: float


class Confidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """How probable a value was, given the prompt and the text before it.

    `alternatives`: all values that the grammar allows there, the most probable first; absent where they are too many.
    """

    p: float
    alternatives: tuple[Alternative, ...] | msgspec.UnsetType = msgspec.UNSET


class SourceSpan(msgspec.Struct, frozen=True):
    """Where a string of an answer stands in the user's text.

    `source`: the request's name of the text; `start` and `end`: the first character and the one behind the last,
    counted in Unicode code points. `count`: how often the string stands in all texts together, 1,000 at most.
    """

    source: str
    start: int
    end: int
    count: int


class AnswerNotice(msgspec.Struct, frozen=True):
    """What a client should know of a finished answer.

    Attributes:
        kind: that it ends before a call of `tool` which repeats another one; that it has neither text nor calls; or
            that it was generated again without the requested feedback, for this `reason`.
        finish: why it ended.
    """

    kind: Literal["repeated_call", "empty_answer", "resampled_answer"]
    finish: Finish | None = None
    tool: str | None = None
    reason: str = ""


class Step(msgspec.Struct, frozen=True, gc=False):
    """An addition to one choice. Its first step has no events, and its last one the finish reason.

    `logprobs`, `sources` and `token_ids`, if requested, have one entry for each token since the last step.
    `prompt_logprobs`, in one of the first steps, has one entry for each token of the prompt. `stop`, in the last step,
    is the stop string that ended the answer. `confidence` and `grounding`, if requested, are in the last step too.
    """

    index: int
    events: Sequence[Event] = ()
    logprobs: Sequence[SampledToken] = ()
    sources: Sequence[TokenSource] = ()
    prompt_logprobs: Sequence[SampledToken | None] = ()
    finish: Finish | None = None
    truncation: Truncation | None = None
    token_ids: Sequence[int] = ()
    stop: str | None = None
    confidence: ByPart[Confidence] | None = None
    grounding: ByPart[SourceSpan] | None = None


class TokenCounts(msgspec.Struct, frozen=True):
    """Token counts.

    Attributes:
        reasoning: a part of the generated tokens; None if the model's format has no reasoning.
        cached: a part of the prompt's, which the engine had in its prefix cache.
        attempts: the answers that were generated; None if these are the ones returned.
    """

    prompt: int
    generated: int
    reasoning: int | None = None
    cached: int = 0
    attempts: int | None = None
