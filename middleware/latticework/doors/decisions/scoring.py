"""The probabilities of the answers to one question, as the engine computes them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from latticework.engines.base import NOTHING_SAVED, Piece, Sampling
from latticework.errors import BadRequest
from latticework.generate import Finish, TokenCounts
from latticework.generate.scoring import AnswerPlace, Question, score
from latticework.model import Model
from latticework.turn import Job
from turngrammar.events import ContentDelta


class AnswerScores:
    """Of one job, whose answer is one of some texts. It passes on what the engine generates, and counts it.

    Attributes:
        cached: tokens of the prompt that were in the engine's prefix cache.
        passes: tokens whose probabilities the engine has computed.
    """

    def __init__(self, model: Model, job: Job, request_id: str) -> None:
        self.cached = 0
        self.passes = 0
        self.names = model.names
        self.max_model_len = model.max_model_len
        self._model = model
        self._job = job
        self._request_id = request_id
        # A prompt that has opened the reasoning ends it here.
        self.prompt = [*job.prompt, *(job.budget.closing_ids if job.budget else ())]

    async def probabilities(self, texts: Sequence[str], place: str) -> Sequence[float]:
        """Those of the texts, 1 together. `place`: the question's name in the request.

        Raises EngineError, and BadRequest for texts that take too many passes.
        """
        job = self._job
        grammar = job.budget.grammar if job.budget else job.plan.grammar
        assert grammar is not None, "a choice is a constraint"
        question = Question(self.prompt, grammar, self._model.engine.tokenizer.vocabulary, job.sampling)
        scored = await score(self, question, [AnswerPlace((), 0, _ended)], self._request_id)
        outcomes = scored.outcomes[0]
        if outcomes is None:
            raise BadRequest(
                f"'{place}' has answers that take too many passes to score: send shorter or fewer ones.", param=place
            )
        found = dict.fromkeys(texts, 0.0)
        for written, probability in outcomes.items():
            assert isinstance(written, bytes)
            found[self._content(written)] += probability
        return [found[text] for text in texts]

    def _content(self, written: bytes) -> str:
        """The answer in what the model would write, which may have markup around it."""
        parser = self._job.plan.parser()
        opened = self._job.budget.closing if self._job.budget else ""
        events = [*parser.feed(opened), *parser.feed(written.decode(errors="ignore")), *parser.close()]
        return "".join(event.text for event in events if isinstance(event, ContentDelta))

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        """See Engine.generate. Raises EngineError."""
        first, self.passes = not self.passes, self.passes + 1
        async with aclosing(self._model.generate(prompt, sampling, request_id)) as pieces:
            async for piece in pieces:
                if first:  # the others find what it has computed
                    self.cached = max(self.cached, piece.cached)
                yield piece


class DecisionScores:
    """Of all questions of a request, as its record reads them. No token is generated, and none is the first.

    Attributes:
        questions: the scores of each.
        finishes: "stop", once all questions are answered.
    """

    first_at = None
    saved = NOTHING_SAVED

    def __init__(self, model: Model, jobs: Sequence[Job]) -> None:
        self.id = f"decision-{secrets.token_hex(16)}"
        self.questions = [AnswerScores(model, job, f"{self.id}-{index}") for index, job in enumerate(jobs)]
        self.finishes: list[Finish] = []

    @property
    def tokens(self) -> TokenCounts:
        """Of a prompt for each question; the passes count as generated tokens."""
        prompts = sum(len(each.prompt) for each in self.questions)
        passes = sum(each.passes for each in self.questions)
        return TokenCounts(prompts, passes, cached=sum(each.cached for each in self.questions))


def _ended(text: bytes, ended: bool) -> bytes | None:
    """What the model writes up to the end: each is an outcome. A special token begins with 0xFF."""
    return text.replace(b"\xff", b"") if ended else None
