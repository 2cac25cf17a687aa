"""The socket and the process: bind first, load, say when it is ready, drain when told to stop."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging.config
import multiprocessing
import signal
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from latticework.serving.connection import Connection, Timeouts
from latticework.serving.draining import Draining
from latticework.settings import Settings
from latticework.telemetry.record import log_config

# How long a client may take to read that its answer was cut off, in seconds.
GOODBYE = 1.0
# How long a connection may be idle between two requests, in seconds: longer than clients and proxies leave it so (httpx
# and openai 5, AWS's load balancers 60). Else one is closed as the next request is on its way, and that one is lost.
IDLE = 75
# Takes an address that connections of an earlier server still have. Windows calls so what lets two servers have one
# address, and has another name for this.
OWN_ADDRESS = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)


class CannotListen(Exception):
    """The address cannot be listened on; the message says why."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that holds the address but does not listen yet: clients are refused until the model is loaded."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, OWN_ADDRESS, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise CannotListen(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return listener


def is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn, which calls `ready` once requests are really accepted, and ends when it is told to."""

    def __init__(self, config: uvicorn.Config, app: Draining, drain_timeout: int, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._drain_timeout = drain_timeout
        self._ready = ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._signals = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if not self.should_exit:
            # What is loaded by now stays. Each time the collector went through it, all streams would stand still.
            gc.collect()
            gc.freeze()
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """While it loads, a signal ends it. Then the first drains, the second cuts off what runs, one more kills."""
        self._signals += 1
        if not self.started or self._signals > 2:
            _die(sig)
        elif self._signals == 2:
            self._soon(self._cut)
        else:
            self.should_exit = self._app.stopping = True
            self._soon(self._drain)

    def _soon(self, what: Callable[[], None]) -> None:
        """A signal comes between any two lines of Python: what it asks for is left to the loop."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(what)

    def _drain(self) -> None:
        asyncio.get_running_loop().call_later(self._drain_timeout, self._cut)

    def _cut(self) -> None:
        """Ends all requests. uvicorn waits for that, and then stops the app."""
        for task in self.server_state.tasks:
            task.cancel()
        asyncio.get_running_loop().call_later(GOODBYE, self._abort)

    def _abort(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _die(sig: int) -> None:
    """At once, and so that no process of the engine's is left behind."""
    for child in multiprocessing.active_children():
        child.kill()
    signal.signal(sig, signal.SIG_DFL)
    signal.raise_signal(sig)


def make(app: ASGIApp, settings: Settings, ready: Callable[[], None]) -> Server:
    """The server of an app. It logs as logging is set up."""
    draining = Draining(app)
    timeouts = Timeouts(settings.read_timeout, settings.write_timeout)
    connection: Any = partial(Connection, timeouts=timeouts)  # uvicorn only ever calls it
    config = uvicorn.Config(
        draining,
        # The server cuts off what takes longer. Uvicorn does so while it stops the app, so it comes after.
        timeout_graceful_shutdown=settings.drain_timeout + round(2 * GOODBYE) + 3,
        timeout_keep_alive=IDLE,
        lifespan="on",
        root_path=settings.root_path,
        log_config=None,
        access_log=False,  # each chat completion is told of, with what became of it
        http=connection,
        ws="none",
    )
    return Server(config, draining, settings.drain_timeout, ready)


def run(app: ASGIApp, listener: socket.socket, settings: Settings, ready: Callable[[], None]) -> None:
    """Serves until SIGTERM or SIGINT, then lets running answers finish within the settings' `drain_timeout`.

    New requests are refused from then on. A second signal ends the running ones at once: their streams with an error.
    """
    # Once all is over, one more signal changes nothing: a stop that was asked for is a success.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, signal.SIG_IGN)
    logging.config.dictConfig(dict(log_config(settings.log_format)))
    make(app, settings, ready).run(sockets=[listener])
