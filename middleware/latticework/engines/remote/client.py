"""HTTP to one remote, over connections that are kept.

aiohttp, for it reads HTTP in C: with 40 streams, a token took it 14 us of CPU, and httpx 50 to 60. An answer that is
closed closes its connection at once, which is how a remote learns that nobody wants it any more.
"""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from latticework.engines.remote.errors import Late, Refused, Unreachable

# Seconds.
CONNECT = 5.0
# Seconds that a connection is kept which nothing is asked over: vLLM ends those that are idle for five, and whatever is
# asked in that moment is lost.
IDLE = 3.0
# Of what a remote says about an error, the letters that are read.
MOST_SAID = 2000

# How the system finds out that a machine is gone which has not said so: after so many seconds of silence it asks, and
# again; what is sent must be taken in as many milliseconds. However busy the remote is, its machine does so, while an
# answer may take minutes to begin.
WATCH = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 30_000}

_JSON = {"content-type": "application/json", "accept-encoding": "identity"}
_FAILURES = (aiohttp.ClientError, OSError)


class Body:
    """A response's body, as it comes."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def read(self) -> bytes:
        """All that is there, or else the next of it; nothing at its end. Raises Unreachable."""
        try:
            return await self._response.content.readany()
        except _FAILURES as error:
            raise Unreachable(f"it broke off: {_told(error)}") from error

    def close(self) -> None:
        """Ends the connection, unless the body has been read to its end."""
        self._response.close()


class Client:
    """To be opened and closed on the loop that it is used on."""

    def __init__(self, address: str, key: str | None) -> None:
        """`address`: http://HOST:PORT, perhaps with a path that the remote's own paths are behind."""
        self.address = address
        self._headers = {**_JSON, "authorization": f"Bearer {key}"} if key else _JSON
        self._opened: aiohttp.ClientSession | None = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            raise Unreachable("it has been left")
        return self._opened

    async def open(self) -> None:
        # As many connections as there are answers. An answer may take as long as the layer above lets it.
        self._opened = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE, socket_factory=watched_socket),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()

    async def get(self, path: str, seconds: float) -> bytes:
        """Raises Unreachable, Late and Refused."""
        return await self._whole("GET", path, None, seconds)

    async def post(self, path: str, body: Any, seconds: float) -> bytes:
        """Raises Unreachable, Late and Refused."""
        return await self._whole("POST", path, body, seconds)

    async def stream(self, path: str, body: Any) -> Body:
        """Raises Unreachable and Refused."""
        return Body(await self._answered("POST", path, body))

    async def _whole(self, method: str, path: str, body: Any, seconds: float) -> bytes:
        try:
            async with asyncio.timeout(seconds), await self._answered(method, path, body) as response:
                return await response.read()
        except TimeoutError as error:
            raise Late(f"it did not answer in {seconds:g} s") from error
        except _FAILURES as error:
            raise Unreachable(_told(error)) from error

    async def _answered(self, method: str, path: str, body: Any) -> aiohttp.ClientResponse:
        data = None if body is None else msgspec.json.encode(body)
        try:
            # A key goes to the address that it was given for, and nowhere else.
            response = await self._session.request(method, self.address + path, data=data, allow_redirects=False)
        except _FAILURES as error:
            raise Unreachable(_told(error)) from error
        if response.status == HTTPStatus.OK:
            return response
        raise Refused(response.status, await _said(response))


def watched_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """One that fails soon once there is nobody at its other end."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in WATCH.items():
        if (option := getattr(socket, name, None)) is not None:  # not on all systems
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


async def _said(response: aiohttp.ClientResponse) -> str:
    """What an error's body says, and closes it."""
    async with response:
        try:
            async with asyncio.timeout(CONNECT):
                body = await response.content.read(MOST_SAID)
        except (*_FAILURES, TimeoutError):
            body = b""
    return said(body) or response.reason or ""


def said(body: bytes) -> str:
    """The message of an error, in any of the shapes that vLLM's have had."""
    try:
        match msgspec.json.decode(body):
            case {"error": {"message": str(text)}} | {"error": str(text)} | {"message": str(text)}:
                return text
            case {"detail": detail}:
                return str(detail)
    except msgspec.DecodeError:
        pass
    return body.decode(errors="replace").strip()


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
