"""The engine's pieces of one answer, from one generation; from two where the model's thoughts had to be ended.

That limit is kept outside the grammar, for llguidance's `max_tokens` on a rule switches off the rollback that drafts
need. At the limit the engine's work ends, and a second generation goes on behind the same tokens and the markup that
closes the thoughts. The engine has the prefix in its cache.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from latticework.engines.base import Piece, Sampling
from latticework.generate.choice import Choice
from latticework.turn.reasoning import Budget


class TextGenerator(Protocol):
    """What generates a model's text."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the model, its own first."""

    @property
    def max_model_len(self) -> int:
        """Tokens of prompt and answer together."""

    def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        """See Engine.generate. Raises EngineError."""


def generation(
    model: TextGenerator,
    prompt: Sequence[int],
    sampling: Sampling,
    request_id: str,
    choice: Choice,
    budget: Budget | None,
) -> AsyncGenerator[Piece, None]:
    """One answer, whose pieces are expected to be fed to `choice` as they come. Raises EngineError."""
    if budget is None:
        return model.generate(prompt, sampling, request_id)
    return _bounded(model, prompt, sampling, request_id, choice, budget)


async def _bounded(
    model: TextGenerator, prompt: Sequence[int], sampling: Sampling, request_id: str, choice: Choice, budget: Budget
) -> AsyncGenerator[Piece, None]:
    written: list[int] = []
    if budget.tokens:
        async with aclosing(model.generate(prompt, sampling, request_id)) as pieces:
            async for piece in pieces:
                yield piece
                written += piece.token_ids
                if choice.thinking and choice.thoughts >= budget.tokens:
                    break
            else:
                return
    prompt = [*prompt, *written, *budget.closing_ids]
    rest = _rest(sampling, budget, len(written), model.max_model_len - len(prompt))
    async with aclosing(_closed(model, prompt, rest, f"{request_id}-closed", budget.closing)) as pieces:
        async for piece in pieces:
            yield piece


async def _closed(
    model: TextGenerator, prompt: Sequence[int], sampling: Sampling, request_id: str, closing: str
) -> AsyncGenerator[Piece, None]:
    """What follows the thoughts. The closing markup, which no token was generated for, comes with the first of it."""
    if sampling.max_tokens < 1:
        yield Piece(closing, (), finish="length")
        return
    async with aclosing(model.generate(prompt, sampling, request_id)) as pieces:
        told = False
        async for piece in pieces:
            if not told:
                told = True
                yield Piece(closing, ())
            yield piece


def _rest(sampling: Sampling, budget: Budget, spent: int, room: int) -> Sampling:
    return replace(
        sampling,
        grammar=budget.grammar,
        max_tokens=min(sampling.max_tokens - spent, room),
        min_tokens=max(0, sampling.min_tokens - spent),
    )
