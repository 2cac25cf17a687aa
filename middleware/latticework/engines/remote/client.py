"""An HTTP client for one remote, which keeps its connections.

aiohttp, because it parses HTTP in C: with 40 streams, a token took it 14 us of CPU, and httpx 50 to 60. Closing a
response closes its connection at once, which aborts the request at the remote.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from latticework.engines.remote.errors import RemoteRefused, RemoteTimedOut, Unreachable

# Seconds.
CONNECT_TIMEOUT = 5.0
# Seconds that an idle connection is kept: vLLM closes connections after five, and a request at that moment is lost.
KEEP_ALIVE = 3.0
# Of an error's body, the bytes that are read.
MOST_ERROR_BYTES = 2000

# TCP keep-alive, by which the system notices that a machine has gone without closing its connections. A machine answers
# however busy its vLLM is, while an answer may take minutes to begin. Seconds, but for TCP_USER_TIMEOUT's milliseconds.
KEEPALIVE_OPTIONS = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 30_000}

_JSON = {"content-type": "application/json", "accept-encoding": "identity"}
_FAILURES = (aiohttp.ClientError, OSError)


@dataclass(frozen=True)
class WholeResponse:
    """A response of any status, read to its end. The names of `headers` are matched in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ResponseBody:
    """A response's body, as it arrives."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def read(self) -> bytes:
        """All that has arrived, or the next part; empty at the end. Raises Unreachable."""
        try:
            return await self._response.content.readany()
        except _FAILURES as error:
            raise Unreachable(f"the connection broke: {_error_text(error)}") from error

    def close(self) -> None:
        """Closes the connection, unless the body has been read to its end."""
        self._response.close()


class Client:
    """To be opened and closed on the event loop on which it is used."""

    def __init__(self, address: str, key: str | None) -> None:
        """`address`: http://HOST:PORT, perhaps with a path to which the remote's own paths are appended."""
        self.address = address
        self._headers = {**_JSON, "authorization": f"Bearer {key}"} if key else _JSON
        self._opened: aiohttp.ClientSession | None = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            raise Unreachable("its client is closed")
        return self._opened

    async def open(self) -> None:
        # A connection for each answer. The layer above has the deadlines.
        self._opened = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE, socket_factory=keepalive_socket),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()

    async def get(self, path: str, seconds: float) -> bytes:
        """Raises Unreachable, RemoteTimedOut and RemoteRefused."""
        return await self._whole("GET", path, None, seconds)

    async def post(self, path: str, body: Any, seconds: float) -> bytes:
        """Raises Unreachable, RemoteTimedOut and RemoteRefused."""
        return await self._whole("POST", path, body, seconds)

    async def stream(self, path: str, body: Any) -> ResponseBody:
        """Raises Unreachable and RemoteRefused."""
        return ResponseBody(await self._response("POST", path, body))

    async def exchange(self, method: str, path: str, data: bytes | None = None) -> WholeResponse:
        """Waits for the response for as long as the connection holds. Raises Unreachable."""
        try:
            async with await self._sent(method, path, data) as response:
                return WholeResponse(response.status, response.headers, await response.read())
        except _FAILURES as error:
            raise Unreachable(_error_text(error)) from error

    async def _whole(self, method: str, path: str, body: Any, seconds: float) -> bytes:
        try:
            async with asyncio.timeout(seconds), await self._response(method, path, body) as response:
                return await response.read()
        except TimeoutError as error:
            raise RemoteTimedOut(f"it did not respond within {seconds:g} s") from error
        except _FAILURES as error:
            raise Unreachable(_error_text(error)) from error

    async def _response(self, method: str, path: str, body: Any) -> aiohttp.ClientResponse:
        response = await self._sent(method, path, None if body is None else msgspec.json.encode(body))
        if response.status == HTTPStatus.OK:
            return response
        raise RemoteRefused(response.status, await _read_message(response))

    async def _sent(self, method: str, path: str, data: bytes | None) -> aiohttp.ClientResponse:
        """A response of any status, once its headers are there. Raises Unreachable."""
        try:
            # No redirects: a key goes to the configured address alone.
            return await self._session.request(method, self.address + path, data=data, allow_redirects=False)
        except _FAILURES as error:
            raise Unreachable(_error_text(error)) from error


def keepalive_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that fails soon after its peer has gone."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE_OPTIONS.items():
        if (option := getattr(socket, name, None)) is not None:  # not on all systems
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


async def _read_message(response: aiohttp.ClientResponse) -> str:
    """The message in an error's body, which is closed."""
    async with response:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                body = await response.content.read(MOST_ERROR_BYTES)
        except (*_FAILURES, TimeoutError):
            body = b""
    return error_message(body) or response.reason or ""


def error_message(body: bytes) -> str:
    """The message of an error, in any of the shapes that vLLM has used."""
    try:
        match msgspec.json.decode(body):
            case {"error": {"message": str(text)}} | {"error": str(text)} | {"message": str(text)}:
                return text
            case {"detail": detail}:
                return str(detail)
    except msgspec.DecodeError:
        pass
    return body.decode(errors="replace").strip()


def _error_text(error: Exception) -> str:
    return str(error) or type(error).__name__
