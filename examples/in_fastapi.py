"""Inside a FastAPI app that has its own users and its own lifespan, and that a browser app of another origin may ask.

    MODEL=Qwen/Qwen2.5-7B-Instruct uvicorn --factory examples.in_fastapi:app --timeout-graceful-shutdown 30
    curl http://127.0.0.1:8000/me -H 'Authorization: Bearer token-of-ada'
    curl http://127.0.0.1:8000/llm/v1/models -H 'Authorization: Bearer token-of-ada'

FastAPI runs no dependencies for what is mounted: `host.mount("/llm", llm)` would let everybody in. So a route of the
host's depends on what its other routes depend on, and hands the request on.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response
from starlette.routing import Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from latticework import Settings, create_app, lifespan
from latticework.engines.base import Engine
from latticework.http.auth import CALLER

USERS = {"token-of-ada": "ada", "token-of-grace": "grace"}  # the host's own business: a database, a JWT ...
FRONT_END = "https://app.example.com"
LIMITS = Settings(concurrent_requests=4)  # of each user
# Scripts of other origins see no other header of ours.
SHOWN = ["x-request-id", "x-latticework-ignored", "x-latticework-checked", "retry-after"]


def current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """The host's dependency, for all of its routes."""
    user = USERS.get(credentials.credentials)
    if user is None:
        raise HTTPException(401, "Nobody has this token.", {"WWW-Authenticate": "Bearer"})
    return user


User = Annotated[str, Depends(current_user)]


class HandedOn(Response):
    """As a route's response: that of another app to the same request, streams and all."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def make_host(engine: Engine) -> FastAPI:
    llm = create_app(engine, settings=LIMITS)
    mounted = Router(routes=[Mount("/llm", llm)])

    @asynccontextmanager
    async def running(host: FastAPI) -> AsyncIterator[None]:
        # Mounted apps' lifespans are not run by anybody else.
        async with lifespan(llm)(host):
            # What else the host opens at start, and closes at the end.
            yield

    host = FastAPI(lifespan=running)
    # Around everything: what a browser asks first, OPTIONS, has no token to show.
    host.add_middleware(
        CORSMiddleware,
        allow_origins=[FRONT_END],
        allow_methods=["GET", "POST"],
        allow_headers=["*"],  # openai's JavaScript client sends many of its own
        expose_headers=SHOWN,
    )

    @host.get("/me")
    def me(user: User) -> str:
        return user

    @host.api_route("/llm/{path:path}", methods=["GET", "POST"], include_in_schema=False)
    async def language_model(request: Request, user: User) -> Response:
        request.scope[CALLER] = user.encode()  # whose the request is
        return HandedOn(mounted)

    return host


def app() -> FastAPI:
    from vllm.engine.arg_utils import AsyncEngineArgs  # slow to import

    from latticework.engines.vllm import VllmEngine

    return make_host(VllmEngine(AsyncEngineArgs(model=os.environ["MODEL"])))
