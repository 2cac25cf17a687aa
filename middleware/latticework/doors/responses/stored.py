"""`/v1/responses/{id}`: a stored response, its input, its deletion."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from latticework import errors
from latticework.doors import FAULTS, JSON, STORED, Door, Endpoint, Operation
from latticework.doors.responses.history import History
from latticework.doors.responses.output import ModelResponse
from latticework.doors.responses.store import MEMORY, ResponseStore, StoredResponse
from latticework.errors import BadRequest, UnknownResponse
from latticework.http.auth import CALLER
from latticework.http.endpoint import json_response
from latticework.models import Models
from latticework.options import InvalidSetting
from latticework.settings import Settings

PATH = "/v1/responses/{id}"
MOST_LISTED = 100
DEFAULT_LISTED = 20


class DeletedResponse(msgspec.Struct, frozen=True):
    """The response is gone."""

    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True


class InputItemList(msgspec.Struct, frozen=True):
    """Some items of a response's input, in the order of `order`; the next ones come after `last_id`."""

    data: tuple[dict[str, Any], ...]
    has_more: bool
    first_id: str
    last_id: str
    object: Literal["list"] = "list"


def history_of(scope: Scope, models: Models, settings: Settings) -> History:
    """Of the caller's API key; all callers without one share theirs."""
    return History(store_of(models, settings), scope.get(CALLER, b""))


def store_of(models: Models, settings: Settings) -> ResponseStore | None:
    """The app's store. Raises InvalidSetting for a file that can't be used."""
    if settings.no_store:
        return None

    def opened() -> ResponseStore:
        file = settings.store or MEMORY
        try:
            return ResponseStore(file, most_bytes=settings.store_bytes, most_age=settings.store_age)
        except sqlite3.Error as error:
            raise InvalidSetting(f"--store {file}: {error}") from None

    return models.shared(ResponseStore, opened)


Answer = Callable[[Request, History, StoredResponse], Awaitable[Response]]


def _of_stored(answer: Answer) -> Callable[[Models, Settings], Endpoint]:
    """An endpoint for a response that exists. Raises UnknownResponse for any other."""

    def endpoint(models: Models, settings: Settings) -> Endpoint:
        store_of(models, settings)

        async def answered(request: Request) -> Response:
            history = history_of(request.scope, models, settings)
            name, stored = request.path_params["id"], None
            if history.store is not None:
                stored = await asyncio.to_thread(history.store.get, history.owner, name)
            if stored is None:
                raise UnknownResponse(f"The response '{name[:100]}' does not exist.")
            return await answer(request, history, stored)

        return answered

    return endpoint


async def _retrieve(request: Request, history: History, stored: StoredResponse) -> Response:
    if request.query_params.get("stream") in ("true", "1"):
        raise BadRequest("'stream' must be false: a stored response is complete.", param="stream")
    return json_response(request, stored.body)


async def _delete(request: Request, history: History, stored: StoredResponse) -> Response:
    assert history.store is not None
    await asyncio.to_thread(history.store.delete, history.owner, stored.id)
    return json_response(request, DeletedResponse(stored.id))


async def _cancel(request: Request, history: History, stored: StoredResponse) -> Response:
    raise BadRequest(
        f"The response '{stored.id}' can't be cancelled: it is complete. Only responses in the background can be, and "
        "this server has none.",
        code="response_not_cancellable",
    )


async def _list_input(request: Request, history: History, stored: StoredResponse) -> Response:
    query = request.query_params
    items = list(stored.input) if _ascends(query) else list(reversed(stored.input))
    limit, after = _limit(query), query.get("after")
    ids = [item["id"] for item in items]
    if after is not None and after not in ids:
        raise BadRequest("'after' must be the id of an item of the input.", param="after")
    rest = items[ids.index(after) + 1 :] if after is not None else items
    shown = rest[:limit]
    first, last = (shown[0]["id"], shown[-1]["id"]) if shown else ("", "")
    return json_response(request, InputItemList(tuple(shown), len(rest) > limit, first, last))


def _ascends(query: Mapping[str, str]) -> bool:
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise BadRequest("'order' must be 'asc' or 'desc'.", param="order")
    return order == "asc"


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_LISTED))
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= MOST_LISTED):
        raise BadRequest(f"'limit' must be from 1 to {MOST_LISTED}.", param="limit")
    return int(text)


_ERRORS = (errors.Unauthorized, errors.BadRequest, *STORED, *FAULTS)


def _door(method: str, path: str, summary: str, kind: type[Any], answer: Answer) -> Door:
    operation = Operation(method, path, summary, {JSON: (kind,)}, errors=_ERRORS, guarded=True)
    return Door(operation, _of_stored(answer))


DOORS = (
    _door("get", PATH, "A stored response.", ModelResponse, _retrieve),
    _door("delete", PATH, "Deletes a stored response.", DeletedResponse, _delete),
    _door("get", f"{PATH}/input_items", "The input of a stored response.", InputItemList, _list_input),
    _door("post", f"{PATH}/cancel", "Refused: no response is in the background.", ModelResponse, _cancel),
)
