"""Inside a Starlette app, under a prefix, beside the host's own routes.

    MODEL=Qwen/Qwen2.5-7B-Instruct uvicorn --factory examples.in_starlette:app --timeout-graceful-shutdown 30
    curl http://127.0.0.1:8000/
    curl http://127.0.0.1:8000/llm/v1/models
    http://127.0.0.1:8000/llm/playground in a browser

Whoever reaches the host may use the model, unless `api_keys` says otherwise: `Settings(api_keys=("...",))`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from latticework import Settings, create_app, lifespan
from latticework.engines.base import Engine


async def home(request: Request) -> PlainTextResponse:
    return PlainTextResponse("This is the host. The model is under /llm.\n")


def make_host(engine: Engine, settings: Settings | None = None) -> Starlette:
    llm = create_app(engine, settings=settings)

    @asynccontextmanager
    async def running(host: Starlette) -> AsyncIterator[None]:
        # Mounted apps' lifespans are not run by anybody else.
        async with lifespan(llm)(host):
            # What else the host opens at start, and closes at the end.
            yield

    return Starlette(routes=[Route("/", home), Mount("/llm", llm)], lifespan=running)


def app() -> Starlette:
    from vllm.engine.arg_utils import AsyncEngineArgs  # slow to import

    from latticework.engines.vllm import VllmEngine

    return make_host(VllmEngine(AsyncEngineArgs(model=os.environ["MODEL"])))
