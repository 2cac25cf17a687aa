"""From an ask to a job: all that is settled about one request before its first token."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from latticework.engines.base import Sampling
from latticework.turn.reasoning import Budget
from latticework.turn.truncation import TruncationPlan
from turngrammar.plan import Plan


class Echo(msgspec.Struct, frozen=True):
    """The prompt as text, and the text of its first token, which has no log probability."""

    text: str
    first_token: str


class Job(msgspec.Struct, frozen=True):
    """What the engine is to generate, and how that is read.

    Attributes:
        prompt: token ids.
        sampling: of the first choice.
        stops: strings that end the free text.
        n: how many answers.
        attempts: how often an answer is generated, at most, whose schema the grammar can't enforce in full.
        reasons: whether the model's format has reasoning.
        budget: of the reasoning, where the request bounds it.
        echo: the prompt, where it is returned before the answer.
        truncation: how a document is completed that `max_tokens` cuts; None: it stays cut.
    """

    prompt: Sequence[int]
    plan: Plan
    sampling: Sampling
    stops: Sequence[str] = ()
    n: int = 1
    attempts: int = 1
    reasons: bool = False
    budget: Budget | None = None
    echo: Echo | None = None
    truncation: TruncationPlan | None = None
