"""latticework: a Starlette layer that speaks the OpenAI chat API and drives an engine by one grammar per turn.

What is exported is imported when it is first asked for: the command line and the engine's processes, which import this
package too, do without Starlette and pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from middleware.version import VERSION as __version__

__all__ = [
    "Part",
    "Served",
    "Settings",
    "Truncated",
    "__version__",
    "blocking",
    "complete",
    "create_app",
    "lifespan",
    "response_format",
    "stream",
]

_HOMES = {
    "Part": "middleware.asking.values",
    "Served": "middleware.served",
    "Settings": "middleware.settings",
    "Truncated": "middleware.asking.values",
    "blocking": "middleware.asking.blocking",
    "complete": "middleware.asking.values",
    "create_app": "middleware.app",
    "lifespan": "middleware.app",
    "response_format": "middleware.asking.output",
    "stream": "middleware.asking.values",
}

if TYPE_CHECKING:
    from middleware.app import create_app, lifespan
    from middleware.asking.blocking import blocking
    from middleware.asking.output import response_format
    from middleware.asking.values import Part, Truncated, complete, stream
    from middleware.served import Served
    from middleware.settings import Settings
else:  # unseen by type checkers, which would let every name through

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
