"""One completion, from its job to its last chunk."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from grammars.plan import Plan
from middleware.choice import Choice
from middleware.engines.base import Engine, Sampling
from middleware.errors import BrokenGuarantee
from middleware.merge import merge
from middleware.responses import Chunk, ChunkChoice, Usage

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """All that is settled about a request before its first token."""

    model: str
    prompt: Sequence[int]
    plan: Plan
    sampling: Sampling
    stops: Sequence[str] = ()
    n: int = 1


class Completion:
    """A fresh one for each request."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self._engine = engine
        self._job = job
        self._tokens = 0
        self.id = f"chatcmpl-{secrets.token_hex(16)}"
        self._created = int(time.time())

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """Every choice's chunks as they come, then one with the usage.

        Closing it ends the engine's work. Raises EngineError, and BrokenGuarantee instead of a choice's end.
        """
        choices = [self._choice(index) for index in range(self._job.n)]
        async with aclosing(merge(choices) if len(choices) > 1 else choices[0]) as merged:
            async for choice in merged:
                yield self._chunk((choice,))
        yield self._chunk((), self._usage())

    async def _choice(self, index: int) -> AsyncGenerator[ChunkChoice, None]:
        choice = Choice(index, self._job.plan, self._job.stops)
        pieces = self._engine.generate(self._job.prompt, self._sampling(index), f"{self.id}-{index}")
        async with aclosing(pieces):
            opened = False
            async for piece in pieces:
                if not opened:
                    opened = True
                    yield choice.open()
                self._tokens += piece.tokens
                added = choice.feed(piece)
                if added is not None:
                    yield added
                if choice.finish is not None:
                    break
        await self._hold_to_its_word(choice)
        yield choice.close()

    async def _hold_to_its_word(self, choice: Choice) -> None:
        for malformed in choice.malformed:
            logger.warning("%s: the answer left its wire format: %s", self.id, malformed.reason)
        violations = await asyncio.to_thread(choice.violations)
        if violations:
            first = violations[0]
            logger.error("%s: a finished answer breaks its own schema, a bug of this server: %s", self.id, violations)
            raise BrokenGuarantee(f"The answer breaks its schema: {first.message} ({first.keyword} at {first.pointer})")

    def _sampling(self, index: int) -> Sampling:
        """Each choice has a seed of its own, or all would be the same."""
        seed = self._job.sampling.seed
        return self._job.sampling if seed is None else replace(self._job.sampling, seed=seed + index)

    def _usage(self) -> Usage:
        prompt = len(self._job.prompt)
        return Usage(prompt, self._tokens, prompt + self._tokens)

    def _chunk(self, choices: tuple[ChunkChoice, ...], usage: Usage | None = None) -> Chunk:
        return Chunk(self.id, self._created, self._job.model, choices, usage=usage)
