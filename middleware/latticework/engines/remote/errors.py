"""Errors of remotes.

RemoteError
├── Unreachable    no response, or an incomplete one; the remote may have begun the work
│   └── RemoteTimedOut  no response in time
└── RemoteRefused        an error response: its HTTP status and message

Incompatible       the remote responds, but must not be used as it is; reported to the operator
"""

from __future__ import annotations

from http import HTTPStatus

from latticework.engines.base import EngineBusy, EngineDead, EngineError, EngineFailed, PromptRefused

# Another remote may accept the request.
BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
# The request's fault. All other 4xx are the operator's: a key, a name, an address.
BAD_REQUESTS = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)


class RemoteError(Exception):
    """`elsewhere`: whether another remote may succeed."""

    elsewhere = True


class Unreachable(RemoteError):
    """No connection, or a broken one."""


class RemoteTimedOut(Unreachable):
    """It may still be running."""


class RemoteRefused(RemoteError):
    """An error response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message

    @property
    def elsewhere(self) -> bool:  # type: ignore[override]
        return self.status in BUSY or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class Incompatible(Exception):
    """The message has the reason, and the option with which to start the remote."""


def as_engine_error(error: RemoteError) -> EngineError:
    """For the layer above, and so for clients: without addresses, and with the remote's message only if it is about
    the request."""
    if not isinstance(error, RemoteRefused):
        return EngineDead("The engine can't be reached, or was lost during the answer.")
    if error.status in BAD_REQUESTS:
        return PromptRefused(error.message)
    if error.status in BUSY:
        return EngineBusy("The engine is overloaded.")
    return EngineFailed("The engine failed at this request.")
