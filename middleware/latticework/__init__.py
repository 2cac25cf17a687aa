"""latticework: a Starlette app that serves OpenAI's APIs and constrains an engine by one grammar per turn.

The exports are imported on first use: the command line and the engine's processes, which import this package too,
don't need Starlette and pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from latticework.version import VERSION as __version__

__all__ = [
    "Part",
    "Quote",
    "Refused",
    "Served",
    "Settings",
    "Truncated",
    "__version__",
    "answer",
    "blocking",
    "complete",
    "create_app",
    "lifespan",
    "response_format",
    "stream",
]

_HOMES = {
    "Part": "latticework.inprocess.values",
    "Quote": "latticework.inprocess.output",
    "Refused": "latticework.inprocess.values",
    "Served": "latticework.served",
    "Settings": "latticework.settings",
    "Truncated": "latticework.inprocess.values",
    "answer": "latticework.inprocess.values",
    "blocking": "latticework.inprocess.blocking",
    "complete": "latticework.inprocess.values",
    "create_app": "latticework.app",
    "lifespan": "latticework.app",
    "response_format": "latticework.inprocess.output",
    "stream": "latticework.inprocess.values",
}

if TYPE_CHECKING:
    from latticework.app import create_app, lifespan
    from latticework.inprocess.blocking import blocking
    from latticework.inprocess.output import Quote, response_format
    from latticework.inprocess.values import Part, Refused, Truncated, answer, complete, stream
    from latticework.served import Served
    from latticework.settings import Settings
else:  # unseen by type checkers, which would let every name through

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
