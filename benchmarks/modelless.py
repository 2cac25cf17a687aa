"""An engine without a model, for benchmarks that need none: subclasses provide the output."""

from __future__ import annotations

from latticework.engines.base import Sampling


class Modelless:
    """Always healthy, never busy, refuses nothing."""

    max_running = 2**16
    recovers = False
    learns_names = False
    degraded: tuple[str, ...] = ()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def check_health(self) -> None: ...

    def heartbeat(self) -> None: ...

    def running(self) -> int:
        return 0

    def metrics(self) -> bytes:
        return b""

    async def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        return None
