"""An engine without a model, for benchmarks that need none: subclasses provide the output."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from latticework.engines.base import Sampling


class Modelless:
    """Always healthy, never busy, refuses nothing."""

    max_running = 2**16
    recovers = False
    learns_names = False
    adapters = None
    degraded: tuple[str, ...] = ()
    details: Mapping[str, str] = MappingProxyType({})

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
