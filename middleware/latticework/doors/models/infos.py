"""Anthropic's form of a model, and its pages of a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from latticework.doors.envelopes import ANTHROPIC_VERSION
from latticework.errors import BadRequest
from latticework.http.endpoint import json_response
from latticework.model import Model
from latticework.models import Models

LIMIT, AFTER, BEFORE = "limit", "after_id", "before_id"
# Anthropic's default, and its maximum.
USUAL_LIMIT, MOST = 20, 1000

# For /openapi.json.
PARAMETERS: tuple[dict[str, Any], ...] = (
    {
        "name": LIMIT,
        "in": "query",
        "description": f"With the header {ANTHROPIC_VERSION}: the maximum number of models in the response.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL_LIMIT},
    },
    *(
        {
            "name": name,
            "in": "query",
            "description": f"With the header {ANTHROPIC_VERSION}: the name {side} which the models are listed.",
            "schema": {"type": "string"},
        }
        for name, side in ((AFTER, "after"), (BEFORE, "before"))
    ),
)
HEADER: dict[str, Any] = {
    "name": ANTHROPIC_VERSION,
    "in": "header",
    "description": "Any value selects Anthropic's form of the response.",
    "schema": {"type": "string"},
}


class ModelInfo(msgspec.Struct, frozen=True):
    """A name of a model, in Anthropic's form.

    `display_name` has the model's own name too, if `id` is an alias. `max_input_tokens` and `max_tokens` are the
    context length, which prompt and answer share.
    """

    id: str
    display_name: str
    created_at: str
    max_input_tokens: int
    max_tokens: int
    lifecycle: Literal["active"] = "active"
    type: Literal["model"] = "model"


class ModelInfoList(msgspec.Struct, frozen=True):
    """A page of the models, under each of their names, in Anthropic's form."""

    data: tuple[ModelInfo, ...]
    has_more: bool
    first_id: str | None
    last_id: str | None


def selected(request: Request) -> bool:
    """Whether a request is for Anthropic's form: its clients send a version, and no others do."""
    return ANTHROPIC_VERSION in request.headers


def respond_list(request: Request, models: Models) -> Response:
    """Raises BadRequest for parameters that select no page."""
    known = models.by_name
    names, has_more = _page(tuple(known), request)
    infos = tuple(_info(name, known[name]) for name in names)
    ends = (names[0], names[-1]) if names else (None, None)
    return json_response(request, ModelInfoList(infos, has_more, *ends))


def respond_one(request: Request, name: str, model: Model) -> Response:
    return json_response(request, _info(name, model))


def _info(name: str, model: Model) -> ModelInfo:
    shown = name if name in model.names else f"{name} ({model.names[0]})"
    created = datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ModelInfo(name, shown, created, model.max_model_len, model.max_model_len)


def _page(names: Sequence[str], request: Request) -> tuple[Sequence[str], bool]:
    """The selected names, and whether there are more in the direction of the page."""
    limit, after, before = _limit(request), _place(names, AFTER, request), _place(names, BEFORE, request)
    if after is not None and before is not None:
        raise BadRequest(f"{AFTER}: can't be combined with {BEFORE}. Send one of them.", param=AFTER)
    if before is not None:
        return names[max(0, before - limit) : before], before > limit
    start = 0 if after is None else after + 1
    return names[start : start + limit], len(names) > start + limit


def _limit(request: Request) -> int:
    given = request.query_params.get(LIMIT, str(USUAL_LIMIT))
    if not (given.isascii() and given.isdecimal() and len(given) <= len(str(MOST)) and 1 <= int(given) <= MOST):
        raise BadRequest(f"{LIMIT}: must be an integer from 1 to {MOST}, not {given!r}.", param=LIMIT)
    return int(given)


def _place(names: Sequence[str], parameter: str, request: Request) -> int | None:
    """Where the name that a parameter has is in the list; None without the parameter."""
    name = request.query_params.get(parameter)
    if name is None:
        return None
    if name not in names:
        raise BadRequest(
            f"{parameter}: {name!r} is not in the list. Send the first_id or last_id of a page.", param=parameter
        )
    return names.index(name)
