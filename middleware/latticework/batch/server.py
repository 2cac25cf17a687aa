"""A server that a batch's requests go to. It needs aiohttp, which an app in this process does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from latticework.batch.senders import HttpReply, Lost, Outcome
from latticework.engines.remote.arguments import base_url
from latticework.engines.remote.client import Client
from latticework.engines.remote.errors import Unreachable


class ServerSender:
    """Sends requests to a server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def send(self, method: str, path: str, body: bytes | None = None) -> Outcome:
        try:
            response = await self._client.exchange(method, path, body)
        except Unreachable as error:
            return Lost(str(error))
        return HttpReply(response.status, response.headers, response.body)


def server_address(text: str) -> str:
    """The address to which paths are appended. Raises ValueError, whose message contains no password."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https"):
        raise ValueError("must be an address of the form http://HOST:PORT")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must not contain a key: set LATTICEWORK_API_KEY")
    return base_url(text)


@asynccontextmanager
async def server_sender(address: str, key: str | None) -> AsyncIterator[ServerSender]:
    """`address`: as `server_address` returns it."""
    client = Client(address, key)
    await client.open()
    try:
        yield ServerSender(client)
    finally:
        await client.close()
