"""Bearer keys."""

from __future__ import annotations

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from latticework.errors import Unauthorized
from latticework.http.keys import Keys, digest

# Where a request's scope says whose it is: the digest of its key.
CALLER = "latticework.caller"


class BearerAuth:
    """Lets a request through that carries one of the keys. Wrap it around what needs protection."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            caller = self._caller(Headers(scope=scope).get("authorization", ""))
            if caller is None:
                raise Unauthorized("Incorrect API key provided. Send it as 'Authorization: Bearer KEY'.")
            scope[CALLER] = caller
        await self._app(scope, receive, send)

    def _caller(self, authorization: str) -> bytes | None:
        scheme, _, key = authorization.partition(" ")
        given = digest(key.strip().encode("latin-1"))  # as its bytes were: a header is read as Latin-1
        # All keys are compared, whichever matches, and by digest: the time tells nothing of a key.
        matches = [known for known in self._keys.digests() if hmac.compare_digest(given, known)]
        return matches[0] if matches and scheme.lower() == "bearer" else None
