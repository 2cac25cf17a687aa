"""The front ends as child processes: started, replaced when they end, and given the connections."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from latticework.compiling.child import import_path
from latticework.fronts.front_server import CLOSED, COUNTED, READY, STOPPING
from latticework.fronts.greeting import Greeting
from latticework.fronts.handover import handed
from latticework.fronts.link import LinkLost
from latticework.fronts.session import Owner, Session
from latticework.supervisor import Backoff

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "latticework.fronts.process")
# Seconds from the end of its link until a front end is killed: one that ends by itself has closed it a moment before.
EXIT_TIMEOUT = 1.0
# Seconds that a front end may take to say what it has counted; then what it said last counts.
COUNTS_TIMEOUT = 2.0
# Seconds beyond the drain timeout that a front end may take to end.
STOP_TIMEOUT = 10.0
# One that ran for `steady` is replaced at once.
REPLACING = Backoff(attempts=16, first=0.25, most=30.0, steady=10.0)

_order = itertools.count()


class FrontProcess:
    """One front end, from its start to its end.

    Attributes:
        is_ready: whether it takes connections.
        has_ended: set once its process is gone.
        counts: its metrics, as it last sent them.
    """

    def __init__(self, owner: Owner, greeting: Greeting) -> None:
        self._hello = greeting
        self.session = Session(
            owner,
            {READY: self._ready, STOPPING: self._stopping, CLOSED: self._close_one, COUNTED: self._count},
            self._lost,
        )
        self.is_ready = False
        self.settled = asyncio.Event()  # once it is ready, or has ended
        self.has_ended = asyncio.Event()
        self.counts = b""
        self._open = 0
        self._handed = 0
        self._started = time.monotonic()

    async def start(self) -> None:
        """Raises OSError where no process can be started."""
        ends, channels = socket.socketpair(), socket.socketpair()
        with ends[1], channels[1]:
            descriptors = [ends[1].fileno(), channels[1].fileno()]
            self._process = await asyncio.create_subprocess_exec(
                *(*COMMAND, str(os.getpid()), *map(str, descriptors)),
                stdin=subprocess.DEVNULL,
                pass_fds=descriptors,
                env={**os.environ, "PYTHONPATH": import_path()},
            )
        for ours in (ends[0], channels[0]):
            ours.setblocking(False)
        self._channel = channels[0]
        self._reaping = asyncio.create_task(self._reap(), name="front end's exit")
        await self.session.link.connect(ends[0])
        self.session.link.note("greeting", self._hello)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def seconds(self) -> float:
        """Since its start."""
        return time.monotonic() - self._started

    @property
    def status(self) -> int | None:
        """Of its exit."""
        return self._process.returncode

    @property
    def load(self) -> tuple[int, int, int]:
        """By which the front end for a new connection is chosen."""
        return self._open, self.session.running, self._handed

    def take(self, connection: socket.socket) -> bool:
        """Whether it takes the connection."""
        try:
            if not handed(self._channel, connection):
                return False
        except OSError:
            return False
        self._open += 1
        self._handed = next(_order)
        return True

    async def current_counts(self) -> bytes:
        with suppress(TimeoutError, LinkLost):
            async with asyncio.timeout(COUNTS_TIMEOUT):
                self.counts = await self.session.link.call("metrics")
        return self.counts

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    def _ready(self) -> None:
        self.is_ready = True
        self.settled.set()

    def _stopping(self) -> None:
        self.is_ready = False

    def _close_one(self) -> None:
        self._open -= 1

    def _count(self, counts: bytes) -> None:
        self.counts = counts

    def _lost(self) -> None:
        """Without its link, it is of no use."""
        self.is_ready = False
        asyncio.get_running_loop().call_later(EXIT_TIMEOUT, self.kill)

    async def _reap(self) -> None:
        await self._process.wait()
        self.is_ready = False
        self._channel.close()
        self.has_ended.set()
        self.settled.set()


class FrontProcesses:
    """All front ends of a server."""

    def __init__(self, owner: Owner, greeting: Greeting, ended: Callable[[FrontProcess], object]) -> None:
        """`ended` is called for each front end that is gone."""
        self._owner = owner
        self._hello = greeting
        self._ended = ended
        self._fronts: list[FrontProcess] = []
        self._keepers: list[asyncio.Task[None]] = []
        self.restarts = 0

    @property
    def all(self) -> Sequence[FrontProcess]:
        return tuple(self._fronts)

    @property
    def running(self) -> int:
        return sum(front.is_ready for front in self._fronts)

    async def start(self) -> bool:
        """Whether all are ready. If one fails, all are killed."""
        first = [await self._started() for _ in range(self._hello.settings.api_servers)]
        for front in first:
            await front.settled.wait()
        if not all(front.is_ready for front in first):
            await self.kill()
            return False
        self._keepers = [asyncio.create_task(self._keep(front), name="front end") for front in first]
        return True

    async def _started(self) -> FrontProcess:
        front = FrontProcess(self._owner, self._hello)
        await front.start()
        self._fronts.append(front)
        return front

    async def _keep(self, front: FrontProcess) -> None:
        """Replaces a front end that ends, again and again."""
        failed = 0
        while True:
            await front.has_ended.wait()
            self._fronts.remove(front)
            self._ended(front)
            failed = 0 if front.seconds >= REPLACING.steady else min(failed + 1, REPLACING.attempts - 1)
            delay = (REPLACING.delay(failed - 1) or 0.0) if failed else 0.0
            logger.error("Front end %d has ended (%s); replacing it in %g s", front.pid, _ending(front), delay)
            await asyncio.sleep(delay)
            self.restarts += 1
            before, front = front, await self._started()
            await front.settled.wait()
            if front.is_ready:
                logger.warning("Front end %d has replaced %d", front.pid, before.pid)

    def take(self, connection: socket.socket) -> bool:
        """Hands it to the front end with the fewest. False where none takes it for now."""
        ready = sorted((front for front in self._fronts if front.is_ready), key=lambda front: front.load)
        return any(front.take(connection) for front in ready)

    def tell(self, note: str) -> None:
        for front in self._fronts:
            front.session.link.note(note)

    async def stop(self) -> None:
        """Drains all, and returns once they have ended. None is replaced any more."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self.tell("drain")
        for front in self.all:
            if not front.settled.is_set():
                front.kill()
        # They cut what still runs at the drain timeout; one that does not is stopped itself.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._hello.settings.drain_timeout + STOP_TIMEOUT):
                await self._all_ended()
        await self.kill()

    async def _all_ended(self) -> None:
        await asyncio.gather(*(front.has_ended.wait() for front in self.all))

    async def kill(self) -> None:
        for front in self.all:
            front.kill()
        await self._all_ended()


def _ending(front: FrontProcess) -> str:
    status = front.status or 0
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
