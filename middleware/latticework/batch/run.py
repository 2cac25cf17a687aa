"""A running batch: some requests at a time, some of them again, until all are answered or it is stopped."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from latticework.batch.requests import BatchRequest
from latticework.batch.results import OutputFile, line_of
from latticework.batch.senders import HttpReply, Lost, Outcome, Sender
from latticework.batch.tally import BatchTally, cause_of

# Statuses of failures that pass: limits of the caller's rate, and a server or a proxy that is overloaded or restarting.
PASSING = (429, 502, 503, 504)
# Every other request would fail as well.
SAME_FOR_ALL = (401, 403)
# Seconds that a server may ask to wait, and seconds of the longest wait otherwise.
MOST_SECONDS, LONGEST_PAUSE = 600.0, 30.0
# Seconds that running requests have once the batch is stopped.
GRACE_SECONDS = 30.0
MODELS = "/v1/models"


class CannotGoOn(Exception):
    """No request of the batch can be answered now; the message has the reason."""


def pause(outcome: Outcome, tried: int) -> float | None:
    """Seconds until the next try after `tried` of them; None where another one can't help."""
    longer = min(2.0 ** min(tried - 1, 10), LONGEST_PAUSE) * random.uniform(0.5, 1)
    if isinstance(outcome, Lost):
        return longer
    if outcome.status not in PASSING or outcome.headers.get("x-should-retry") == "false":
        return None
    wanted = outcome.headers.get("retry-after", "")
    return min(float(wanted), MOST_SECONDS) if wanted.isdecimal() else longer


def _refuse_hopeless(reply: HttpReply) -> None:
    """Raises CannotGoOn."""
    if reply.status in SAME_FOR_ALL:
        raise CannotGoOn(f"the server refuses the API key: {cause_of(reply)}")


@dataclass
class Batch:
    """One run, on one event loop.

    Attributes:
        left: the requests that are not begun yet.
        concurrency: how many requests run at a time.
        tries: how many times a request is sent at most.
        ended: called after each answer.
    """

    sender: Sender
    output: OutputFile
    left: Iterator[BatchRequest]
    concurrency: int
    tries: int
    ended: Callable[[], object] = lambda: None
    tally: BatchTally = field(default_factory=BatchTally)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _workers: list[asyncio.Task[None]] = field(default_factory=list)

    async def run(self) -> None:
        """Returns once all requests are answered, or the batch has stopped.

        Raises CannotGoOn, and the OSErrors of both files; running requests are dropped then.
        """
        await self._check_server()
        try:
            async with asyncio.TaskGroup() as group:
                self._workers += [group.create_task(self._work()) for _ in range(self.concurrency)]
        except* (CannotGoOn, OSError) as errors:
            raise errors.exceptions[0] from None

    def stop(self) -> None:
        """Begins no other request. Running ones may end; called again, or later, drops them."""
        if self._stopped.is_set():
            self._drop()
        else:
            self._stopped.set()
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._drop)

    def _drop(self) -> None:
        for worker in self._workers:
            worker.cancel()

    async def _check_server(self) -> None:
        """Raises CannotGoOn if it does not answer, or wants another key."""
        outcome = await self.sender.send("GET", MODELS)
        if isinstance(outcome, Lost):
            raise CannotGoOn(f"the server does not answer: {outcome.message}")
        _refuse_hopeless(outcome)

    async def _work(self) -> None:
        while not self._stopped.is_set() and (request := next(self.left, None)) is not None:
            outcome = await self._answered(request)
            if outcome is None:
                return
            self.output.append(line_of(request.custom_id, outcome))
            self.tally.add(outcome)
            self.ended()

    async def _answered(self, request: BatchRequest) -> Outcome | None:
        """The last outcome of a request; None if the batch was stopped between two tries."""
        for tried in itertools.count(1):
            outcome = await self.sender.send(request.method, request.url, bytes(request.body))
            seconds = pause(outcome, tried) if tried < self.tries else None
            if seconds is None:
                break
            self.tally.retries[cause_of(outcome) or ""] += 1
            if await self._stops_within(seconds):
                return None
        if isinstance(outcome, Lost):  # with this request alone, or with any?
            await self._check_server()
        else:
            _refuse_hopeless(outcome)
        return outcome

    async def _stops_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._stopped.wait()
        except TimeoutError:
            return False
