"""One attempt at a choice: the engine's output for one prompt, or for several.

If the model exceeds the request's reasoning budget, a second prompt continues after the same tokens and the markup
that ends the reasoning; the engine has the prefix in its cache. The limit is not part of the grammar, because
`max_tokens` on a rule of llguidance disables the rollback that drafts need.

A draft of a model without marks of reasoning has a prompt of its own too: it has no grammar, and the answer behind it
has its grammar from the beginning, so that nothing in the draft can be part of the answer.

If the model ends free text without an answer, within its reasoning or behind it, another prompt continues after the
same tokens without the one that ended it, under a grammar of text. A grammar from the start would do too, but
`min_tokens` and other parameters exclude one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import msgspec

from latticework.engines.base import NOTHING_SAVED, Piece, Sampling, Saved
from latticework.generate.choice import Choice
from latticework.turn import Job
from latticework.turn.draft import FreeDraft


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


@dataclass
class _Generated:
    """What the prompts of an attempt have generated so far.

    Attributes:
        tokens: what another prompt continues: with markup that was not generated, without a token that ended them.
        text: of these, what was generated, in pieces.
        count: the tokens that count as generated.
        saved, transfer: of the prompts that have ended.
    """

    tokens: list[int] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    count: int = 0
    saved: Saved = NOTHING_SAVED
    transfer: Mapping[str, Any] | None = None

    def add(self, text: str, tokens: Sequence[int]) -> None:
        self.tokens += tokens
        self.text.append(text)


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
        self._generated = _Generated()
        self._resumed = False
        self._next: Callable[[], AsyncGenerator[Piece, None]] | None = self._first

    def pieces(self) -> AsyncGenerator[Piece, None] | None:
        """The engine's pieces, of the first prompt and then of each further one; None at the end."""
        start, self._next = self._next, None
        return None if start is None else start()

    def _first(self) -> AsyncGenerator[Piece, None]:
        budget = self._job.budget
        if self._job.draft is not None:
            self._choice.drafting, self._next = True, self._behind_draft
            return self._draft(self._job.draft)
        return self._behind_reasoning() if budget is not None and not budget.tokens else self._begin()

    def _behind_draft(self) -> AsyncGenerator[Piece, None]:
        """The answer, behind the draft."""
        draft, self._choice.drafting = self._job.draft, False
        assert draft is not None
        prompt = [*self._continued_prompt(), *draft.joint("".join(self._generated.text))]
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
                self._generated.add(text, piece.token_ids[:-1] if ended else piece.token_ids)
                sources = () if marked else piece.sources
                yield msgspec.structs.replace(piece, text=text, sources=sources, finish=None, transfer=None)
                if ended:
                    return

    def exceeds(self, piece: Piece) -> bool:
        """Whether the reasoning must be ended after this piece, which the choice has been fed."""
        budget = self._job.budget
        if budget is None:
            return False
        exceeded = self._choice.parser.in_reasoning and self._choice.reasoning >= budget.tokens
        if exceeded:
            self._next = self._behind_reasoning
        return exceeded

    def _begin(self) -> AsyncGenerator[Piece, None]:
        # What the engine has generated beyond the budget is left out.
        sampling = self._sampling if self._job.budget is None else replace(self._sampling, single=True)
        pieces = self._model.generate(self._job.prompt, sampling, self._request_id)
        return pieces if self._job.budget is None and self._job.resumption is None else self._noted(pieces)

    async def _noted(self, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
        """The same pieces, which another prompt may have to continue; the last only once it is clear that none does."""
        async with aclosing(pieces):
            async for piece in pieces:
                self._generated.add(piece.text, piece.token_ids)
                self._generated.count += len(piece.token_ids)
                if piece.finish != "stop" or not self._may_resume(piece):
                    yield piece
                    continue
                self._forget_end()
                yield msgspec.structs.replace(piece, finish=None)
                if self._choice.is_empty:
                    self._generated.saved += piece.saved
                    self._generated.transfer = piece.transfer
                    self._next = self._resume
                else:
                    yield piece.end("stop")

    def _may_resume(self, piece: Piece) -> bool:
        """Whether the model itself has ended the answer, rather than a token that the request names, and once only."""
        resumption = self._job.resumption
        if resumption is None or self._resumed:
            return False
        last = piece.token_ids[-1] if piece.token_ids else None
        return last in resumption.ends or last not in self._sampling.stop_token_ids

    def _behind_reasoning(self) -> AsyncGenerator[Piece, None]:
        """The markup that ends the reasoning, which was not generated, and what follows it."""
        budget = self._job.budget
        assert budget is not None
        pieces = self._continued(budget.closing, budget.closing_ids, budget.grammar, "closed")
        return pieces if self._job.resumption is None else self._noted(pieces)

    def _resume(self) -> AsyncGenerator[Piece, None]:
        """The markup that an answer needs and the model has not written, and the answer."""
        resumption, self._resumed = self._job.resumption, True
        assert resumption is not None
        markup = resumption.missing("".join(self._generated.text))
        return self._continued(markup, resumption.encode(markup), resumption.grammar, "resumed")

    def _forget_end(self) -> None:
        resumption, tokens = self._job.resumption, self._generated.tokens
        if resumption and tokens and tokens[-1] in resumption.ends:
            del tokens[-1]

    async def _continued(
        self, markup: str, markup_ids: Sequence[int], grammar: str | None, name: str
    ) -> AsyncGenerator[Piece, None]:
        """This markup, and what the engine generates behind it and all before."""
        self._generated.tokens += markup_ids
        prompt = self._continued_prompt()
        sampling = self._rest(grammar, self._model.max_model_len - len(prompt))
        if sampling.max_tokens < 1:
            yield self._behind_others(Piece(markup, (), finish="length"))
            return
        async with aclosing(self._model.generate(prompt, sampling, f"{self._request_id}-{name}")) as pieces:
            first = True
            async for piece in pieces:
                if first and markup:
                    first = False
                    yield Piece(markup, ())
                yield self._behind_others(piece) if piece.prompt_logprobs or piece.finish else piece

    def _behind_others(self, piece: Piece) -> Piece:
        """The first or last piece of a prompt that continues others: without what is not of the request's prompt, and
        with what the others have for the end.
        """
        before = self._generated
        return msgspec.structs.replace(
            piece,
            saved=piece.saved if piece.finish is None else piece.saved + before.saved,
            prompt_logprobs=piece.prompt_logprobs[: len(self._job.prompt)],
            transfer=piece.transfer or before.transfer,
        )

    def _continued_prompt(self) -> list[int]:
        return [*self._job.prompt, *self._generated.tokens]

    def _rest(self, grammar: str | None, room: int) -> Sampling:
        spent = self._generated.count
        most = min(self._sampling.max_tokens - spent, room)
        least = min(max(0, self._sampling.min_tokens - spent), most)
        sampling = replace(self._sampling, grammar=grammar, max_tokens=most, min_tokens=least)
        # The first prompt has fetched what is computed elsewhere, and returned its log probabilities.
        return replace(sampling, transfer=None, prompt_logprobs=None) if spent else sampling
