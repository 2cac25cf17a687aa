"""OpenAI's form of a model, with vLLM's context length."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from latticework.http.endpoint import json_response
from latticework.model import Model
from latticework.models import Models


class ModelCard(msgspec.Struct, frozen=True):
    """A name of a model. Those of adapters have the model that they adapt, and where they were loaded from."""

    id: str
    created: int
    owned_by: str
    max_model_len: int
    object: Literal["model"] = "model"
    root: str | UnsetType = UNSET
    parent: str | UnsetType = UNSET


class ModelList(msgspec.Struct, frozen=True):
    """All models, under each of their names."""

    data: tuple[ModelCard, ...]
    object: Literal["list"] = "list"


def respond_list(request: Request, models: Models) -> Response:
    return json_response(request, ModelList(tuple(_card(name, model) for name, model in models.by_name.items())))


def respond_one(request: Request, name: str, model: Model) -> Response:
    return json_response(request, _card(name, model))


def _card(name: str, model: Model) -> ModelCard:
    card = ModelCard(name, model.created, "latticework", model.max_model_len)
    if (adapter := model.adapters.get(name)) is None:
        return card
    return replace(card, root=adapter.path, parent=adapter.parent or model.names[0])
