"""One remote: whether it can be used, and what it is at."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from latticework.engines.remote.card import Expected
from latticework.engines.remote.client import Client
from latticework.engines.remote.endpoints import Asked, Output
from latticework.engines.remote.errors import Late, RemoteError, Unfit, Unreachable
from latticework.engines.remote.probe import Found, probe
from latticework.engines.remote.stream import Stream, begin

logger = logging.getLogger(__name__)

# Seconds between two looks, and between two probes of one that is up and must not be used as it is.
LOOK = 1.0
LOOK_AGAIN = 30.0
# Seconds that /health and /metrics may take.
ANSWERS = 5.0
# Looks in a row that may come too late: a busy remote answers late, a dead one never.
PATIENCE = 3
# What it is at, of all its clients.
AT_WORK = re.compile(rb"^vllm:num_requests_(?:running|waiting)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


class Remote:
    """`found` is what its probe found while it can be used, and else None; `why` then says why.

    `running` counts the answers that it is at for this engine, `others` those for everybody else, at the last look.
    """

    def __init__(self, client: Client, number: int, *, alone: bool = False) -> None:
        """`alone`: there is no choice to be made, and how busy it is need not be known."""
        self.client = client
        self.number = number
        self._alone = alone
        self.found: Found | None = None
        self.unfit = False
        self.why = ""
        self.running = 0
        self.others = 0
        self._late = 0

    @property
    def load(self) -> int:
        return self.running + self.others

    async def look(self, expected: Expected) -> None:
        """Finds out whether it can be used, and how busy it is. One that could not be used is probed from the start:
        it may be another than before."""
        try:
            if self.found is None:
                self._take(await probe(self.client, expected))
            await self._look()
            self._late = 0
        except Late as error:
            self._late += 1
            if self.found is None or self._late >= PATIENCE:
                self.leave(str(error))
        except RemoteError as error:
            self.leave(str(error))
        except Unfit as error:
            self.leave(str(error), unfit=True)

    async def _look(self) -> None:
        await self.client.get("/health", ANSWERS)
        if self._alone:
            return
        ours = self.running
        try:
            told = await self.client.get("/metrics", ANSWERS)
        except RemoteError:  # whoever set it up may not want it read
            return
        self.others = max(0, int(sum(map(float, AT_WORK.findall(told)))) - ours)

    def _take(self, found: Found) -> None:
        self.found, self.unfit, self.why = found, False, ""
        logger.info(
            "%s is used: %s, %d tokens of context", self.client.address, found.endpoint.path, found.max_model_len
        )

    def leave(self, why: str, *, unfit: bool = False) -> None:
        """It is not used until a look finds it well."""
        if self.found is not None or why != self.why:
            level = logging.ERROR if unfit else logging.WARNING
            logger.log(level, "%s is not used: %s", self.client.address, why)
        self.found, self.unfit, self.why, self.others = None, unfit, why, 0

    async def begin(self, asked: Asked) -> Answer:
        """Until the first of an answer has come. Raises RemoteError."""
        found = self.found
        if found is None:
            raise Unreachable("it has just gone")
        asked = replace(asked, defaults=found.defaults)
        self.running += 1
        try:
            stream = await begin(self.client, found.endpoint, asked)
        except BaseException as error:
            self.running -= 1
            if isinstance(error, Unreachable):
                self.leave(str(error))
            raise
        answer = Answer(self, stream)
        try:
            answer.first = await stream.output()
        except BaseException:
            answer.close()
            raise
        return answer


class Answer:
    """One that has begun: `first` is what came first."""

    first: Output

    def __init__(self, remote: Remote, stream: Stream) -> None:
        self._remote: Remote | None = remote
        self._stream = stream
        self.next = stream.output

    def close(self) -> None:
        """Ends it, wherever it is."""
        if self._remote is not None:
            self._remote.running -= 1
            self._remote = None
            self._stream.close()


async def looked_after(remote: Remote, expected: Expected, sleep: Callable[[float], Awaitable[object]]) -> None:
    """Looks at it for ever."""
    while True:
        await sleep(LOOK_AGAIN if remote.unfit else LOOK)
        try:
            await remote.look(expected)
        except Exception:  # the outermost boundary of a task of its own
            logger.exception("%s: it could not be looked at", remote.client.address)
