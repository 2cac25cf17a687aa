"""`GET /health` and `/metrics`: the state of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from latticework import errors
from latticework.doors import FAULTS, JSON, TEXT, Door, Endpoint, Operation
from latticework.http.endpoint import json_response
from latticework.model import ModelState
from latticework.models import Models
from latticework.peers import FrontEnds
from latticework.settings import Settings, public_settings
from latticework.version import VERSION


class Health(msgspec.Struct, frozen=True):
    """`running`: the number of running answers by model. `counters`: counts that should be zero or close to it.

    `settings` are the public settings, by their names in a configuration file. `status` is "degraded" if some models
    are down; if all are, the response is an error. `front_ends` is there if --api-servers is more than 1.
    """

    models: Mapping[str, ModelState]
    running: dict[str, int]
    counters: Mapping[str, int]
    settings: dict[str, Any]
    status: Literal["ok", "degraded"]
    version: str = VERSION
    front_ends: FrontEnds | msgspec.UnsetType = msgspec.UNSET


def _health(models: Models, settings: Settings) -> Endpoint:
    async def health(request: Request) -> Response:
        states = await models.health()
        running = {name: state.running for name, state in states.items()}
        status: Literal["ok", "degraded"] = (
            "degraded" if any(state.status == "down" for state in states.values()) else "ok"
        )
        front_ends = msgspec.UNSET if models.peers is None else await models.peers.front_ends()
        counters = await models.warnings()
        return json_response(
            request,
            Health(states, running, counters, public_settings(settings), status, front_ends=front_ends),
        )

    return health


def _metrics(models: Models, settings: Settings) -> Endpoint:
    async def metrics(request: Request) -> Response:
        return Response(await models.metrics_text(), media_type="text/plain; version=0.0.4")

    return metrics


DOORS = (
    Door(Operation("get", "/health", "Whether requests can be served.", {JSON: (Health,)}, errors=FAULTS), _health),
    Door(
        Operation(
            "get",
            "/metrics",
            "The metrics of engines and server, for Prometheus.",
            {TEXT: (str,)},
            errors=(errors.ServerFault,),
        ),
        _metrics,
    ),
)
