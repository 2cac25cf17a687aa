"""The attempts at one choice whose answer is checked: from which prompt, and how each is sampled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from latticework.engines.base import Sampling
from latticework.errors import ApiError
from latticework.generate import AnswerNotice
from latticework.turn import Job, RejectedAnswer
from turngrammar.errors import GrammarError
from turngrammar.plan import TurnViolation

# A greedy attempt from the same prompt would repeat the same answer.
RETRY_TEMPERATURE = 0.7

# Small models do: without the answer in the prompt, they may find another one.
COPIED = "The model has repeated the answer that it was shown."

# A caller's own check of a finished text: its violations, none if it is accepted.
AnswerCheck: TypeAlias = Callable[[str], Sequence[TurnViolation]]


@dataclass(frozen=True)
class Try:
    """One attempt.

    Attributes:
        job: of its prompt.
        place: of its choice among those of the prompt.
        number: of the attempt, from 0.
        is_new: whether nothing was generated from this prompt before: no attempt at this choice, nor another choice.
    """

    job: Job
    place: int
    number: int = 0
    is_new: bool = True

    @property
    def sampling(self) -> Sampling:
        """Each choice and each attempt has its own seed: otherwise all would be the same. What is computed of the
        prompt elsewhere is there to be fetched once.
        """
        sampling, retried = self.job.sampling, self.number > 0
        if sampling.transfer is not None and (self.place or retried):
            sampling = replace(sampling, transfer=None)
        if sampling.seed is not None:
            sampling = replace(sampling, seed=sampling.seed + self.place + self.number * self.job.n)
        if retried and not self.is_new and sampling.temperature == 0:
            sampling = replace(sampling, temperature=RETRY_TEMPERATURE)
        return sampling


class Retries:
    """The attempts at one choice.

    Attributes:
        current: the attempt to make.
        notices: one for each reason why an attempt did not see the last answer, though that was requested.
    """

    def __init__(self, job: Job, place: int) -> None:
        self.current = Try(job, place, is_new=not place)
        self._obstacles: dict[str, None] = {}
        self._first = job
        self._shown: RejectedAnswer | None = None  # the answer that the current attempt sees
        self._prompts = [job.prompt]

    @property
    def notices(self) -> Sequence[AnswerNotice]:
        return [AnswerNotice("resampled_answer", reason=obstacle) for obstacle in self._obstacles]

    async def reject(self, answer: RejectedAnswer) -> None:
        """Moves on to the next attempt, after this answer."""
        job = await self._corrected(answer) or self._first
        self.current = Try(job, self.current.place, self.current.number + 1, job.prompt not in self._prompts)
        self._prompts.append(job.prompt)

    async def _corrected(self, answer: RejectedAnswer) -> Job | None:
        """None: the next attempt is sampled from the first prompt."""
        feedback, shown = self._first.feedback, self._shown
        self._shown = None
        if feedback is None:
            return None
        obstacle = feedback.obstacle
        if shown is not None and (answer.content, answer.calls) == (shown.content, shown.calls):
            obstacle = COPIED
        elif feedback.correct is not None:
            try:
                corrected = await feedback.correct(answer)
            except (ApiError, GrammarError) as error:
                obstacle = error.message
            else:
                self._shown = answer
                return corrected
        if feedback.requested:
            self._obstacles[obstacle] = None
        return None
