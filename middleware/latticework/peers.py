"""What the processes that serve one app together have in common: limits, counts, and what they keep for clients."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Protocol

from msgspec import Struct


class FrontEnds(Struct, frozen=True):
    """The front-end processes of a server: how many are to run, how many do, and how often one was replaced."""

    configured: int
    running: int
    restarts: int


class Peers(Protocol):
    """The other processes, as one of them sees them."""

    def answering(self, model: str, answers: int) -> AbstractAsyncContextManager[None]:
        """Counts answers of a model for the block. Raises Overloaded and BadRequest."""

    def requesting(self, caller: bytes) -> AbstractAsyncContextManager[None]:
        """Counts a request of a caller for the block. Raises RateLimited."""

    async def metrics(self) -> bytes:
        """Of all processes together and of the engines, in Prometheus' text format."""

    async def counts(self) -> bytes:
        """The same without the engines' own."""

    async def front_ends(self) -> FrontEnds: ...


class Held:
    """A block of a limit that this process has for itself: it waits for nothing."""

    def __init__(self, block: AbstractContextManager[None]) -> None:
        self._block = block

    async def __aenter__(self) -> None:
        self._block.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.__exit__(kind, error, trace)
