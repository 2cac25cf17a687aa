"""Inside a Starlette app, under a path prefix, beside the host's own routes.

    MODEL=Qwen/Qwen2.5-7B-Instruct uvicorn --factory examples.in_starlette:app --timeout-graceful-shutdown 30
    curl http://127.0.0.1:8000/
    curl http://127.0.0.1:8000/llm/v1/models
    http://127.0.0.1:8000/llm/playground in a browser

Anyone who can reach the host can use the model, unless keys are set: `Settings(api_keys=("...",))`.
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
        # Nothing else runs the lifespans of mounted apps.
        async with lifespan(llm)(host):
            # Open the host's other resources here.
            yield

    return Starlette(routes=[Route("/", home), Mount("/llm", llm)], lifespan=running)


def app() -> Starlette:
    from vllm.engine.arg_utils import AsyncEngineArgs  # slow to import

    from latticework.engines.vllm import VllmEngine

    return make_host(VllmEngine(AsyncEngineArgs(model=os.environ["MODEL"])))
