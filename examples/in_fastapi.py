"""Inside a FastAPI app with its own users and lifespan, and with CORS for a browser app of another origin.

    MODEL=Qwen/Qwen2.5-7B-Instruct uvicorn --factory examples.in_fastapi:app --timeout-graceful-shutdown 30
    curl http://127.0.0.1:8000/me -H 'Authorization: Bearer token-of-ada'
    curl http://127.0.0.1:8000/llm/v1/models -H 'Authorization: Bearer token-of-ada'

FastAPI runs no dependencies for mounted apps: `host.mount("/llm", llm)` would let everybody in. So a route of the host
has the same dependencies as its other routes, and forwards the request.
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

USERS = {"token-of-ada": "ada", "token-of-grace": "grace"}  # the host's own: a database, a JWT ...
FRONT_END = "https://app.example.com"
LIMITS = Settings(concurrent_requests=4)  # per user
# The only ones of our headers that scripts of other origins can read.
SHOWN = ["x-request-id", "x-latticework-ignored", "x-latticework-checked", "retry-after"]


def current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """The dependency of all the host's routes."""
    user = USERS.get(credentials.credentials)
    if user is None:
        raise HTTPException(401, "Unknown token.", {"WWW-Authenticate": "Bearer"})
    return user


User = Annotated[str, Depends(current_user)]


class Forwarded(Response):
    """The response of another app to the same request, streams included."""

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
        # Nothing else runs the lifespans of mounted apps.
        async with lifespan(llm)(host):
            # Open the host's other resources here.
            yield

    host = FastAPI(lifespan=running)
    # Outermost, because a browser's preflight, OPTIONS, has no token.
    host.add_middleware(
        CORSMiddleware,
        allow_origins=[FRONT_END],
        allow_methods=["GET", "POST"],
        allow_headers=["*"],  # openai's JavaScript client sends many
        expose_headers=SHOWN,
    )

    @host.get("/me")
    def me(user: User) -> str:
        return user

    @host.api_route("/llm/{path:path}", methods=["GET", "POST"], include_in_schema=False)
    async def language_model(request: Request, user: User) -> Response:
        request.scope[CALLER] = user.encode()  # the caller, for the limits
        return Forwarded(mounted)

    return host


def app() -> FastAPI:
    from vllm.engine.arg_utils import AsyncEngineArgs  # slow to import

    from latticework.engines.vllm import VllmEngine

    return make_host(VllmEngine(AsyncEngineArgs(model=os.environ["MODEL"])))
