"""`GET /` and `/api/hello`: whether anybody is there. Coding agents open their connection by a HEAD to one of them."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from latticework import errors
from latticework.doors import JSON, Door, Endpoint, Operation
from latticework.http.endpoint import json_response
from latticework.models import Models
from latticework.settings import Settings

PATHS = ("/", "/api/hello")


class Hello(msgspec.Struct, frozen=True):
    """The server can be reached. Whether its models run is in `/health`."""

    message: Literal["hello"] = "hello"


def _hello(models: Models, settings: Settings) -> Endpoint:
    async def hello(request: Request) -> Response:
        return json_response(request, Hello())

    return hello


DOORS = tuple(
    Door(
        Operation("get", path, "Whether the server can be reached.", {JSON: (Hello,)}, errors=(errors.ServerFault,)),
        _hello,
    )
    for path in PATHS
)
