"""From an ask to a job: everything that is determined before a request's first token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec

from latticework.engines.base import Sampling
from latticework.engines.vocabulary import Vocabulary
from latticework.prompt.repeated import CallRun
from latticework.turn.draft import FreeDraft
from latticework.turn.reasoning import Budget, Resumption
from latticework.turn.truncation import Closing
from turngrammar.plan import Plan, TurnViolation
from turngrammar.render import Call


class Echo(msgspec.Struct, frozen=True):
    """The prompt as text, and the text of its first token, which has no log probability."""

    text: str
    first_token: str


class Begun(msgspec.Struct, frozen=True):
    """The text that the answer continues. `shown`: whether it is returned before the answer."""

    text: str
    shown: bool


class RejectedAnswer(msgspec.Struct, frozen=True):
    """A finished answer that violates its schema: its text, its complete calls, and at least one violation."""

    content: str
    calls: Sequence[Call]
    violations: Sequence[TurnViolation]


# Makes the job of an attempt whose prompt has the rejected answer and its violations.
# Raises ApiError or GrammarError if there is no such prompt: it is too long, or the chat template refuses it.
Correction: TypeAlias = Callable[[RejectedAnswer], Awaitable["Job"]]


class Feedback(msgspec.Struct, frozen=True):
    """How the next attempt learns what was wrong.

    Attributes:
        correct: makes its job; None: this request can't have one, and `obstacle` is the reason.
        requested: whether the request, not only the model's settings, selects feedback.
    """

    correct: Correction | None
    obstacle: str = ""
    requested: bool = False


class Job(msgspec.Struct, frozen=True):
    """A generation for the engine, and how its output is parsed.

    Attributes:
        prompt: token ids.
        sampling: of the first choice.
        stops: strings that end free text; `keeps_stop`: the one that does is a part of the answer.
        returns_ids: whether steps have the ids of their tokens.
        n: number of answers.
        attempts: maximum number of attempts, if the grammar can't enforce the whole schema.
        feedback: what the next attempt learns of the last one; None: nothing, it is sampled from the same prompt.
        reasons: whether the answer may have reasoning, in the marks of the model's format or as a draft.
        budget: of the reasoning, if the request limits it.
        draft: the free text before the answer; None: there is none.
        echo: the prompt, if it is returned before the answer.
        begun: what the answer continues; None: it is a message of its own.
        truncation: how an answer cut by `max_tokens` is completed; None: it stays cut.
        vocabulary: of the model, if answers come with the confidence of their values; else None.
        lacks_confidence: whether they come without, though it is the model's default.
        whole_calls: whether a stream has each call in one piece, when it is complete.
        sources: the request's names of the texts that the answer's strings are spans of.
        resumption: how free text goes on that the model ends without an answer; None: it ends.
        ends_repeats: whether an answer ends before a call that repeats another one of it.
        call_run: the call that the conversation's last turns have repeated, if they have.
    """

    prompt: Sequence[int]
    plan: Plan
    sampling: Sampling
    stops: Sequence[str] = ()
    keeps_stop: bool = False
    returns_ids: bool = False
    n: int = 1
    attempts: int = 1
    feedback: Feedback | None = None
    reasons: bool = False
    budget: Budget | None = None
    draft: FreeDraft | None = None
    echo: Echo | None = None
    begun: Begun | None = None
    truncation: Closing | None = None
    whole_calls: bool = False
    vocabulary: Vocabulary | None = None
    lacks_confidence: bool = False
    sources: Sequence[str] = ()
    resumption: Resumption | None = None
    ends_repeats: bool = False
    call_run: CallRun | None = None
