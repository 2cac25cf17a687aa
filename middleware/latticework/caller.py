"""Who asks: known to whatever runs for a request, so that what callers share is shared out fairly."""

from __future__ import annotations

from contextvars import ContextVar

# Tells callers apart, and no more. None: unknown, as on a server without API keys.
CURRENT_CALLER: ContextVar[bytes | None] = ContextVar("caller", default=None)
