"""An engine of the owner's, as a front end has it."""

from __future__ import annotations

import asyncio
import itertools
import pickle
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence

from latticework.engines.base import Adapter, AdapterRefused, EngineDead, Piece, Sampling, Tokenizer
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vocabulary import Trial
from latticework.fronts.greeting import ModelFacts
from latticework.fronts.link import Link, LinkLost, PlainPiece
from latticework.fronts.session import EngineState, Request

OWNER_GONE = "The process that owns the engine has ended."

# What arrives of an answer: pieces, and then why it has ended, or None.
_Arrived = Piece | Exception | None


class Arriving:
    """An answer, for its one reader."""

    def __init__(self) -> None:
        self._parts: deque[_Arrived] = deque()
        self._waiting: asyncio.Future[None] | None = None

    def put(self, part: _Arrived) -> None:
        self._parts.append(part)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def get(self) -> _Arrived:
        while not self._parts:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._parts.popleft()


class Answers:
    """All answers that arrive in this process, by their numbers."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._arriving: dict[int, Arriving] = {}

    def begin(self) -> tuple[int, Arriving]:
        number = next(self._numbers)
        self._arriving[number] = Arriving()
        return number, self._arriving[number]

    def forget(self, number: int) -> None:
        """What still arrives of it is dropped."""
        del self._arriving[number]

    def pieces(self, pieces: Sequence[PlainPiece]) -> None:
        """Those of one step of an engine, as they arrive."""
        arriving = self._arriving
        for number, text, token_ids in pieces:
            if number in arriving:
                arriving[number].put(Piece(text, token_ids))

    def part(self, number: int, part: _Arrived) -> None:
        """Any other piece, or the end."""
        if number in self._arriving:
            self._arriving[number].put(part)


class FixedAdapters:
    """Those that the owner loaded at start: one process can't change them for all."""

    def __init__(self, loaded: Mapping[str, Adapter]) -> None:
        self.loaded = loaded

    async def load(self, adapter: Adapter) -> None:
        raise AdapterRefused("Several processes serve the API.")

    def unload(self, name: str) -> None:
        raise AdapterRefused("Several processes serve the API.")


class FrontEngine:
    """The engine restarts without it, and so `recovers`; the owner supervises it."""

    recovers = True
    learns_names = False

    def __init__(self, link: Link, answers: Answers, place: int, facts: ModelFacts) -> None:
        """`place`: of the model, among the owner's."""
        self._link = link
        self._answers = answers
        self._place = place
        self.model_ids = facts.model_ids
        self.adapters = None if facts.adapters is None else FixedAdapters(facts.adapters)
        self.max_model_len = facts.max_model_len
        self.max_running = facts.max_running
        self.tokenizer: Tokenizer = pickle.loads(facts.tokenizer)
        self._state = EngineState()

    async def start(self) -> None:
        """The owner has started it."""

    async def stop(self) -> None:
        """The owner stops it."""

    async def check_health(self) -> None:
        try:
            self._state = await self._link.call("health", self._place)
        except LinkLost:
            raise EngineDead(OWNER_GONE) from None

    def heartbeat(self) -> None:
        """The owner takes its pulse."""

    def running(self) -> int:
        """Of all front ends, when `check_health` was last called."""
        return self._state.running

    @property
    def degraded(self) -> tuple[str, ...]:
        return self._state.degraded

    @property
    def details(self) -> Mapping[str, str]:
        return self._state.details

    def metrics(self) -> bytes:
        """None: the owner adds them to those of all front ends."""
        return b""

    async def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        refused: tuple[str, str] | None = await self._link.call("refusal", self._place, sampling)
        return refused

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        number, arriving = self._answers.begin()
        ended = False
        try:
            trial = self._trial(sampling.grammar)
            self._link.note("generate", Request(number, self._place, prompt, sampling, request_id, trial))
            while not ended:
                part = await arriving.get()
                if isinstance(part, Piece):
                    ended = part.finish is not None
                    yield part
                else:
                    ended = True
                    if part is not None:
                        raise part
        finally:
            self._answers.forget(number)
            if not ended:
                self._link.note("abort", number)

    def _trial(self, grammar: str | None) -> Trial | None:
        """The owner would compile the grammar again, on its event loop."""
        tokenizer = self.tokenizer
        return tokenizer.tried(grammar) if grammar is not None and isinstance(tokenizer, ModelTokenizer) else None
