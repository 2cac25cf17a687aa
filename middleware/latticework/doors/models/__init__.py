"""`GET /v1/models`, `/health`, `/metrics` and `/`: the models, and the state of the server.

The models are in OpenAI's form (`cards.py`), or in Anthropic's (`infos.py`), which its clients select by a header.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from latticework import errors
from latticework.doors import FAULTS, JSON, Door, Endpoint, Operation
from latticework.doors.envelopes import ANTHROPIC_VERSION
from latticework.doors.models import adapters, cards, health, hello, infos
from latticework.models import Models
from latticework.settings import Settings


def _list_models(models: Models, settings: Settings) -> Endpoint:
    async def list_models(request: Request) -> Response:
        return await _listed(models, request)

    return list_models


async def _listed(models: Models, request: Request) -> Response:
    await models.load()
    respond = infos.respond_list if infos.selected(request) else cards.respond_list
    return _by_header(respond(request, models))


def _get_model(models: Models, settings: Settings) -> Endpoint:
    async def get_model(request: Request) -> Response:
        name = request.path_params["name"]
        if not name:  # `/v1/models/`
            return await _listed(models, request)
        model = await models.find(name)
        respond = infos.respond_one if infos.selected(request) else cards.respond_one
        return _by_header(respond(request, name, model))

    return get_model


def _by_header(response: Response) -> Response:
    """Caches must not mix up the two forms."""
    response.headers["vary"] = ANTHROPIC_VERSION
    return response


DOORS = (
    Door(
        Operation(
            "get",
            "/v1/models",
            "The models.",
            {JSON: (cards.ModelList, infos.ModelInfoList)},
            parameters=(infos.HEADER, *infos.PARAMETERS),
            errors=(errors.Unauthorized, errors.BadRequest, *FAULTS),
            guarded=True,
        ),
        _list_models,
    ),
    Door(
        Operation(
            "get",
            "/v1/models/{name}",
            "A model.",
            {JSON: (cards.ModelCard, infos.ModelInfo)},
            parameters=(infos.HEADER,),
            errors=(errors.Unauthorized, errors.UnknownModel, *FAULTS),
            guarded=True,
        ),
        _get_model,
    ),
    *adapters.DOORS,
    *health.DOORS,
    *hello.DOORS,
)
