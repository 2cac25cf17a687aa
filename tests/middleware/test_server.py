"""The process: an address is held before it is served, and a stop lets running answers finish."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from middleware import server

ADDRESSES = [
    ("127.0.0.1", True, "http://127.0.0.1:"),
    ("localhost", True, "http://"),
    ("127.1.2.3", True, "http://127.1.2.3:"),
    ("0.0.0.0", False, "http://0.0.0.0:"),
]


@pytest.mark.parametrize(("host", "loopback", "start"), ADDRESSES)
def test_bind(host: str, loopback: bool, start: str) -> None:
    with server.bind(host, 0) as listener:
        assert server.is_loopback(listener) is loopback
        assert server.url(listener) == f"{start}{listener.getsockname()[1]}" or host == "localhost"


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_an_ipv6_url_has_brackets() -> None:
    try:
        listener = server.bind("::1", 0)
    except server.CannotListen as error:
        pytest.skip(str(error))
    with listener:
        assert server.is_loopback(listener)
        assert server.url(listener).startswith("http://[::1]:")


def test_bound_but_not_ready_refuses_clients() -> None:
    with server.bind("127.0.0.1", 0) as listener, pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname())


def test_an_address_that_is_taken_is_named() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(server.CannotListen, match=r"127\.0\.0\.1 port"),
    ):
        server.bind("127.0.0.1", taken.getsockname()[1])


# Echoes a body when all of it is there; says when it is ready, and when it is told to end.
ECHO = """
from middleware import server
from middleware.settings import Settings

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        print("ended", flush=True)
        return
    body, more = b"", True
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"<", "more_body": True})
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.body", "body": body})

listener = server.bind("127.0.0.1", 0)
server.run(app, listener, Settings(), lambda: print(listener.getsockname()[1], flush=True))
print("returned", flush=True)
"""


@pytest.fixture
def echo() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", ECHO], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_drains(echo: subprocess.Popen[str], stop: signal.Signals) -> None:
    assert echo.stdout
    address = ("127.0.0.1", int(echo.stdout.readline()))
    with socket.create_connection(address, timeout=30) as client, client.makefile("rb") as answer:
        client.sendall(b"POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 5\r\nConnection: close\r\n\r\n")
        assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
        echo.send_signal(stop)
        while _accepts(address):
            pass
        client.sendall(b"hello")
        assert b"hello" in answer.read()
    rest = echo.stdout.read().splitlines()
    assert echo.wait(30) == 0
    assert [line for line in rest if line in ("ended", "returned")] == ["ended", "returned"]


def _accepts(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=30).close()
    except ConnectionError:  # refused, or reset where the listener closed on it
        return False
    return True
