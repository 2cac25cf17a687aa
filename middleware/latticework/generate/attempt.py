"""One attempt at a choice: the engine's output for one prompt, or for two.

If the model exceeds the request's reasoning budget, a second prompt continues after the same tokens and the markup
that ends the reasoning; the engine has the prefix in its cache. The limit is not part of the grammar, because
`max_tokens` on a rule of llguidance disables the rollback that drafts need.

A draft of a model without marks of reasoning has a prompt of its own too: it has no grammar, and the answer behind it
has its grammar from the beginning, so that nothing in the draft can be part of the answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

import msgspec

from latticework.engines.base import Piece, Sampling
from latticework.generate.choice import Choice
from latticework.turn import Job
from latticework.turn.draft import FreeDraft
from latticework.turn.reasoning import Budget


class TextGenerator(Protocol):
    """The generator of a model's text."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the model, the main one first."""

    @property
    def max_model_len(self) -> int:
        """Maximum number of tokens of prompt and answer together."""

    def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        """See Engine.generate. Raises EngineError."""


class Attempt:
    """One attempt: feed its `pieces()` to the choice until a piece `exceeds` the budget.

    Attributes:
        most: maximum number of tokens of the answer, without a draft before it.
    """

    def __init__(self, model: TextGenerator, job: Job, sampling: Sampling, request_id: str, choice: Choice) -> None:
        self._model = model
        self._job = job
        self._sampling = sampling
        self._request_id = request_id
        self._choice = choice
        self.most = sampling.max_tokens
        self._drafted: list[str] = []
        self._written: list[int] = []
        self._begun = False
        self._exceeded = job.budget is not None and not job.budget.tokens

    def pieces(self) -> AsyncGenerator[Piece, None] | None:
        """The engine's pieces, of the first prompt and then of the second; None at the end."""
        if self._job.draft is not None:
            return self._drafting(self._job.draft)
        budget = self._job.budget
        if self._exceeded:
            assert budget is not None
            self._begun, self._exceeded = True, False
            return self._behind_reasoning(budget)
        if self._begun:
            return None
        self._begun = True
        # What the engine has generated beyond the budget is left out.
        sampling = self._sampling if budget is None else replace(self._sampling, single=True)
        return self._model.generate(self._job.prompt, sampling, self._request_id)

    def _drafting(self, draft: FreeDraft) -> AsyncGenerator[Piece, None] | None:
        """The same with a draft: the first prompt is that of the draft, the second that of the answer behind it."""
        if self._begun and not self._choice.drafting:
            return None
        self._choice.drafting = not self._begun
        if not self._begun:
            self._begun = True
            return self._draft(draft)
        prompt = [*self._job.prompt, *self._written, *draft.joint("".join(self._drafted))]
        left = min(self._sampling.max_tokens - self._choice.tokens, self._model.max_model_len - len(prompt))
        self.most = left
        sampling = replace(self._sampling, max_tokens=left, transfer=None, prompt_logprobs=None)
        return self._model.generate(prompt, sampling, f"{self._request_id}-drafted")

    async def _draft(self, draft: FreeDraft) -> AsyncGenerator[Piece, None]:
        """The pieces of the draft. What ends it is counted, and dropped."""
        sampling = replace(self._sampling, grammar=None, max_tokens=draft.tokens, single=True)
        async with aclosing(self._model.generate(self._job.prompt, sampling, self._request_id)) as pieces:
            async for piece in pieces:
                marked = not draft.marks.isdisjoint(piece.token_ids)
                ended = marked or piece.finish == "stop"
                text = "" if marked else piece.text
                self._written += piece.token_ids[:-1] if ended else piece.token_ids
                self._drafted.append(text)
                sources = () if marked else piece.sources
                yield msgspec.structs.replace(piece, text=text, sources=sources, finish=None, transfer=None)
                if ended:
                    return

    def exceeds(self, piece: Piece) -> bool:
        """Whether the reasoning must be ended after this piece, which the choice has been fed."""
        budget = self._job.budget
        if budget is None:
            return False
        self._written += piece.token_ids
        self._exceeded = self._choice.parser.in_reasoning and self._choice.reasoning >= budget.tokens
        return self._exceeded

    async def _behind_reasoning(self, budget: Budget) -> AsyncGenerator[Piece, None]:
        """The markup that ends the reasoning, which was not generated, and what follows it."""
        prompt = [*self._job.prompt, *self._written, *budget.closing_ids]
        sampling = self._rest(budget, self._model.max_model_len - len(prompt))
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

    def _rest(self, budget: Budget, room: int) -> Sampling:
        spent = len(self._written)
        # What is computed of the prompt elsewhere has been fetched with the first prompt, if there was one.
        transfer = None if self._written else self._sampling.transfer
        return replace(
            self._sampling,
            grammar=budget.grammar,
            max_tokens=min(self._sampling.max_tokens - spent, room),
            min_tokens=max(0, self._sampling.min_tokens - spent),
            transfer=transfer,
        )
