"""One completion, from its job to its last chunk."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from msgspec import UNSET

from latticework.engines.base import NOTHING_SAVED, Sampling
from latticework.errors import BrokenGuarantee, SchemaViolation
from latticework.generate.choice import Choice
from latticework.generate.ending import closed
from latticework.generate.generation import TextGenerator, generation
from latticework.generate.merge import merge
from latticework.responses import Chunk, ChunkChoice, CompletionTokensDetails, FinishReason, Usage
from latticework.telemetry.metrics import Metrics
from latticework.turn.reasoning import Budget
from latticework.turn.truncation import Close
from turngrammar.plan import Plan, TurnViolation

logger = logging.getLogger(__name__)

# A greedy answer that broke its schema would come again as it was.
RETRY_TEMPERATURE = 0.7


@dataclass(frozen=True)
class Job:
    """All that is settled about a request before its first token.

    `attempts` bounds how often an answer is generated whose schema the grammar can't enforce in full; `reasons` says
    whether the model's format has thoughts, and `budget` how long they may be, where the request bounds them; `close`
    says how a document that is cut is closed.
    """

    model: str
    prompt: Sequence[int]
    plan: Plan
    sampling: Sampling
    stops: Sequence[str] = ()
    n: int = 1
    attempts: int = 1
    reasons: bool = False
    budget: Budget | None = None
    close: Close | None = None


class _Broken(Exception):
    """A finished answer that violates its schema."""

    def __init__(self, violations: Sequence[TurnViolation]) -> None:
        super().__init__(violations)
        self.first = violations[0]

    @property
    def place(self) -> str:
        """For the log: nothing of what the model wrote."""
        return f"{self.first.keyword} at {self.first.place}"

    def __str__(self) -> str:
        return f"{self.first.message} ({self.place})"


class Completion:
    """A fresh one for each request.

    `first_at` is when the first token came, on the clock of time.perf_counter; `finishes` is how the choices ended
    that have; `saved` counts for all choices and attempts that have ended.
    """

    def __init__(self, model: TextGenerator, job: Job, metrics: Metrics) -> None:
        self._generator = model
        self._job = job
        self._metrics = metrics
        self._tokens = 0
        self._thoughts = 0
        self.id = f"chatcmpl-{secrets.token_hex(16)}"
        self.first_at: float | None = None
        self.finishes: list[FinishReason] = []
        self.saved = NOTHING_SAVED
        self._model = model.names[0]  # requests may call it by another name
        metrics.checked_keywords.labels(self._model).inc(len(job.plan.checked))
        self._created = int(time.time())

    def choices(self) -> AsyncGenerator[Sequence[ChunkChoice], None]:
        """What is added to the choices, as it comes: all that is there at once, in one sequence.

        Closing it ends the engine's work. Raises EngineError; and instead of a choice's end BrokenGuarantee, or
        SchemaViolation where all attempts failed.
        """
        one = self._attempt if self._job.plan.exact else self._checked
        choices = [one(index) for index in range(self._job.n)]
        return merge(choices) if len(choices) > 1 else choices[0]

    def chunk(self, *choices: ChunkChoice, usage: Usage | None = None) -> Chunk:
        """A chunk of this response."""
        return Chunk(self.id, self._created, self._job.model, choices, usage=usage)

    def end(self) -> Chunk:
        """The last chunk, once all choices have ended: it has the usage."""
        return self.chunk(usage=self.usage)

    async def _checked(self, index: int) -> AsyncGenerator[Sequence[ChunkChoice], None]:
        """The grammar allows more than the schema: the answer is held back until it is known to be valid."""
        for attempt in range(self._job.attempts):
            if attempt:
                self._metrics.regenerations.labels(self._model).inc()
            try:
                async with aclosing(self._attempt(index, attempt)) as told:
                    held = [choice async for choices in told for choice in choices]
            except _Broken as broken:
                self._metrics.violations.labels(self._model).inc()
                logger.warning("%s: attempt %d of %d: %s", self.id, attempt + 1, self._job.attempts, broken.place)
                last = broken
            else:
                yield held
                return
        raise SchemaViolation(f"The model broke the schema in all of {self._job.attempts} attempts: {last}")

    async def _attempt(self, index: int, attempt: int = 0) -> AsyncGenerator[Sequence[ChunkChoice], None]:
        """One generation of one choice. Raises BrokenGuarantee or _Broken instead of its end."""
        choice = Choice(index, self._job.plan, self._job.stops)
        name, sampling = f"{self.id}-{index}-{attempt}", self._sampling(index, attempt)
        generated = generation(self._generator, self._job.prompt, sampling, name, choice, self._job.budget)
        if self._job.close is not None:
            generated = closed(generated, self._job.close, self._job.plan, sampling.max_tokens, choice)
        async with aclosing(generated) as pieces:
            told = [choice.open()]
            async for piece in pieces:
                if self.first_at is None:
                    self.first_at = time.perf_counter()
                self._tokens += len(piece.token_ids)
                added = choice.feed(piece)
                if added is not None:
                    told.append(added)
                if choice.finish is not None:
                    self.saved += piece.saved
                    break
                if told:
                    yield told
                    told = []
        self._thoughts += choice.thoughts
        await self._check(choice)
        last = choice.close()
        if last.finish_reason is not None:
            self.finishes.append(last.finish_reason)
        yield [*told, last]

    async def _check(self, choice: Choice) -> None:
        """Raises BrokenGuarantee, or _Broken where the grammar alone can't keep the answer valid."""
        for malformed in choice.malformed:
            self._metrics.malformed.labels(self._model).inc()
            logger.warning("%s: the answer left its wire format: %s", self.id, malformed.reason)
        # Only a schema takes long. Where none binds the answer, a thread would cost more than a dozen of its tokens.
        violations = choice.violations() if choice.free else await asyncio.to_thread(choice.violations)
        if not violations:
            return
        broken = _Broken(violations)
        if not self._job.plan.exact:
            raise broken
        self._metrics.broken_guarantees.labels(self._model).inc()
        logger.error("%s: a finished answer breaks its own grammar, a bug of this server: %s", self.id, broken.place)
        raise BrokenGuarantee(f"The answer breaks its schema: {broken}")

    def _sampling(self, index: int, attempt: int) -> Sampling:
        """Each choice and each attempt has a seed of its own, or all would be the same."""
        sampling = self._job.sampling
        if sampling.seed is not None:
            sampling = replace(sampling, seed=sampling.seed + index + attempt * self._job.n)
        if attempt and sampling.temperature == 0:
            sampling = replace(sampling, temperature=RETRY_TEMPERATURE)
        return sampling

    @property
    def usage(self) -> Usage:
        """All that was generated, attempts that failed included."""
        prompt = len(self._job.prompt)
        details = CompletionTokensDetails(self._thoughts) if self._job.reasons else UNSET
        return Usage(prompt, self._tokens, prompt + self._tokens, details)
