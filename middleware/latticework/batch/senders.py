"""Where a batch's requests go: to a server, or to an app in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.types import ASGIApp

from latticework.inprocess import asked

OK = 200


@dataclass(frozen=True)
class HttpReply:
    """A response of any status. The names of `headers` are matched in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Lost:
    """No response, or an incomplete one."""

    message: str


Outcome = HttpReply | Lost


class Sender(Protocol):
    """Sends one request, any number at a time."""

    async def send(self, method: str, path: str, body: bytes | None = None) -> Outcome: ...


class AppSender:
    """Sends requests to an app in this process, which is running."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def send(self, method: str, path: str, body: bytes | None = None) -> Outcome:
        async with asked(self._app, method, path, body or b"") as response:
            return HttpReply(response.status, response.headers, await response.read())
