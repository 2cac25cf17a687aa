"""What the owner does for one front end: answers, limits, health, and kept responses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol

from latticework.doors.responses.store import ResponseStore
from latticework.engines.base import EngineDead, EngineError, EngineFailed, Sampling
from latticework.engines.vocabulary import Trial
from latticework.fronts.limits import Account, SharedLimits
from latticework.fronts.link import ENDED, Link, Sent
from latticework.peers import FrontEnds
from latticework.supervisor import Supervisor

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A request of a front end for an answer.

    Attributes:
        number: of the answer, within the front end.
        model: the place of its model.
        trial: what llguidance makes of its grammar, if the front end knows.
    """

    number: int
    model: int
    prompt: Sequence[int]
    sampling: Sampling
    id: str
    trial: Trial | None


@dataclass(frozen=True)
class EngineState:
    """What an engine that can serve requests reports."""

    running: int = 0
    degraded: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


class Owner(Protocol):
    """What sessions have in common."""

    supervisors: Sequence[Supervisor]
    limits: SharedLimits
    store: ResponseStore | None

    async def metrics(self) -> bytes: ...

    async def counts(self) -> bytes: ...

    def front_ends(self) -> FrontEnds: ...


class Session:
    """Of one front end, from its start to its end."""

    def __init__(self, owner: Owner, notes: Mapping[str, Callable[..., Any]], ended: Callable[[], object]) -> None:
        """`notes`: what else a front end tells. `ended` is called when the front end has ended, in any way."""
        self._owner = owner
        self._account = Account(owner.limits)
        self._answers: dict[int, asyncio.Task[None]] = {}
        self._ended = ended
        self.link = Link(
            {
                "take": self._account.take,
                "give_back": self._account.give_back,
                "generate": self._generate,
                "abort": self._abort,
                "health": self._health,
                "refusal": self._refusal,
                "store": self._store,
                "total": owner.metrics,
                "counts": owner.counts,
                "front_ends": owner.front_ends,
                **notes,
            },
            self._lost,
        )

    @property
    def running(self) -> int:
        """Answers that it waits for."""
        return len(self._answers)

    def _lost(self) -> None:
        """Its answers are aborted, as those of a client that disconnects."""
        for answer in tuple(self._answers.values()):
            answer.cancel()
        self._account.close()
        self._ended()

    def _generate(self, request: Request) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(request))
        self._answers[request.number] = task
        task.add_done_callback(lambda _: self._answers.pop(request.number))

    def _abort(self, number: int) -> None:
        if (answer := self._answers.get(number)) is not None:
            answer.cancel()

    async def _answer(self, request: Request) -> None:
        error: EngineError | None = None
        try:
            await self._send_pieces(request)
        except EngineError as failure:
            error = failure
        except Exception:  # the outermost boundary of this task
            logger.exception("An answer failed")
            error = EngineFailed("The engine failed.")
        self.link.note(ENDED, request.number, error and Sent(error))

    async def _send_pieces(self, request: Request) -> None:
        supervisor = self._supervisor(request.model)
        engine, piece_of = supervisor.engine, self.link.piece
        if request.sampling.grammar is not None and request.trial is not None:
            engine.tokenizer.remember(request.sampling.grammar, request.trial)
        async with aclosing(engine.generate(request.prompt, request.sampling, request.id)) as pieces:
            async for piece in pieces:
                piece_of(request.number, piece)

    def _supervisor(self, model: int) -> Supervisor:
        """Raises EngineDead while it is down."""
        supervisor = self._owner.supervisors[model]
        if supervisor.down is not None:
            raise EngineDead(supervisor.down)
        return supervisor

    async def _health(self, model: int) -> EngineState:
        """Raises EngineDead."""
        engine = self._supervisor(model).engine
        await engine.check_health()
        return EngineState(engine.running(), engine.degraded, dict(engine.details))

    def _refusal(self, model: int, sampling: Sampling) -> Awaitable[tuple[str, str] | None]:
        return self._owner.supervisors[model].engine.refusal(sampling)

    async def _store(self, method: str, *args: Any) -> Any:
        """Raises StoreUnavailable."""
        return await asyncio.to_thread(getattr(self._owner.store, method), *args)
