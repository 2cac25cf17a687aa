"""The ASGI app: to be served, or to be mounted in another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from latticework import openapi
from latticework.chat import ChatCompletions
from latticework.engines.base import Engine, EngineError
from latticework.errors import ApiError, ServerFault, UnknownRoute, WrongMethod, as_api_error
from latticework.explain import explained
from latticework.http import body
from latticework.http.arrival import Timely
from latticework.http.auth import ApiKeys, BearerAuth
from latticework.http.quota import QuotaLimiter, Quotas
from latticework.models import Models
from latticework.playground import playground
from latticework.protocol import GrammarRequest
from latticework.responses import Health, ModelList, ModelState
from latticework.served import Served
from latticework.settings import Settings, public
from latticework.telemetry.record import REQUEST_ID, Recorded, request_id
from latticework.validation import parse_as
from turngrammar.errors import GrammarError


def create_app(*models: Engine | Served, settings: Settings | None = None) -> Starlette:
    """An app without globals: any number of them live in one process, each with its own engines.

    `settings` are those of the whole app and of each model, unless it has its own: `Served(engine, attempts=5)`. Raises
    InvalidSetting, also for two models of one name.

    Serve it, or mount it: `host.mount("/llm", create_app(engine))`. Hosts run no lifespan of what they mount: give
    the host `lifespan(app)` as its own, or the engines are loaded by the first request and end with the process.
    """
    settings = settings or Settings()
    all_models = Models(models, settings)

    @asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        await all_models.load()
        try:
            yield
        finally:
            await all_models.unload()

    return Starlette(routes=_routes(all_models, settings), exception_handlers=HANDLERS, lifespan=running)


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
    async def health(request: Request) -> Response:
        states = await models.health()
        return _json(request, _health(states, models.metrics.warnings, settings))

    async def metrics(request: Request) -> Response:
        return Response(await models.metrics_text(), media_type="text/plain; version=0.0.4")

    async def describe(request: Request) -> Response:
        return Response(openapi.document(request.scope.get("root_path", "")), media_type="application/json")

    async def list_models(request: Request) -> Response:
        return _json(request, ModelList(await models.cards()))

    async def get_model(request: Request) -> Response:
        return _json(request, await models.card(request.path_params["name"]))

    async def explain(request: Request) -> Response:
        asked = await body.decode(await body.read(request.receive, settings.max_body_bytes))
        return _json(request, await explained(models, parse_as(GrammarRequest, asked), settings.compile_timeout))

    guard = [Middleware(BearerAuth, ApiKeys(settings.api_keys, settings.api_key_file))] if settings.guarded else []
    # Around what costs work. A caller's requests are counted together, whichever of it they ask for.
    work = [
        Middleware(QuotaLimiter, Quotas(settings.requests_per_minute, settings.concurrent_requests)),
        Middleware(Timely, settings.read_timeout),
    ]
    record = Middleware(Recorded, models.metrics)
    v1 = [
        Route("/chat/completions", ChatCompletions(models, settings), methods=["POST"], middleware=[record, *work]),
        Route("/grammars", explain, methods=["POST"], middleware=work),
        Route("/models", list_models),
        Route("/models/{name:path}", get_model),
    ]
    # The page itself is no secret: what it asks for is, and where there are keys, it asks for one.
    page = [Route("/playground", playground())] if settings.plays else []
    return [
        Route("/health", health),
        Route("/metrics", metrics),
        Route("/openapi.json", describe),
        *page,
        Mount("/v1", routes=v1, middleware=guard),
    ]


def _health(states: Mapping[str, ModelState], counters: dict[str, int], settings: Settings) -> Health:
    down = any(state.status == "down" for state in states.values())
    running = {name: state.running for name, state in states.items()}
    return Health(states, running, counters, public(settings), "degraded" if down else "ok")


def _json(request: Request, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    named = {REQUEST_ID: request_id(request.scope), **(headers or {})}
    return Response(msgspec.json.encode(value), status, named, media_type="application/json")


async def _explain(request: Request, error: Exception) -> Response:
    known = as_api_error(error) or ServerFault("The server failed.")
    return _json(request, known.envelope, known.status, known.headers)


async def _explain_http(request: Request, error: Exception) -> Response:
    """Starlette's own: no such route, or not by that method."""
    assert isinstance(error, HTTPException)
    kind: type[ApiError] = WrongMethod if error.status_code == WrongMethod.status else UnknownRoute
    known = kind(f"{request.method} {request.url.path}: {error.detail}.")
    return _json(request, known.envelope, known.status, error.headers)


HANDLERS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    HTTPException: _explain_http,
    ApiError: _explain,
    GrammarError: _explain,
    EngineError: _explain,
    Exception: _explain,
}
