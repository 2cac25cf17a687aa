"""One remote: whether it can be used, its load, and the metrics of all remotes."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from latticework.engines.remote.card import Requirements
from latticework.engines.remote.client import Client
from latticework.engines.remote.endpoints import RemoteOutput, RemoteRequest
from latticework.engines.remote.errors import Incompatible, RemoteError, RemoteTimedOut, Unreachable
from latticework.engines.remote.probe import RemoteInfo, probe
from latticework.engines.remote.stream import OutputStream, begin_stream

logger = logging.getLogger(__name__)

# Seconds between two checks, and between two probes of a remote that is up but incompatible.
CHECK_INTERVAL = 1.0
PROBE_INTERVAL = 30.0
# Seconds that /health and /metrics may take.
CHECK_TIMEOUT = 5.0
# Checks in a row that may time out: a busy remote responds late, a dead one never.
MOST_TIMEOUTS = 3
# The requests of all its clients.
VLLM_REQUESTS = re.compile(rb"^vllm:num_requests_(?:running|waiting)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


class Remote:
    """`info` is the result of its probe while it can be used, else None; `reason` then has the reason.

    `running` counts this engine's answers, `others` those of other clients at the last check.
    """

    def __init__(self, client: Client, number: int, *, alone: bool = False) -> None:
        """`alone`: there is no other remote, so that its load does not matter."""
        self.client = client
        self.number = number
        self._alone = alone
        self.info: RemoteInfo | None = None
        self.incompatible = False
        self.reason = ""
        self.running = 0
        self.others = 0
        self._timeouts = 0

    @property
    def load(self) -> int:
        return self.running + self.others

    async def check(self, required: Requirements) -> None:
        """Finds out whether it can be used, and its load. A remote that was down is probed again: it may have been
        replaced."""
        try:
            if self.info is None:
                self._use(await probe(self.client, required))
            await self._check_load()
            self._timeouts = 0
        except RemoteTimedOut as error:
            self._timeouts += 1
            if self.info is None or self._timeouts >= MOST_TIMEOUTS:
                self.leave(str(error))
        except RemoteError as error:
            self.leave(str(error))
        except Incompatible as error:
            self.leave(str(error), incompatible=True)

    async def _check_load(self) -> None:
        await self.client.get("/health", CHECK_TIMEOUT)
        if self._alone:
            return
        ours = self.running
        try:
            metrics = await self.client.get("/metrics", CHECK_TIMEOUT)
        except RemoteError:  # its operator may not expose them
            return
        self.others = max(0, int(sum(map(float, VLLM_REQUESTS.findall(metrics)))) - ours)

    def _use(self, info: RemoteInfo) -> None:
        self.info, self.incompatible, self.reason = info, False, ""
        logger.info("%s is used: %s, %d tokens of context", self.client.address, info.endpoint.path, info.max_model_len)

    def leave(self, reason: str, *, incompatible: bool = False) -> None:
        """It is not used until a check succeeds."""
        if self.info is not None or reason != self.reason:
            level = logging.ERROR if incompatible else logging.WARNING
            logger.log(level, "%s is not used: %s", self.client.address, reason)
        self.info, self.incompatible, self.reason, self.others = None, incompatible, reason, 0

    async def begin(self, request: RemoteRequest) -> RemoteAnswer:
        """Returns once the answer's first output has arrived. Raises RemoteError."""
        info = self.info
        if info is None:
            raise Unreachable("it has just been lost")
        self.running += 1
        try:
            stream = await begin_stream(self.client, info.endpoint, replace(request, defaults=info.defaults))
        except BaseException as error:
            self.running -= 1
            if isinstance(error, Unreachable):
                self.leave(str(error))
            raise
        answer = RemoteAnswer(self, stream)
        try:
            answer.first = await stream.output()
        except BaseException:
            answer.close()
            raise
        return answer


class RemoteAnswer:
    """An answer that has begun: `first` is its first output."""

    first: RemoteOutput

    def __init__(self, remote: Remote, stream: OutputStream) -> None:
        self._remote: Remote | None = remote
        self._stream = stream
        self.next = stream.output

    def close(self) -> None:
        """Aborts it, unless it has ended."""
        if self._remote is not None:
            self._remote.running -= 1
            self._remote = None
            self._stream.close()


async def keep_checking(remote: Remote, required: Requirements, sleep: Callable[[float], Awaitable[object]]) -> None:
    """For ever."""
    while True:
        await sleep(PROBE_INTERVAL if remote.incompatible else CHECK_INTERVAL)
        try:
            await remote.check(required)
        except Exception:  # the outermost boundary of a task of its own
            logger.exception("%s: the check failed", remote.client.address)


class RemoteMetrics:
    """Of one engine. A remote is labelled by its place among the --engine options: metrics don't expose addresses."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._up = Gauge(
            "latticework_remote_up", "Whether a remote is used (1) or not (0).", ["remote"], registry=registry
        )
        self._running = Gauge(
            "latticework_remote_answers",
            "Answers that a remote is generating for this server.",
            ["remote"],
            registry=registry,
        )
        self.begun = Counter(
            "latticework_remote_begun", "Answers that a remote has begun.", ["remote"], registry=registry
        )
        self.failed = Counter(
            "latticework_remote_failures",
            "Answers that a remote failed to begin or to complete.",
            ["remote"],
            registry=registry,
        )
        self.retries = Counter(
            "latticework_remote_retries", "Answers begun again on another remote after a failure.", registry=registry
        )

    def text(self, remotes: Sequence[Remote]) -> bytes:
        """In Prometheus' text format."""
        for remote in remotes:
            self._up.labels(remote.number).set(remote.info is not None)
            self._running.labels(remote.number).set(remote.running)
        return bytes(generate_latest(self._registry))
