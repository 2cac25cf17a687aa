"""Bearer keys."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from middleware.errors import Unauthorized


class BearerAuth:
    """Lets a request through that carries one of the keys. Wrap it around what needs protection."""

    def __init__(self, app: ASGIApp, keys: Iterable[str]) -> None:
        self._app = app
        self._digests = [_digest(key) for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._admits(Headers(scope=scope).get("authorization", "")):
            raise Unauthorized("Incorrect API key provided. Send it as 'Authorization: Bearer KEY'.")
        await self._app(scope, receive, send)

    def _admits(self, authorization: str) -> bool:
        scheme, _, key = authorization.partition(" ")
        given = _digest(key.strip())
        # All keys are compared, whichever matches, and by digest: the time tells nothing of a key.
        matches = [hmac.compare_digest(given, digest) for digest in self._digests]
        return scheme.lower() == "bearer" and any(matches)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
