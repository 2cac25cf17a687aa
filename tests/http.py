"""Talking to an app without a socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from starlette.types import ASGIApp

from tests import described

USER = {"role": "user", "content": "hi"}


def chat(app: ASGIApp, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
    """One chat completion of the scripted model."""
    body = {"model": "scripted", "messages": [USER], **fields}
    return send(app, "POST", "/v1/chat/completions", content=json.dumps(body), headers=headers)


def send(app: ASGIApp, method: str, path: str, **options: Any) -> httpx.Response:
    """One request of any kind, which the server's own document has to describe, as well as the response."""

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **options)

    response = asyncio.run(once())
    described.check(response)
    return response


def events(response: httpx.Response) -> list[Any]:
    """The data of all server-sent events, decoded; "[DONE]" stays text."""
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]
