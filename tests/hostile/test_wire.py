"""Each row on a connection of its own, to one server: its statuses, and whether the connection stays open."""

from __future__ import annotations

import io
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from latticework import Settings, create_app
from tests.hostile.wire import BODY, KEY, ROWS, SLOW, Row
from tests.scripted import ScriptedEngine, says
from tests.serving import Served, response, served

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def patient() -> Iterator[Served]:
    yield from serving(Settings(api_keys=(KEY,)))


@pytest.fixture(scope="module")
def hasty() -> Iterator[Served]:
    yield from serving(Settings(api_keys=(KEY,), read_timeout=1))


def serving(settings: Settings) -> Iterator[Served]:
    """Nothing of any request is left at the end."""
    engine = ScriptedEngine(says("hello"))
    with served(create_app(engine, settings=settings), settings) as here:
        yield here
    assert engine.open == 0
    assert not here.server.server_state.connections
    assert not here.server.server_state.tasks


def statuses(client: socket.socket) -> tuple[int, ...]:
    """Of all responses, until the server closes the connection. Errors are in the envelope."""
    received = b""
    while data := client.recv(1 << 16):
        received += data
    found = []
    answers = io.BytesIO(received)
    while (at := answers.tell()) < len(received):
        if received.startswith(CONTINUE, at):
            answers.seek(at + len(CONTINUE))
            found.append(100)
            continue
        status, headers, body = response(answers)
        found.append(status)
        if status >= 400:
            assert headers["content-type"] == "application/json"
            assert re.search(r"\w", json.loads(body)["error"]["message"])
    return tuple(found)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_sent_gets_its_status(patient: Served, row: Row) -> None:
    with patient.connect() as client:
        client.sendall(row.sent + (LAST if row.open else b""))
        last = (200,) if row.open else ()
        assert statuses(client) in (row.statuses + last, (row.later or row.statuses) + last)


def test_what_does_not_go_on_ends(hasty: Served) -> None:
    """All at once, since each takes the whole read timeout."""
    with ExitStack() as stack:
        clients = {}
        for row in SLOW:
            clients[row.name] = stack.enter_context(hasty.connect())
            clients[row.name].sendall(row.sent)
        found = {name: statuses(client) for name, client in clients.items()}
    assert found == {row.name: row.statuses for row in SLOW}


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("options", [["--http2"], ["--http2", "-H", "Transfer-Encoding: chunked"], ["--http1.0"]])
def test_curl_is_served_whatever_it_offers(patient: Served, options: list[str]) -> None:
    url = f"http://{patient.address[0]}:{patient.address[1]}/v1/chat/completions"
    sent = ["-s", "--fail", "-H", f"Authorization: Bearer {KEY}", "-H", "Content-Type: application/json"]
    done = subprocess.run(["curl", *sent, *options, "--data-binary", BODY, url], capture_output=True, check=True)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"] == "hello"
