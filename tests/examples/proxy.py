"""A proxy that serves a server under a path of its own, which it takes off, as nginx does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

# Those of one connection, and what the proxy's server makes itself.
NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


def proxy(path: str, upstream: str) -> Starlette:
    client = httpx.AsyncClient(base_url=upstream, timeout=60)

    async def pass_on(request: Request) -> Response:
        url = request.url.path.removeprefix(path)
        outgoing = client.build_request(request.method, url, headers=request.headers.raw, content=await request.body())
        answer = await client.send(outgoing, stream=True)
        response = StreamingResponse(answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose))
        response.raw_headers = [
            (name.lower(), value) for name, value in answer.headers.raw if name.decode().lower() not in NOT_PASSED_ON
        ]
        return response

    @asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    return Starlette(
        routes=[Route(f"{path}/{{rest:path}}", pass_on, methods=["GET", "POST", "DELETE"])], lifespan=running
    )
