"""The process: an address is held before it is served, and a stop lets running answers finish."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from latticework import Settings, create_app
from latticework.serving import server
from tests.serving import response

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
        assert server.base_url(listener) == f"{start}{listener.getsockname()[1]}" or host == "localhost"


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_an_ipv6_url_has_brackets() -> None:
    try:
        listener = server.bind("::1", 0)
    except server.CannotListen as error:
        pytest.skip(str(error))
    with listener:
        assert server.is_loopback(listener)
        assert server.base_url(listener).startswith("http://[::1]:")


def test_bound_but_not_ready_refuses_clients() -> None:
    with server.bind("127.0.0.1", 0) as listener, pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname())


def test_idle_connections_outlive_those_of_clients() -> None:
    """httpx and openai reuse one for 5 s: closed at the same time, it would lose the request that is on its way."""
    served = server.create_server(create_app(), Settings(), lambda: None)
    assert served.config.timeout_keep_alive > 60


def test_an_address_that_is_taken_is_named() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(server.CannotListen, match=r"127\.0\.0\.1 port"),
    ):
        server.bind("127.0.0.1", taken.getsockname()[1])


# Echoes a body when all of it is there; says when it is ready, and when it is told to end.
ECHO = """
from latticework import Settings, create_app
from latticework.serving import server
from latticework.settings import Settings

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


@contextmanager
def running(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def echo() -> Iterator[subprocess.Popen[str]]:
    with running(ECHO) as process:
        yield process


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


# Answers never end. A stream says so at once, a whole answer when the engine is at work. Its argument: drain_timeout.
ENDLESS = """
import asyncio, sys
from latticework import Settings, create_app
from latticework.serving import server
from latticework.engines.base import Piece
from tests.scripted import ScriptedEngine

class Engine(ScriptedEngine):
    async def stop(self):
        print("stopped with", self.open, "running", flush=True)

async def script(prompt, sampling):
    yield Piece("hello", (0,))
    print("at work", flush=True)
    await asyncio.Event().wait()

listener = server.bind("127.0.0.1", 0)
settings = Settings(drain_timeout=int(sys.argv[1]))
app = create_app(Engine(script), settings=settings)
server.run(app, listener, settings, lambda: print(listener.getsockname()[1], flush=True))
print("returned", flush=True)
"""
FIRST, SECOND = signal.SIGTERM, signal.SIGINT


def cut(drain_timeout: int, *signals: signal.Signals, stream: bool) -> tuple[int, bytes]:
    """Status and body of an answer that is cut by the last of these signals. The server must end in good order."""
    body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": "hi"}], "stream": stream})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with running(ENDLESS, str(drain_timeout)) as process:
        assert process.stdout
        address = ("127.0.0.1", int(process.stdout.readline()))
        with socket.create_connection(address, timeout=60) as client, client.makefile("rb") as answer:
            client.sendall(head.encode() + body.encode())
            while process.stdout.readline() != "at work\n":
                pass  # the access log
            for stop in signals:
                process.send_signal(stop)
                while _accepts(address):
                    pass
            status, _, sent = response(answer)
            assert answer.read() == b""
        rest = [line for line in process.stdout.read().splitlines() if not line.startswith("INFO")]
        assert rest == ["stopped with 0 running", "returned"]
        assert process.wait(30) == 0
    return status, sent


CUTS = [(3600, [FIRST, FIRST]), (3600, [SECOND, FIRST]), (0, [FIRST])]


@pytest.mark.parametrize(("drain_timeout", "signals"), CUTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_second_signal_cuts_what_still_runs(drain_timeout: int, signals: list[signal.Signals], stream: bool) -> None:
    status, body = cut(drain_timeout, *signals, stream=stream)
    if stream:
        *chunks, last, rest = body.split(b"\n\n")
        assert status == 200
        assert rest == b""
        assert b"hello" in chunks[-1]
        assert b"[DONE]" not in body
    else:
        assert status == 503
        last = b"data: " + body
    assert "was stopped" in json.loads(last.removeprefix(b"data: "))["error"]["message"]


LOADING = """
import asyncio, multiprocessing, time
from latticework import Settings
from latticework.serving import server

async def app(scope, receive, send):
    print(multiprocessing.active_children()[0].pid, flush=True)
    await asyncio.Event().wait()

if __name__ == "__main__":
    multiprocessing.get_context("fork").Process(target=time.sleep, args=(3600,)).start()
    server.run(app, server.bind("127.0.0.1", 0), Settings(), lambda: None)
"""


@pytest.mark.parametrize("stop", [FIRST, SECOND])
def test_a_signal_ends_the_loading_and_its_processes(stop: signal.Signals) -> None:
    """There is nothing to drain, and a remote engine may be waited for without an end."""
    with running(LOADING) as process:
        assert process.stdout
        assert int(process.stdout.readline())
        process.send_signal(stop)
        assert process.wait(60) == -stop
        assert process.stdout.read() == ""  # its child held the pipe too: it has ended
