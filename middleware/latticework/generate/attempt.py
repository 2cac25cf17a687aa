"""One generation of one choice: the engine's pieces, parsed as they come.

Where the request bounds the reasoning and the model exceeds that, a second generation goes on behind the same tokens
and the markup that ends the reasoning; the engine has the prefix in its cache. The limit is kept outside of the
grammar, for `max_tokens` on a rule of llguidance switches off the rollback that drafts need.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import cached_property
from typing import Protocol

from latticework.engines.base import Piece, Sampling
from latticework.generate import Parsed
from latticework.generate.choice import Choice
from latticework.generate.truncation import Truncating
from latticework.turn import Job
from latticework.turn.reasoning import Budget
from turngrammar.events import ReasoningDelta
from turngrammar.parser import Parser


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


class Attempt:
    """A fresh one for each generation: iterate over `parsed()`, and feed `choice`."""

    def __init__(self, model: TextGenerator, job: Job, sampling: Sampling, request_id: str, choice: Choice) -> None:
        self._model = model
        self._job = job
        self._sampling = sampling
        self._request_id = request_id
        self._choice = choice
        self._reasoning = 0

    @cached_property
    def _parser(self) -> Parser:
        """Made with the first piece: the engine is not kept waiting for it."""
        return self._job.plan.parser()

    @cached_property
    def _truncating(self) -> Truncating | None:
        plan = self._job.truncation
        return None if plan is None else Truncating(plan, self._parser, self._sampling.max_tokens, self._choice)

    async def parsed(self) -> AsyncGenerator[Parsed, None]:
        """Raises EngineError. Closing it ends the engine's work."""
        written: list[int] = []
        budget = self._job.budget
        if budget is None or budget.tokens:
            async with aclosing(self._model.generate(self._job.prompt, self._sampling, self._request_id)) as pieces:
                async for piece in pieces:
                    if (parsed := await self._parse(piece)) is not None:
                        yield parsed
                    if budget is not None:
                        written += piece.token_ids
                        if self._parser.in_reasoning and self._reasoning >= budget.tokens:
                            break
                else:
                    return
        assert budget is not None
        async with aclosing(self._behind_reasoning(budget, written)) as pieces:
            async for piece in pieces:
                if (parsed := await self._parse(piece)) is not None:
                    yield parsed

    async def _behind_reasoning(self, budget: Budget, written: Sequence[int]) -> AsyncGenerator[Piece, None]:
        """The markup that ends the reasoning, which no token was generated for, and what follows it."""
        prompt = [*self._job.prompt, *written, *budget.closing_ids]
        sampling = self._rest(budget, len(written), self._model.max_model_len - len(prompt))
        if sampling.max_tokens < 1:
            yield Piece(budget.closing, (), finish="length")
            return
        async with aclosing(self._model.generate(prompt, sampling, f"{self._request_id}-closed")) as pieces:
            first = True
            async for piece in pieces:
                if first:
                    first = False
                    yield Piece(budget.closing, ())
                yield piece

    def _rest(self, budget: Budget, spent: int, room: int) -> Sampling:
        return replace(
            self._sampling,
            grammar=budget.grammar,
            max_tokens=min(self._sampling.max_tokens - spent, room),
            min_tokens=max(0, self._sampling.min_tokens - spent),
        )

    async def _parse(self, piece: Piece) -> Parsed | None:
        """None where all of it is held back."""
        if self._truncating is None:
            parsed = parse_piece(self._parser, piece)
            self._reasoning += parsed.reasoning
            return parsed
        parsed_or_held = await self._truncating.feed(piece)
        self._reasoning = self._truncating.reasoning
        return parsed_or_held


def parse_piece(parser: Parser, piece: Piece) -> Parsed:
    """The piece with its events; behind the last one, those that the parser has held back."""
    events = parser.feed(piece.text)
    if piece.finish is not None:
        events = [*events, *parser.close()]
    tokens = len(piece.token_ids)
    reasoning = parser.in_reasoning or any(type(event) is ReasoningDelta for event in events)
    return Parsed(
        events,
        tokens,
        tokens if reasoning else 0,
        piece.logprobs,
        piece.sources,
        piece.prompt_logprobs,
        piece.finish,
        piece.saved,
    )
