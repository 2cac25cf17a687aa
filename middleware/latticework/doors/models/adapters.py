"""`POST /v1/load_lora_adapter` and `/v1/unload_lora_adapter`, vLLM's: adapters as further names of a model."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import Field, StrictBool, StrictStr
from starlette.requests import Request
from starlette.responses import Response

from latticework.doors import FAULTS, REFUSALS, TEXT, Door, Endpoint, Operation
from latticework.doors.common.objects import ApiObject
from latticework.doors.common.validation import parse_as
from latticework.engines.base import Adapter, AdapterRefused, Adapters
from latticework.errors import BadRequest, UnknownModel, UnknownRoute
from latticework.http import body
from latticework.model import Model
from latticework.models import Models
from latticework.settings import Settings

# vLLM's variable.
ALLOWED = "VLLM_ALLOW_RUNTIME_LORA_UPDATING"
NOT_ALLOWED = f"Adapters can't be changed while the server runs: start it with the variable {ALLOWED}=1."
SEVERAL = "Adapters can't be changed while several processes serve the API: start with --api-servers 1."
NONE_TAKEN = "The model '{}' takes no adapters: start it with --enable-lora."


class LoadAdapterRequest(ApiObject):
    """The body of `POST /v1/load_lora_adapter`."""

    lora_name: StrictStr = Field(min_length=1)
    lora_path: StrictStr = Field(min_length=1)
    load_inplace: StrictBool | None = None
    is_3d_lora_weight: StrictBool | None = None
    # Extension, for a server of several models.
    model: StrictStr | None = None


class UnloadAdapterRequest(ApiObject):
    """The body of `POST /v1/unload_lora_adapter`."""

    lora_name: StrictStr = Field(min_length=1)


def _load(models: Models, settings: Settings) -> Endpoint:
    async def load(request: Request) -> Response:
        _refuse_changes(models)
        asked = parse_as(LoadAdapterRequest, await body.read_object(request.receive, settings))
        model = await models.named(asked.model)
        adapters = _adapters(model)
        _refuse_name(models, adapters, asked)
        adapter = Adapter(asked.lora_name, asked.lora_path, None, bool(asked.is_3d_lora_weight))
        try:
            await adapters.load(adapter)
        except AdapterRefused as error:
            raise BadRequest(f"The adapter can't be loaded: {error}", param="lora_path") from error
        return _success(f"LoRA adapter '{asked.lora_name}' added")

    return load


def _unload(models: Models, settings: Settings) -> Endpoint:
    async def unload(request: Request) -> Response:
        _refuse_changes(models)
        asked = parse_as(UnloadAdapterRequest, await body.read_object(request.receive, settings))
        await models.load()
        for model in models.all:
            if model.engine.adapters is not None and asked.lora_name in model.engine.adapters.loaded:
                model.engine.adapters.unload(asked.lora_name)
                return _success(f"LoRA adapter '{asked.lora_name}' removed")
        raise UnknownModel(f"There is no adapter '{asked.lora_name}'.", param="lora_name")

    return unload


def _refuse_changes(models: Models) -> None:
    """Raises UnknownRoute, as vLLM has no such path then."""
    if os.environ.get(ALLOWED, "").strip().lower() not in ("1", "true"):
        raise UnknownRoute(NOT_ALLOWED)
    if models.peers is not None:
        raise UnknownRoute(SEVERAL)


def _adapters(model: Model) -> Adapters:
    if model.engine.adapters is None:
        raise BadRequest(NONE_TAKEN.format(model.names[0]), param="model")
    return model.engine.adapters


def _refuse_name(models: Models, adapters: Adapters, asked: LoadAdapterRequest) -> None:
    name = asked.lora_name
    if name in adapters.loaded:
        if not asked.load_inplace:
            raise BadRequest(
                f"The adapter '{name}' is loaded already. Send 'load_inplace': true to load it again.",
                param="lora_name",
            )
    elif name in models.by_name:
        raise BadRequest(f"'{name}' is the name of a model, or an alias. Send another 'lora_name'.", param="lora_name")


def _success(what: str) -> Response:
    return Response(f"Success: {what} successfully.", media_type=TEXT)


_NAME = "The name under which requests have the adapter as their `model`."
_LOAD: Mapping[str, str] = {
    "lora_name": _NAME,
    "lora_path": "The adapter's folder on the server, or its name at Hugging Face.",
    "load_inplace": "True: replace the adapter of that name.",
    "is_3d_lora_weight": "Whether the weights of experts are fused; with vLLM's `--enable-mixed-moe-lora-format`.",
    "model": "The model that it adapts; optional if there is only one.",
}
_ERRORS = (*REFUSALS, UnknownRoute, *FAULTS)

DOORS = (
    Door(
        Operation(
            "post",
            "/v1/load_lora_adapter",
            f"Loads a LoRA adapter; with the variable `{ALLOWED}=1`.",
            {TEXT: (str,)},
            LoadAdapterRequest,
            _LOAD,
            errors=_ERRORS,
            guarded=True,
        ),
        _load,
        limited=True,
    ),
    Door(
        Operation(
            "post",
            "/v1/unload_lora_adapter",
            "Removes the name of a LoRA adapter; answers in progress are completed.",
            {TEXT: (str,)},
            UnloadAdapterRequest,
            {"lora_name": _NAME},
            errors=_ERRORS,
            guarded=True,
        ),
        _unload,
        limited=True,
    ),
)
