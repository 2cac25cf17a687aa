"""Short responses: one JSON value, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from latticework.telemetry.record import REQUEST_ID, request_id


def json_response(
    request: Request, value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`value` as JSON; bytes are JSON already."""
    content = value if isinstance(value, bytes) else msgspec.json.encode(value)
    named = {REQUEST_ID: request_id(request.scope), **(headers or {})}
    return Response(content, status, named, media_type="application/json")
