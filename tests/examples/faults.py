"""An app whose completions fail where, and as often as, a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send


class Cut(Exception):
    """What ends a connection in the middle of an answer: uvicorn closes it."""


@dataclass
class Faulty:
    """`faults`: by which of the requests they come, from 1 on. `holds`: the request from which on none is answered.

    Attributes:
        requests: how many have arrived.
        held: set when the first of them is held.
    """

    app: ASGIApp
    faults: Mapping[int, int | type[Cut]] = field(default_factory=dict)
    holds: int | None = None
    requests: int = 0
    held: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("/chat/completions"):
            await self.app(scope, receive, send)
            return
        self.requests += 1
        if self.holds is not None and self.requests >= self.holds:
            self.held.set()
            await gone(receive)
        elif (fault := self.faults.get(self.requests)) is not None:
            await fail(fault, send)
        else:
            await self.app(scope, receive, send)


async def fail(fault: int | type[Cut], send: Send) -> None:
    """A status that asks to come back at once, or half an answer."""
    status = fault if isinstance(fault, int) else 200
    body = json.dumps({"error": {"message": "Not now.", "type": "server_error", "param": None, "code": None}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (b"retry-after", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if not isinstance(fault, int):
        await send({"type": "http.response.body", "body": body[:9], "more_body": True})
        raise fault
    await send({"type": "http.response.body", "body": body})


async def gone(receive: Receive) -> None:
    """Waits until the client is."""
    while (await receive())["type"] != "http.disconnect":
        pass
