"""A real server in a thread, for what only a socket can do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from starlette.types import ASGIApp

from latticework import Settings
from latticework.serving import server

# Nothing takes as long, unless it hangs.
PATIENCE = 60


@dataclass(frozen=True)
class Served:
    """Where it is served, and by what."""

    address: tuple[str, int]
    server: server.Server

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=PATIENCE)


@contextmanager
def served(app: ASGIApp, settings: Settings) -> Iterator[Served]:
    """It has ended in good order when this returns."""
    ready = threading.Event()
    with server.bind("127.0.0.1", 0) as listener:
        served = server.create_server(app, settings, ready.set)
        thread = threading.Thread(target=served.run, args=([listener],))
        thread.start()
        try:
            assert ready.wait(PATIENCE)
            yield Served(listener.getsockname(), served)
        finally:
            served.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


def response(answer: IO[bytes]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next response on a connection; status 0 where there is none."""
    line = answer.readline()
    if not line:
        return 0, {}, b""
    headers = {}
    while field := answer.readline().rstrip():
        name, _, value = field.decode().partition(": ")
        headers[name] = value
    whole = _chunks(answer) if "transfer-encoding" in headers else answer.read(int(headers["content-length"]))
    return int(line.split()[1]), headers, whole


def _chunks(answer: IO[bytes]) -> bytes:
    body = b""
    while size := int(answer.readline(), 16):
        body += answer.read(size)
        answer.readline()
    answer.readline()
    return body
