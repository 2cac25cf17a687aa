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

from grammars.plan import Plan
from grammars.schema import Violation
from middleware.choice import Choice
from middleware.counters import Counters
from middleware.engines.base import Engine, Sampling
from middleware.errors import BrokenGuarantee, SchemaViolation
from middleware.generation import generation
from middleware.merge import merge
from middleware.responses import Chunk, ChunkChoice, CompletionTokensDetails, Usage
from middleware.thoughts import Budget

logger = logging.getLogger(__name__)

# A greedy answer that broke its schema would come again as it was.
RETRY_TEMPERATURE = 0.7


@dataclass(frozen=True)
class Job:
    """All that is settled about a request before its first token.

    `attempts` bounds how often an answer is generated whose schema the grammar can't enforce in full; `reasons` says
    whether the model's format has thoughts, and `budget` how long they may be, where the request bounds them.
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


class _Broken(Exception):
    """A finished answer that violates its schema."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(violations)
        self.first = violations[0]

    def __str__(self) -> str:
        return f"{self.first.message} ({self.first.keyword} at {self.first.pointer or '/'})"


class Completion:
    """A fresh one for each request."""

    def __init__(self, engine: Engine, job: Job, counters: Counters) -> None:
        self._engine = engine
        self._job = job
        self._counters = counters
        self._tokens = 0
        self._thoughts = 0
        self.id = f"chatcmpl-{secrets.token_hex(16)}"
        self._created = int(time.time())

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """Every choice's chunks as they come, then one with the usage.

        Closing it ends the engine's work. Raises EngineError; and instead of a choice's end BrokenGuarantee, or
        SchemaViolation where all attempts failed.
        """
        one = self._enforced if self._job.plan.exact else self._checked
        choices = [one(index) for index in range(self._job.n)]
        async with aclosing(merge(choices) if len(choices) > 1 else choices[0]) as merged:
            async for choice in merged:
                yield self._chunk((choice,))
        yield self._chunk((), self._usage())

    async def _enforced(self, index: int) -> AsyncGenerator[ChunkChoice, None]:
        """The grammar alone decides, so that the answer is passed on while it grows."""
        try:
            async with aclosing(self._attempt(index, 0)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except _Broken as broken:
            self._counters.broken_guarantees += 1
            logger.error("%s: a finished answer breaks its own grammar, a bug of this server: %s", self.id, broken)
            raise BrokenGuarantee(f"The answer breaks its schema: {broken}") from broken

    async def _checked(self, index: int) -> AsyncGenerator[ChunkChoice, None]:
        """The grammar allows more than the schema: the answer is held back until it is known to be valid."""
        for attempt in range(self._job.attempts):
            try:
                async with aclosing(self._attempt(index, attempt)) as chunks:
                    held = [chunk async for chunk in chunks]
            except _Broken as broken:
                self._counters.regenerations += 1
                logger.warning("%s: attempt %d of %d: %s", self.id, attempt + 1, self._job.attempts, broken)
                last = broken
            else:
                for chunk in held:
                    yield chunk
                return
        raise SchemaViolation(f"The model broke the schema in all of {self._job.attempts} attempts: {last}")

    async def _attempt(self, index: int, attempt: int) -> AsyncGenerator[ChunkChoice, None]:
        """One generation of one choice. Raises _Broken instead of its last chunk."""
        choice = Choice(index, self._job.plan, self._job.stops)
        name, sampling = f"{self.id}-{index}-{attempt}", self._sampling(index, attempt)
        generated = generation(self._engine, self._job.prompt, sampling, name, choice, self._job.budget)
        async with aclosing(generated) as pieces:
            opened = False
            async for piece in pieces:
                if not opened:
                    opened = True
                    yield choice.open()
                self._tokens += len(piece.token_ids)
                added = choice.feed(piece)
                if added is not None:
                    yield added
                if choice.finish is not None:
                    break
        self._thoughts += choice.thoughts
        for malformed in choice.malformed:
            self._counters.malformed += 1
            logger.warning("%s: the answer left its wire format: %s", self.id, malformed.reason)
        violations = await asyncio.to_thread(choice.violations)
        if violations:
            raise _Broken(violations)
        yield choice.close()

    def _sampling(self, index: int, attempt: int) -> Sampling:
        """Each choice and each attempt has a seed of its own, or all would be the same."""
        sampling = self._job.sampling
        if sampling.seed is not None:
            sampling = replace(sampling, seed=sampling.seed + index + attempt * self._job.n)
        if attempt and sampling.temperature == 0:
            sampling = replace(sampling, temperature=RETRY_TEMPERATURE)
        return sampling

    def _usage(self) -> Usage:
        """All that was generated, attempts that failed included."""
        prompt = len(self._job.prompt)
        details = CompletionTokensDetails(self._thoughts) if self._job.reasons else UNSET
        return Usage(prompt, self._tokens, prompt + self._tokens, details)

    def _chunk(self, choices: tuple[ChunkChoice, ...], usage: Usage | None = None) -> Chunk:
        return Chunk(self.id, self._created, self._job.model, choices, usage=usage)
