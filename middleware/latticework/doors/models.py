"""`GET /v1/models`, `/health` and `/metrics`: the models, and the state of the server."""

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
from latticework.settings import Settings, public_settings
from latticework.version import VERSION


class ModelCard(msgspec.Struct, frozen=True):
    """A name of a model."""

    id: str
    created: int
    owned_by: str
    max_model_len: int
    object: Literal["model"] = "model"


class ModelList(msgspec.Struct, frozen=True):
    """All models, under each of their names."""

    data: tuple[ModelCard, ...]
    object: Literal["list"] = "list"


class Health(msgspec.Struct, frozen=True):
    """`running`: the number of running answers by model. `counters`: counts that should be zero or close to it.

    `settings` are the public settings, by their names in a configuration file. `status` is "degraded" if some models
    are down; if all are, the response is an error.
    """

    models: Mapping[str, ModelState]
    running: dict[str, int]
    counters: dict[str, int]
    settings: dict[str, Any]
    status: Literal["ok", "degraded"]
    version: str = VERSION


def _cards(models: Models) -> tuple[ModelCard, ...]:
    """Every model, under each of its names."""
    return tuple(
        ModelCard(name, model.created, "latticework", model.engine.max_model_len)
        for model in models.all
        for name in model.names
    )


def _list_models(models: Models, settings: Settings) -> Endpoint:
    async def list_models(request: Request) -> Response:
        return await _listed(models, request)

    return list_models


async def _listed(models: Models, request: Request) -> Response:
    await models.load()
    return json_response(request, ModelList(_cards(models)))


def _get_model(models: Models, settings: Settings) -> Endpoint:
    async def get_model(request: Request) -> Response:
        name = request.path_params["name"]
        if not name:  # `/v1/models/`
            return await _listed(models, request)
        await models.find(name)
        return json_response(request, next(card for card in _cards(models) if card.id == name))

    return get_model


def _health(models: Models, settings: Settings) -> Endpoint:
    async def health(request: Request) -> Response:
        states = await models.health()
        running = {name: state.running for name, state in states.items()}
        status: Literal["ok", "degraded"] = (
            "degraded" if any(state.status == "down" for state in states.values()) else "ok"
        )
        return json_response(
            request, Health(states, running, models.metrics.warnings, public_settings(settings), status)
        )

    return health


def _metrics(models: Models, settings: Settings) -> Endpoint:
    async def metrics(request: Request) -> Response:
        return Response(await models.metrics_text(), media_type="text/plain; version=0.0.4")

    return metrics


DOORS = (
    Door(
        Operation(
            "get",
            "/v1/models",
            "The models.",
            {JSON: (ModelList,)},
            errors=(errors.Unauthorized, *FAULTS),
            guarded=True,
        ),
        _list_models,
    ),
    Door(
        Operation(
            "get",
            "/v1/models/{name}",
            "A model.",
            {JSON: (ModelCard,)},
            errors=(errors.Unauthorized, errors.UnknownModel, *FAULTS),
            guarded=True,
        ),
        _get_model,
    ),
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
