"""What a front end has in common with the others: the owner keeps it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from latticework.doors.responses.store import Item, ResponseStore, StoredResponse
from latticework.errors import StoreUnavailable
from latticework.fronts.engine import OWNER_GONE
from latticework.fronts.limits import ANSWERS, REQUEST
from latticework.fronts.link import Link, LinkLost
from latticework.peers import FrontEnds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class FrontPeers:
    """`Peers`, by way of the owner."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._tickets = itertools.count()

    def answering(self, model: str, answers: int) -> AbstractAsyncContextManager[None]:
        return self._held(ANSWERS, model, answers)

    def requesting(self, caller: bytes) -> AbstractAsyncContextManager[None]:
        return self._held(REQUEST, caller)

    @asynccontextmanager
    async def _held(self, name: str, *args: Any) -> AsyncIterator[None]:
        ticket = next(self._tickets)
        try:
            await self._link.call("take", ticket, name, *args)
            yield
        finally:
            # Also where the wait for it was cancelled: the owner hears it after the call.
            self._link.note("give_back", ticket)

    async def metrics(self) -> bytes:
        return bytes(await self._link.call("total"))

    async def counts(self) -> bytes:
        return bytes(await self._link.call("counts"))

    async def front_ends(self) -> FrontEnds:
        known: FrontEnds = await self._link.call("front_ends")
        return known


class SharedStore(ResponseStore):
    """The owner's store of responses. As its own methods, these are called in threads, and wait."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _ask(self, method: str, *args: Any) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(self._link.call("store", method, *args), self._link.loop).result()
        except LinkLost:
            raise StoreUnavailable(f"The store of responses failed: {OWNER_GONE}") from None

    def save(self, owner: bytes, stored: StoredResponse) -> None:
        self._ask("save", owner, stored)

    def get(self, owner: bytes, response_id: str) -> StoredResponse | None:
        found: StoredResponse | None = self._ask("get", owner, response_id)
        return found

    def chain(self, owner: bytes, response_id: str) -> list[StoredResponse] | None:
        found: list[StoredResponse] | None = self._ask("chain", owner, response_id)
        return found

    def delete(self, owner: bytes, response_id: str) -> bool:
        return bool(self._ask("delete", owner, response_id))

    def items(self, owner: bytes, ids: Sequence[str]) -> Mapping[str, Item]:
        found: Mapping[str, Item] = self._ask("items", owner, list(ids))
        return found
