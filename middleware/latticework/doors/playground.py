"""`GET /playground`: a page to try schemas and tools on. It is one file, and connects only to this server."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from latticework.doors import HTML, Door, Endpoint, Operation
from latticework.errors import UnknownRoute
from latticework.models import Models
from latticework.settings import Settings

STYLE = re.compile("<style>(.*?)</style>", re.DOTALL)
SCRIPT = re.compile("<script>(.*?)</script>", re.DOTALL)


def _serve_page(models: Models, settings: Settings) -> Endpoint:
    """The page is read once."""
    page = files("latticework").joinpath("playground.html").read_bytes()
    headers = {
        "content-security-policy": policy(page.decode()),
        "cache-control": "no-cache",  # each version of the server has its own page
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }

    async def playground(request: Request) -> Response:
        return Response(page, media_type="text/html", headers=headers)

    return playground


def policy(page: str) -> str:
    """The Content-Security-Policy: only the page's own style and script, and requests to this server."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hashes(SCRIPT.findall(page))}",
            f"style-src {_hashes(STYLE.findall(page))}",
            "img-src data:",  # its icon
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _hashes(texts: Iterable[str]) -> str:
    digests = (b64encode(sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


DOOR = Door(
    Operation(
        "get",
        "/playground",
        "A page to try schemas and tools on.",
        {HTML: (str,)},
        errors=(UnknownRoute,),
    ),
    _serve_page,
)
