"""The ASGI app, to serve or to mount in another app."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from latticework.doors import Door, chat, completions, decisions, grammars, messages, playground, responses, tokenize
from latticework.doors.envelopes import envelope_for
from latticework.doors.models import DOORS as models_doors
from latticework.doors.openapi import openapi_door
from latticework.engines.base import Engine, EngineError
from latticework.errors import ApiError, ServerFault, UnknownRoute, WrongMethod, as_api_error
from latticework.http.auth import ApiKeys, CallerKnown, KeyAuth
from latticework.http.body_memory import BodyLimits, BodyMemory
from latticework.http.cors import for_origins
from latticework.http.endpoint import json_response
from latticework.http.lifetime import BodyTimeout, UntilGone
from latticework.http.quota import QuotaLimiter, Quotas
from latticework.http.record import Recorded, request_id
from latticework.models import Models
from latticework.options import InvalidSetting
from latticework.served import Served
from latticework.settings import Settings
from turngrammar.errors import GrammarError

V1 = "/v1"

DESCRIBED = (
    chat.DOOR,
    *responses.DOORS,
    *messages.DOORS,
    completions.DOOR,
    decisions.DOOR,
    grammars.DOOR,
    *tokenize.DOORS,
    *models_doors,
    playground.DOOR,
)
DOORS = (*DESCRIBED, openapi_door(DESCRIBED))
OPERATIONS = tuple(door.operation for door in DOORS)


def create_app(*models: Engine | Served, settings: Settings | None = None) -> Starlette:
    """An app without globals: one process can hold any number of them, each with its own engines.

    `settings` apply to the whole app and to each model that has no own: `Served(engine, attempts=5)`. Raises
    InvalidSetting, also for two models with the same name.

    Serve it, or mount it: `host.mount("/llm", create_app(engine))`. Hosts don't run the lifespans of mounted apps: give
    the host `lifespan(app)`, or the first request loads the engines and nothing stops them.
    """
    settings = settings or Settings()
    if settings.api_servers > 1:
        raise InvalidSetting(
            f"api_servers: create_app serves in one process, not in {settings.api_servers}. Leave it out, or use "
            "`latticework serve --api-servers N`."
        )
    return app_of(Models(models, settings), settings)


def app_of(all_models: Models, settings: Settings) -> Starlette:
    """The app of one process. Raises InvalidSetting."""

    @asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        await all_models.load()
        try:
            yield
        finally:
            await all_models.unload()

    return _App(settings, routes=_routes(all_models, settings), exception_handlers=HANDLERS, lifespan=running)


class _App(Starlette):
    """Its outermost layer adds the CORS headers: Starlette's own middleware is not around unexpected errors."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(**options)
        self._settings = settings

    def build_middleware_stack(self) -> ASGIApp:
        return for_origins(super().build_middleware_stack(), self._settings)


def lifespan(*apps: Starlette) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """A lifespan for the app that mounts `apps`: `Starlette(routes=[Mount("/llm", llm)], lifespan=lifespan(llm))`."""

    @asynccontextmanager
    async def running(host: Any) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for app in apps:
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    return running


def _routes(models: Models, settings: Settings) -> list[BaseRoute]:
    guard = [Middleware(KeyAuth, ApiKeys(settings.api_keys, settings.api_key_file))] if settings.guarded else []
    # Around endpoints that cost work. A caller's requests to all of them are counted together.
    quotas = Quotas(settings.requests_per_minute, settings.concurrent_requests)
    requesting = quotas.requesting if models.peers is None else models.peers.requesting
    limits = [
        Middleware(CallerKnown),
        *([Middleware(QuotaLimiter, requesting)] if quotas.limited else []),
        Middleware(BodyLimits, BodyMemory(settings.of_process.max_bodies_bytes), settings.max_body_bytes),
        Middleware(BodyTimeout, settings.read_timeout),
        Middleware(UntilGone),
    ]
    record = Middleware(Recorded, models.metrics)

    def route(door: Door, prefix: str) -> Route:
        around = [*([record] if door.recorded else ()), *(limits if door.limited else ())]
        if not prefix and door.operation.guarded:
            around = [*guard, *around]
        path = re.sub(r"\{name\}", "{name:path}", door.operation.path.removeprefix(prefix))
        return Route(path, door.endpoint(models, settings), methods=[door.operation.method], middleware=around)

    # The page itself needs no key: its requests do, and it has a field for one.
    served = [door for door in DOORS if door is not playground.DOOR or settings.has_playground]
    under_v1 = [route(door, V1) for door in served if door.operation.path.startswith(V1)]
    others = [route(door, "") for door in served if not door.operation.path.startswith(V1)]
    return [*others, Mount(V1, routes=under_v1, middleware=guard)]


async def _explain(request: Request, error: Exception) -> Response:
    known = as_api_error(error) or ServerFault("The server failed.")
    return _error_response(request, known, known.headers)


async def _explain_http(request: Request, error: Exception) -> Response:
    """Starlette's own errors: an unknown path or method."""
    assert isinstance(error, HTTPException)
    kind: type[ApiError] = WrongMethod if error.status_code == WrongMethod.status else UnknownRoute
    known = kind(f"{request.method} {request.url.path}: {error.detail}.")
    return _error_response(request, known, error.headers)


def _error_response(request: Request, error: ApiError, headers: Mapping[str, str] | None) -> Response:
    body = envelope_for(request.scope).encode(error, request_id(request.scope))
    return json_response(request, body, error.status, headers)


async def _tell_nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # for a client that has disconnected, and gets no response


HANDLERS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    HTTPException: _explain_http,
    ApiError: _explain,
    GrammarError: _explain,
    EngineError: _explain,
    ClientDisconnect: _tell_nobody,
    Exception: _explain,
}
