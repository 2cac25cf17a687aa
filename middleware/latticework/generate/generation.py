"""The generation of one request, from its jobs to its last step."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from msgspec import UNSET

from latticework.engines.base import NOTHING_SAVED, Saved
from latticework.engines.vocabulary import Vocabulary
from latticework.errors import BrokenGuarantee, GrammarExceeded, SchemaViolation, from_pointer
from latticework.generate import AnswerNotice, Finish, Step, TokenCounts
from latticework.generate.attempt import Attempt, TextGenerator
from latticework.generate.choice import Choice
from latticework.generate.confidence import Recording, confidence_of
from latticework.generate.retries import AnswerCheck, Retries, Try
from latticework.generate.truncation import Completing, completing
from latticework.telemetry import Metrics
from latticework.turn import Job, RejectedAnswer
from turngrammar.plan import TurnViolation

T = TypeVar("T")

logger = logging.getLogger(__name__)


class _Rejected(Exception):
    """A finished answer that must not be sent."""

    def __init__(self, answer: RejectedAnswer) -> None:
        super().__init__(answer)
        self.answer = answer
        self.first = answer.violations[0]

    @property
    def told(self) -> str:
        """For the log: without the model's text, and without the place, which has the schema's names."""
        return f"{self.first.keyword or 'text'} of {self.first.part}"

    def __str__(self) -> str:
        return f"{self.first.message} ({self.first.keyword} at {self.first.place})"


class Generation:
    """One request: one or more jobs, each with its choices, numbered consecutively.

    Attributes:
        id: of the response, with its API's prefix; the ids of the engine's requests are derived from it.
        replaced: JSON pointers to the request's texts in which lone surrogates were replaced.
        first_at: time.perf_counter() at the first token; None before.
        finishes: the finish reasons of the choices that have ended.
        unfinished: the names of the tools whose calls were cut, once for each call.
        notices: of the choices that have ended, by their index; without those that have none.
    """

    def __init__(
        self,
        model: TextGenerator,
        jobs: Sequence[Job],
        metrics: Metrics,
        id_prefix: str,
        replaced: Sequence[str] = (),
        check: AnswerCheck | None = None,
    ) -> None:
        """`check`: the caller's own, of the text of whole answers."""
        self.id = f"{id_prefix}{secrets.token_hex(16)}"
        self.jobs = jobs
        self.replaced = replaced
        self.first_at: float | None = None
        self.finishes: list[Finish] = []
        self.unfinished: list[str] = []
        self._own_check = check
        self.notices: dict[int, Sequence[AnswerNotice]] = {}
        self._generator = model
        self._metrics = metrics
        self._model = model.names[0]  # requests may use another of its names
        self._choices: list[Choice] = []  # failed attempts included
        self._cached = 0
        self._corrected = 0  # tokens of the prompts that show a rejected answer
        for job in jobs:
            metrics.checked_keywords.labels(self._model).inc(len(job.plan.checked))

    def steps(self) -> AsyncGenerator[Sequence[Step], None]:
        """The steps of all choices on arrival; steps that are available together come in one sequence.

        Closing it aborts the generation. Raises EngineError; and instead of a choice's end GrammarExceeded,
        BrokenGuarantee, or SchemaViolation if all attempts failed.
        """
        choices: list[AsyncGenerator[Sequence[Step], None]] = []
        for job in self.jobs:
            start = self._attempted if job.plan.exact and self._own_check is None else self._checked
            choices += [start(job, len(choices) + place, place) for place in range(job.n)]
        return merged_steps(choices) if len(choices) > 1 else choices[0]

    @property
    def tokens(self) -> TokenCounts:
        """All generated tokens, failed attempts included. A prompt counts once for all of its answers, and that of an
        attempt that sees the last answer is another one.
        """
        prompt = sum(len(job.prompt) for job in self.jobs) + self._corrected
        reasoning = sum(choice.reasoning for choice in self._choices)
        generated = sum(choice.tokens for choice in self._choices)
        counted = reasoning if any(job.reasons for job in self.jobs) else None
        attempts = self.attempts if self.attempts > sum(job.n for job in self.jobs) else None
        return TokenCounts(prompt, generated, counted, self._cached, attempts)

    @property
    def attempts(self) -> int:
        """How many times an answer was begun, over all choices."""
        return len(self._choices)

    @property
    def all_notices(self) -> Sequence[AnswerNotice]:
        """Of all choices that have ended, in their order."""
        return [notice for _, notices in sorted(self.notices.items()) for notice in notices]

    @property
    def saved(self) -> Saved:
        """Of all choices and attempts that have ended."""
        return sum((choice.saved for choice in self._choices), NOTHING_SAVED)

    @property
    def transfer(self) -> Mapping[str, Any] | None:
        """What the engine has for another one, once an answer has ended."""
        return next((choice.transfer for choice in self._choices if choice.transfer is not None), None)

    async def _checked(self, job: Job, index: int, place: int) -> AsyncGenerator[Sequence[Step], None]:
        """For an answer that the grammar alone can't make valid: it is held back until it is checked."""
        retries = Retries(job, place)
        while True:
            try:
                async with aclosing(self._attempt(retries.current, index)) as generated:
                    held = [step async for steps in generated for step in steps]
            except _Rejected as rejected:
                await self._retry(retries, rejected)
            else:
                self._note(index, [*retries.notices, *self.notices.get(index, ())])
                yield held
                return

    async def _retry(self, retries: Retries, rejected: _Rejected) -> None:
        """Prepares the next attempt. Raises SchemaViolation after the last one."""
        number, most = retries.current.number + 1, retries.current.job.attempts
        self._metrics.violations.labels(self._model).inc()
        logger.warning("%s: attempt %d of %d: %s", self.id, number, most, rejected.told)
        if number >= most:
            raise SchemaViolation(f"The answer violated its schema in all of {most} attempts: {rejected}")
        self._metrics.regenerations.labels(self._model).inc()
        await retries.reject(rejected.answer)
        if retries.current.is_new:
            self._corrected += len(retries.current.job.prompt)

    def _attempted(self, job: Job, index: int, place: int) -> AsyncGenerator[Sequence[Step], None]:
        return self._attempt(Try(job, place, is_new=not place), index)

    async def _attempt(self, attempt: Try, index: int) -> AsyncGenerator[Sequence[Step], None]:
        """One generation of one choice. Raises GrammarExceeded, BrokenGuarantee or _Rejected instead of its end."""
        job, sampling = attempt.job, attempt.sampling
        choice = _choice(index, job)
        self._choices.append(choice)
        request_id = f"{self.id}-{index}-{attempt.number}"
        recording = Recording(self._generator, choice) if job.vocabulary is not None else None
        request = Attempt(recording or self._generator, job, sampling, request_id, choice)
        completed: Completing | None = None
        bounded = job.budget is not None
        steps = [choice.open()]
        while (pieces := request.pieces()) is not None:
            completed = completed or completing(job, choice, request.most)
            async with aclosing(pieces):
                async for piece in pieces:
                    if self.first_at is None:
                        self.first_at = time.perf_counter()
                    if piece.cached and attempt.is_new and not choice.tokens:  # of each prompt, once
                        self._cached += piece.cached
                    step = choice.feed(piece) if completed is None else await completed.feed(piece)
                    if step is not None:
                        steps.append(step)
                    if choice.finish is not None or (bounded and request.exceeds(piece)):
                        break
                    if steps:
                        yield steps
                        steps = []
        await self._check(choice, job)
        await self._score(recording, choice, job.vocabulary, f"{request_id}-confidence")
        if job.sources:
            choice.grounding = await asyncio.to_thread(choice.spans)
        if choice.finish is not None:
            self.finishes.append(choice.finish)
            self._note(index, choice.notices)
        self.unfinished += choice.unfinished
        yield [*steps, choice.close()]

    def _note(self, index: int, notices: Sequence[AnswerNotice]) -> None:
        if notices:
            self.notices[index] = notices

    async def _score(
        self, recording: Recording | None, choice: Choice, vocabulary: Vocabulary | None, request_id: str
    ) -> None:
        """Adds the confidence of an answer that has ended, if it is requested and the answer has JSON."""
        document, calls, cut = choice.document, list(choice.whole_arguments), choice.truncation
        if recording is None or vocabulary is None or choice.refused or (document is None and not choice.calls):
            return
        if document is not None and (cut is not None or choice.finish == "length"):
            document = ""
        if cut is not None and cut.call is not UNSET:  # its rest was not generated
            calls[cut.call] = ""
        found = await confidence_of(recording, vocabulary, document, calls, request_id)
        choice.confidence, passes = found
        self._metrics.confidence_passes.labels(self._model).inc(passes)

    async def _check(self, choice: Choice, job: Job) -> None:
        """Raises GrammarExceeded, BrokenGuarantee, or _Rejected for an answer that may be generated again."""
        for _ in choice.malformed:
            self._metrics.malformed.labels(self._model).inc()
            logger.warning("%s: the answer left its wire format", self.id)
        # Only a schema takes long. Without one, a thread would cost more than a dozen tokens.
        violations = choice.violations() if choice.free else await asyncio.to_thread(choice.violations)
        if violations and violations[0].given_up:
            pointer = job.plan.text.content.pointer if job.plan.text else ""
            raise GrammarExceeded(violations[0].message, param=from_pointer(pointer))
        if violations and job.plan.exact:
            broken = _Rejected(choice.rejected(violations))
            self._metrics.broken_guarantees.labels(self._model).inc()
            logger.error("%s: a finished answer breaks its own grammar, a bug of this server: %s", self.id, broken.told)
            raise BrokenGuarantee(f"The answer violates its schema: {broken}")
        if self._own_check is not None and choice.finish != "length" and not choice.refused:
            violations += await _own_violations(self._own_check, choice.text, violations)
        if violations:
            raise _Rejected(choice.rejected(violations))


async def _own_violations(check: AnswerCheck, text: str, known: Sequence[TurnViolation]) -> tuple[TurnViolation, ...]:
    """What the caller's own check finds, but at places that violate the schema anyway."""
    places = {violation.pointer for violation in known}
    return tuple(own for own in await asyncio.to_thread(check, text) if own.pointer not in places)


def _choice(index: int, job: Job) -> Choice:
    return Choice(
        index,
        job.plan,
        job.stops,
        keeps_stop=job.keeps_stop,
        with_ids=job.returns_ids,
        begun=job.begun,
        sources=job.sources,
        ends_repeats=job.ends_repeats,
    )


async def merged_steps(streams: Sequence[AsyncGenerator[Sequence[T], None]]) -> AsyncGenerator[Sequence[T], None]:
    """Yields items on arrival, in each stream's order; items that are available together come in one sequence.

    Closing it closes all streams. A slow reader slows the streams down.
    """
    ready: list[T] = []
    arrived, taken = asyncio.Event(), asyncio.Event()

    async def pump(stream: AsyncGenerator[Sequence[T], None]) -> None:
        async with aclosing(stream):
            async for items in stream:
                ready.extend(items)
                arrived.set()
                await taken.wait()

    pumps = [asyncio.ensure_future(pump(stream)) for stream in streams]
    for running in pumps:
        running.add_done_callback(lambda _: arrived.set())
    try:
        while pumps:
            await arrived.wait()
            arrived.clear()
            items, ready = ready, []
            taken.set()
            taken.clear()
            if items:
                yield items
            for ended in [running for running in pumps if running.done()]:
                pumps.remove(ended)
                ended.result()
    finally:
        for running in pumps:
            running.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
