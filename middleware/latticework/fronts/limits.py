"""What all front ends have used of the server's limits: the owner keeps the account, so that there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from latticework.concurrency import ConcurrencyLimit
from latticework.http.quota import Quotas

# What a front end names when it takes something.
ANSWERS, REQUEST = "answers", "request"


class SharedLimits:
    """The limits of a server."""

    def __init__(self, answers: Mapping[str, ConcurrencyLimit], quotas: Quotas) -> None:
        """`answers`: of each model, by its first name."""
        self._limits: Mapping[str, Callable[..., AbstractContextManager[None]]] = {
            ANSWERS: lambda model, number: answers[model].acquire(number),
            REQUEST: quotas.acquire,
        }

    def limit(self, name: str, *args: Any) -> AbstractContextManager[None]:
        return self._limits[name](*args)


class Account:
    """What one front end holds. What a front end that has ended still held is given back."""

    def __init__(self, limits: SharedLimits) -> None:
        self._limits = limits
        self._held: dict[int, AbstractContextManager[None]] = {}

    def take(self, ticket: int, name: str, *args: Any) -> None:
        """Raises Overloaded, RateLimited and BadRequest, as the limit does; then nothing is held."""
        block = self._limits.limit(name, *args)
        block.__enter__()
        self._held[ticket] = block

    def give_back(self, ticket: int) -> None:
        """Nothing where the ticket was refused."""
        block = self._held.pop(ticket, None)
        if block is not None:
            block.__exit__(None, None, None)

    def close(self) -> None:
        for ticket in tuple(self._held):
            self.give_back(ticket)
