"""OpenAI's form of a model, with vLLM's context length."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from latticework.http.endpoint import json_response
from latticework.model import Model
from latticework.models import Models


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


def respond_list(request: Request, models: Models) -> Response:
    return json_response(request, ModelList(tuple(_card(name, model) for name, model in models.by_name.items())))


def respond_one(request: Request, name: str, model: Model) -> Response:
    return json_response(request, _card(name, model))


def _card(name: str, model: Model) -> ModelCard:
    return ModelCard(name, model.created, "latticework", model.max_model_len)
