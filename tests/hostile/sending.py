"""Sends rows to an app in the same process: one app and one event loop for all, as a server has."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from starlette.types import ASGIApp

from tests.hostile.row import Row

LONGEST = 500


@dataclass(frozen=True)
class Target:
    """An app, and the name of its model."""

    runner: asyncio.Runner
    client: httpx.AsyncClient
    model: str

    def send(self, row: Row) -> httpx.Response:
        headers = {"content-type": "application/json"}
        return self.runner.run(self.client.post(row.path, content=row.body(self.model), headers=headers))


@contextmanager
def target(app: ASGIApp, model: str) -> Iterator[Target]:
    with asyncio.Runner() as runner:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://test", timeout=None)
        yield Target(runner, client, model)
        runner.run(client.aclose())


def complaint(row: Row, response: httpx.Response) -> str | None:
    """What is wrong with the answer to a row; None if nothing is."""
    if response.status_code != row.status:
        return f"{response.status_code}, not {row.status}: {response.text[:300]}"
    if row.status == 200:
        return None
    error = response.json()["error"]
    if not 0 < len(error["message"]) <= LONGEST:
        return f"a message of {len(error['message'])} characters: {error['message'][:200]}"
    param = error.get("details", error).get("param") or ""  # Anthropic's errors have it in their details
    if row.param is not None and not param.startswith(row.param):
        return f"param {param!r}, not {row.param!r}: {error['message'][:200]}"
    return None
