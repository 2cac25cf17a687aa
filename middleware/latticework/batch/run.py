"""A running batch: some requests at a time, some of them again, until all are answered or it is stopped."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from latticework.batch.requests import BatchRequest
from latticework.batch.results import OutputFile, line_of
from latticework.batch.senders import HttpReply, Lost, Outcome, Sender
from latticework.batch.tally import BatchTally, cause_of

# Statuses of failures that pass: limits of the caller's rate, and a server or a proxy that is overloaded or restarting.
DOWN = (502, 503, 504)
PASSING = (429, *DOWN)
# Failures of one request, or of all: of a wrong key, or of an address without this API.
REFUSED = (401, 403)
DOUBTFUL = (*PASSING, *REFUSED, 404, 405)
# Seconds that a server may ask to wait, and seconds of the longest wait otherwise.
MOST_SECONDS, LONGEST_PAUSE = 600.0, 30.0
# Seconds that running requests have once the batch is stopped.
GRACE_SECONDS = 30.0
MODELS, HEALTH = "/v1/models", "/health"


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
        try:
            async with asyncio.TaskGroup() as group:
                self._workers.append(group.create_task(self._begin(group)))
        except* (CannotGoOn, OSError) as errors:
            raise errors.exceptions[0] from None

    async def _begin(self, group: asyncio.TaskGroup) -> None:
        await self._check_server(DOWN)
        self._workers += [group.create_task(self._work()) for _ in range(self.concurrency)]

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

    async def _check_server(self, failures: Collection[int]) -> None:
        """Raises CannotGoOn if it does not answer, refuses the key, or lists its models with one of these failures."""
        models = await self.sender.send("GET", MODELS)
        if isinstance(models, Lost):
            raise CannotGoOn(f"the server does not answer: {models.message}")
        if models.status in REFUSED:
            raise CannotGoOn(f"the server refuses the API key: {cause_of(models)}")
        if models.status in failures:
            raise CannotGoOn(f"the server fails for {MODELS} too: {cause_of(models)}")
        # Where an engine has died, the models are listed all the same. Not every server has this path.
        health = await self.sender.send("GET", HEALTH)
        if isinstance(health, HttpReply) and health.status in DOWN:
            raise CannotGoOn(f"the server is not healthy: {cause_of(health)}")

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
            await self._check_server(DOWN)
        elif outcome.status in DOUBTFUL:
            await self._check_server((*DOWN, outcome.status))
        return outcome

    async def _stops_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._stopped.wait()
        except TimeoutError:
            return False
