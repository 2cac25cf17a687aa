"""What goes wrong between here and a remote.

RemoteError
├── Unreachable    no answer, or none to its end; what was asked for may have been begun
│   └── Late       no answer in time
└── Refused        an answer, and it is an error: a status as HTTP has it, and what was said

Unfit              it answers, and must not be used as it is: told to whoever started it
"""

from __future__ import annotations

from http import HTTPStatus

from latticework.engines.base import EngineBusy, EngineDead, EngineError, EngineFailed, PromptRefused

# What another remote may well take.
BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
# The request's own fault. All other 4xx are the fault of whoever set the remote up: a key, a name, an address.
CLIENTS = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)


class RemoteError(Exception):
    """`elsewhere`: whether another remote may do better."""

    elsewhere = True


class Unreachable(RemoteError):
    """Nothing is there, or it has gone."""


class Late(Unreachable):
    """It may be there."""


class Refused(RemoteError):
    """It said no."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"{status}: {said}")
        self.status = status
        self.said = said

    @property
    def elsewhere(self) -> bool:  # type: ignore[override]
        return self.status in BUSY or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class Unfit(Exception):
    """The message says why, and what to start it with."""


def as_engine_error(error: RemoteError) -> EngineError:
    """What the layer above gets to know: nothing of addresses, and what a remote said only where it is about the
    request."""
    if not isinstance(error, Refused):
        return EngineDead("The engine can't be reached, or has gone while it answered.")
    if error.status in CLIENTS:
        return PromptRefused(error.said)
    if error.status in BUSY:
        return EngineBusy("The engine has too much to do.")
    return EngineFailed("The engine failed at this request.")
