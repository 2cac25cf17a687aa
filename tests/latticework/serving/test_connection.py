"""Connections: nothing is waited for without an end. Real sockets, a real uvicorn, a scripted engine."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from latticework import Settings, create_app
from latticework.engines.base import Piece, Sampling
from latticework.serving.connection import Connection, Timeouts
from latticework.serving.framing import MAX_HEAD_BYTES
from tests.scripted import Script, ScriptedEngine, says
from tests.serving import PATIENCE, Served, response, served

SHORT = Settings(read_timeout=0.2, write_timeout=0.2)
CHAT = "/v1/chat/completions"
HEALTH = b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n"


def asking(path: str = CHAT, **fields: Any) -> bytes:
    """A whole POST request."""
    fields = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}], **fields}
    return with_body(path, json.dumps(fields).encode())


def with_body(path: str, body: bytes, length: int | None = None) -> bytes:
    """`length`: of the body that is announced."""
    return (
        b"POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % (path.encode(), len(body) if length is None else length)
    ) + body


@pytest.fixture(scope="module")
def short() -> Iterator[Served]:
    """Its patience is short."""
    with served(create_app(ScriptedEngine(says("hello")), settings=SHORT), SHORT) as here:
        yield here


@pytest.fixture(scope="module")
def patient() -> Iterator[Served]:
    with served(create_app(ScriptedEngine(says("hello"))), Settings()) as here:
        yield here


def drip(client: socket.socket, drop: bytes) -> bytes:
    """Sends a little again and again, until the server closes the connection. Returns what it sent."""
    received = b""
    try:
        while True:
            if select.select([client], [], [], 0.02)[0]:
                if not (data := client.recv(1 << 16)):
                    return received
                received += data
            client.sendall(drop)
    except ConnectionError:
        return received


HEADS = [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: test\r\nX: ", b"\r\n"]


@pytest.mark.parametrize("head", HEADS)
def test_a_head_that_does_not_arrive_closes_the_connection(short: Served, head: bytes) -> None:
    with short.connect() as client:
        client.sendall(head)
        assert client.recv(1) == b""


@pytest.mark.parametrize(
    ("head", "drop"), [(b"GET /health HTTP/1.1\r\nX: ", b"x"), (b"", b"\r\n"), (b"GET / HTTP/1.1\r\n", b"X: y\r\n")]
)
def test_a_head_that_arrives_in_drops_does_too(short: Served, head: bytes, drop: bytes) -> None:
    with short.connect() as client:
        client.sendall(head)
        assert drip(client, drop) == b""


@pytest.mark.parametrize("path", [CHAT, "/v1/grammars"])
@pytest.mark.parametrize("start", [b"", b'{"model": '])
def test_a_body_that_does_not_arrive_is_a_408(short: Served, path: str, start: bytes) -> None:
    with short.connect() as client, client.makefile("rb") as answer:
        client.sendall(with_body(path, start, 100))
        status, headers, body = response(answer)
        assert status == 408
        assert json.loads(body)["error"] == {
            "message": "The request body did not arrive within read_timeout (0.2 s).",
            "type": "invalid_request_error",
            "param": None,
            "code": "request_timeout",
        }
        assert headers["content-type"] == "application/json"


def test_a_body_that_arrives_in_drops_is_too(short: Served) -> None:
    with short.connect() as client:
        client.sendall(with_body(CHAT, b"", 1_000_000))
        assert drip(client, b" ").startswith(b"HTTP/1.1 408 ")


def test_a_body_that_nobody_reads_holds_no_connection(short: Served) -> None:
    with short.connect() as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n")
        assert drip(client, b" ").startswith(b"HTTP/1.1 200 ")


def test_what_comes_after_an_answer_has_its_time_too(short: Served) -> None:
    with short.connect() as client, client.makefile("rb") as answer:
        client.sendall(HEALTH)
        assert response(answer)[0] == 200
        assert drip(client, b"\r\n") == b""


def test_a_refused_body_may_end_and_then_nothing_may_come(short: Served) -> None:
    with short.connect() as client, client.makefile("rb") as answer:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n")
        assert response(answer)[0] == 200
        client.sendall(b"hello")
        assert answer.read() == b""


def test_requests_that_take_their_time_are_answered_on_one_connection(patient: Served) -> None:
    request = asking()
    with patient.connect() as client, client.makefile("rb") as answer:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for at in range(len(request)):
                client.sendall(request[at : at + 1])
            status, _, body = response(answer)
            assert status == 200
            assert json.loads(body)["choices"][0]["message"]["content"] == "hello"
        client.sendall(HEALTH + HEALTH)
        assert [response(answer)[0] for _ in range(2)] == [200, 200]


def test_an_answer_may_take_longer_than_its_request() -> None:
    with served(create_app(ScriptedEngine(slow), settings=SHORT), SHORT) as here, here.connect() as client:
        client.sendall(asking(stream=True))
        assert b"[DONE]" in everything(client, until=b"[DONE]")


async def slow(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    """Takes longer than both timeouts."""
    for _ in range(10):
        await asyncio.sleep(0.05)
        yield Piece("more ", (0,))
    yield Piece("", (0,), finish="stop")


def everything(client: socket.socket, until: bytes = b"\0") -> bytes:
    received = b""
    while until not in received and (data := client.recv(1 << 16)):
        received += data
    return received


def test_a_large_head_is_a_431(patient: Served) -> None:
    with patient.connect() as client, client.makefile("rb") as answer:
        client.sendall(b"GET /health HTTP/1.1\r\nX: " + b"x" * (MAX_HEAD_BYTES - 1000) + b"\r\n\r\n")
        assert response(answer)[0] == 200
        client.sendall(b"GET /health HTTP/1.1\r\nX: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n")
        status, headers, body = response(answer)
        assert status == 431
        assert headers["connection"] == "close"
        assert json.loads(body)["error"]["code"] == "request_headers_too_large"
        assert answer.read() == b""


HUGE = [b"X: " + b"x" * 2**20, b"X: y\r\n" * 2**18, b"x" * 2**20]


@pytest.mark.parametrize("head", HUGE, ids=["one line", "many lines", "a name"])
def test_a_huge_head_is_ended_before_it_is_whole(patient: Served, head: bytes) -> None:
    with patient.connect() as client:
        try:
            client.sendall(b"GET /health HTTP/1.1\r\n" + head)
            received = client.recv(12)
        except ConnectionError:  # what was on its way when the server closed
            return
        assert received in (b"HTTP/1.1 431", b"")


def test_what_is_no_http_is_told_in_the_envelope(patient: Served) -> None:
    with patient.connect() as client, client.makefile("rb") as answer:
        client.sendall(b"hello, is anybody there?\r\n\r\n")
        status, _, body = response(answer)
        assert status == 400
        assert json.loads(body)["error"]["type"] == "invalid_request_error"
        assert answer.read() == b""


def endless(text: str, began: threading.Event, ended: threading.Event) -> Script:
    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        try:
            while True:
                yield Piece(text, (0,))
                began.set()
                await asyncio.sleep(0)
        finally:
            ended.set()

    return script


def half_closed(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)


def reading_nothing(client: socket.socket) -> None:
    pass


def half_closed_and_gone(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)
    client.close()


@pytest.mark.parametrize(
    ("leave", "stream"),
    [
        (half_closed, True),
        (half_closed, False),
        (half_closed_and_gone, True),
        (half_closed_and_gone, False),
        (reading_nothing, True),
    ],
)
def test_who_takes_nothing_or_half_closes_is_gone(
    leave: Callable[[socket.socket], None], stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, ended, lost = threading.Event(), threading.Event(), told_of_loss(monkeypatch)
    engine = ScriptedEngine(endless("x" * 1000, began, ended))
    settings = Settings(read_timeout=60, write_timeout=0.2)
    with served(create_app(engine), settings) as here, here.connect() as client:
        client.sendall(asking(stream=stream))
        assert began.wait(PATIENCE)
        leave(client)
        assert ended.wait(PATIENCE)
        assert lost.wait(PATIENCE)
        assert engine.open == 0
        assert not here.server.server_state.connections


def test_an_answer_that_is_left_lying_holds_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = told_of_loss(monkeypatch)
    engine = ScriptedEngine(says("x" * 2**25))  # more than the system's buffers hold
    with served(create_app(engine), SHORT) as here, here.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(asking())
        assert lost.wait(PATIENCE)


def told_of_loss(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a connection has been lost."""
    lost = threading.Event()
    known = Connection.connection_lost

    def connection_lost(self: Connection, exc: Exception | None) -> None:
        known(self, exc)
        lost.set()

    monkeypatch.setattr(Connection, "connection_lost", connection_lost)
    return lost


class Loop(asyncio.SelectorEventLoop):
    """Keeps the timers, for the test to let them expire."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[Callable[[], object]] = []

    def call_later(self, delay: float, callback: Any, *args: Any, **_: Any) -> Any:  # type: ignore[override]
        timer = asyncio.TimerHandle(delay, callback, args, self)
        self.timers.append(lambda: timer.cancelled() or callback(*args))
        return timer


class Transport(asyncio.Transport):
    """Of which a client takes as much as the test says."""

    left = 0
    aborted = False

    def get_write_buffer_size(self) -> int:
        return self.left

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return True


WATCHED = ["pause_writing", "resume_writing", "on_response_complete", "eof_received"]


@pytest.mark.parametrize("event", WATCHED)
@pytest.mark.parametrize(("left", "aborted"), [([90, 80, 1, 0], False), ([90, 90], True), ([90, 80, 81], True)])
def test_who_takes_slowly_is_not_cut_off(event: str, left: list[int], aborted: bool) -> None:
    loop, transport = Loop(), Transport()
    config = uvicorn.Config(create_app(), log_config=None)
    connection = Connection(config, ServerState(), {}, loop, timeouts=Timeouts(1, 1))
    connection.connection_made(transport)
    transport.left = 100
    getattr(connection, event)()
    for remaining in left:
        assert not transport.aborted
        transport.left = remaining
        loop.timers.pop()()
    assert transport.aborted is aborted
    assert len(loop.timers) == 1  # the request's, and none of what was taken
    loop.close()
