"""Cross-origin requests: pages of other origins that may call this server from a browser."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from latticework.http.endpoint import CHECKED, DESCRIBED, IGNORED, INCOMPLETE, REPEATED, SKIPPED
from latticework.http.figures import ATTEMPTS, SAVED
from latticework.http.record import ID_HEADERS
from latticework.settings import Settings

# A browser shows a page none of a response's headers but these and a few standard ones.
OURS = (CHECKED, IGNORED, SKIPPED, INCOMPLETE, DESCRIBED, REPEATED, ATTEMPTS, SAVED)
EXPOSED = (*ID_HEADERS, *OURS, "retry-after", "x-should-retry")


def for_origins(app: ASGIApp, settings: Settings) -> ASGIApp:
    """`app` with CORS headers on every response, that of an unexpected error too; unchanged if no origin is allowed.

    A preflight needs no key: browsers send none with it.
    """
    if not settings.allowed_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.allowed_origins,
        allow_methods=settings.allowed_methods,
        allow_headers=settings.allowed_headers,
        allow_credentials=settings.allow_credentials,
        expose_headers=EXPOSED,
    )
