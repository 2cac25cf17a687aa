"""A host as its own people run it: on plain uvicorn, with a socket, in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from tests.serving import PATIENCE


class Server(uvicorn.Server):
    """It says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@dataclass(frozen=True)
class Hosted:
    url: str
    server: Server
    thread: threading.Thread

    def stop(self) -> None:
        """As SIGTERM does. Returns once it has ended."""
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@contextmanager
def hosted(app: ASGIApp, **options: Any) -> Iterator[Hosted]:
    """`options` are uvicorn's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(uvicorn.Config(app, log_config=None, **options))
        thread = threading.Thread(target=server.run, args=([listener],))
        host = Hosted(f"http://127.0.0.1:{listener.getsockname()[1]}", server, thread)
        thread.start()
        try:
            assert server.ready.wait(PATIENCE)
            yield host
        finally:
            host.stop()
