"""What a client is told where its request was not compiled."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from latticework.compiling.child import Broken, Busy, Crashed, Died, Late, OutOfMemory, WorkerError
from latticework.errors import ApiError, BadRequest, ServerFault, Unavailable
from latticework.settings import Settings

logger = logging.getLogger(__name__)

MEND = "Fewer alternatives, counts and patterns within each other compile sooner."
FAILURES: Mapping[type[WorkerError], tuple[type[ApiError], str, str]] = {
    Late: (
        BadRequest,
        "compile_timeout",
        f"The request took longer than {{seconds:g}} s to compile (compile_timeout). {MEND}",
    ),
    OutOfMemory: (
        BadRequest,
        "compile_memory",
        f"The request took more than {{bytes}} bytes of memory to compile (compile_memory). {MEND}",
    ),
    Crashed: (BadRequest, "compile_crash", f"The request is nested too deeply to be compiled. {MEND}"),
    Died: (Unavailable, "compile_failed", "The process that compiled the request died. Try again."),
    Busy: (Unavailable, "compile_busy", "Too many requests are being compiled. Try again."),
    Broken: (ServerFault, "internal_error", "The server failed to compile the request."),
}


def explained(error: WorkerError, settings: Settings) -> ApiError:
    """A mistake of the caller's names the setting that it ran into."""
    if isinstance(error, Died | Broken):
        logger.error("A request was not compiled: %s: %s", type(error).__name__, error)
    kind, code, message = FAILURES[type(error)]
    return kind(message.format(seconds=settings.compile_timeout, bytes=settings.compile_memory), code=code)
