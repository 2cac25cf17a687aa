"""The socket and the process: bind the address, load the models, report readiness, drain on SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging.config
import multiprocessing
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp

from latticework import memory
from latticework.engines.children import end_group
from latticework.logs import log_config
from latticework.serving.connection import Connection, Timeouts
from latticework.serving.draining import Draining
from latticework.settings import Settings

# Seconds that clients get to read the error that ends a cut answer.
CUT_TIMEOUT = 1.0
# Seconds that a connection may be idle between two requests. Clients and proxies should close it first (httpx: 5,
# AWS load balancers: 60), since a request that is sent while the server closes is lost.
KEEP_ALIVE_TIMEOUT = 75
# Allows binding an address while connections of an earlier server are still closing. On Windows, SO_REUSEADDR would let
# two servers share the address.
REUSE_ADDRESS = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)


class CannotListen(Exception):
    """The address can't be listened on; the message has the reason."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that is bound but does not listen: connections are refused until the models are loaded."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, REUSE_ADDRESS, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise CannotListen(f"can't listen on {host} port {port}: {error.strerror}") from error
    return listener


def is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn that calls `ready` as soon as requests are accepted, and drains on signals."""

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
            # Objects that exist by now stay alive. Excluding them from garbage collection avoids pauses in all streams.
            gc.collect()
            gc.freeze()
            memory.return_freed()
            self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's, and the end of a terminal. `nohup` has it ignored, and so it stays."""
        hangup = hangup_signal()
        with super().capture_signals():
            if hangup is not None:
                signal.signal(hangup, self.handle_exit)
            try:
                yield
            finally:
                if hangup is not None:
                    signal.signal(hangup, signal.SIG_IGN)  # as the others, once the server has stopped

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """While models load, a signal ends the process. Later, the first drains, the second cuts, the third kills."""
        self._signals += 1
        if not self.started or self._signals > 2:
            kill_process(sig)
        elif self._signals == 2:
            self.cut()
        else:
            self.drain()

    def drain(self) -> None:
        """Refuses new requests, and ends once the others have; cuts them after the drain timeout."""
        self.should_exit = self._app.stopping = True
        self._schedule(self._drain)

    def cut(self) -> None:
        """Ends running answers at once."""
        self._schedule(self._cut)

    def _schedule(self, action: Callable[[], None]) -> None:
        """A signal handler can run between any two lines of Python, so it only schedules on the loop."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(action)

    def _drain(self) -> None:
        asyncio.get_running_loop().call_later(self._drain_timeout, self._cut)

    def _cut(self) -> None:
        """Cancels all requests. uvicorn waits for them, and then stops the app."""
        for task in self.server_state.tasks:
            task.cancel()
        asyncio.get_running_loop().call_later(CUT_TIMEOUT, self._abort)

    def _abort(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def hangup_signal() -> signal.Signals | None:
    """The signal for the end of a terminal, where there is one that can be handled and is not ignored."""
    hangup: signal.Signals | None = getattr(signal, "SIGHUP", None)
    handles = threading.current_thread() is threading.main_thread()
    return hangup if handles and hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN else None


def kill_process(sig: int) -> None:
    """At once, and without leaving processes of an engine behind."""
    for child in multiprocessing.active_children():
        child.kill()
        if child.pid is not None:
            end_group(child.pid)
    signal.signal(sig, signal.SIG_DFL)
    signal.raise_signal(sig)


S = TypeVar("S", bound=Server)


def create_server(app: ASGIApp, settings: Settings, ready: Callable[[], None]) -> Server:
    """A server for an app, with the logging configuration of the process."""
    return server_of(Server, app, settings, ready)


def server_of(kind: type[S], app: ASGIApp, settings: Settings, ready: Callable[[], None]) -> S:
    """The same, of a class derived from `Server`."""
    draining = Draining(app)
    timeouts = Timeouts(settings.read_timeout, settings.write_timeout)
    connection: Any = partial(Connection, timeouts=timeouts)  # uvicorn only calls it
    config = uvicorn.Config(
        draining,
        # Longer than Server takes to cut all requests: uvicorn's own timeout would also cut off the stop of the app.
        timeout_graceful_shutdown=settings.drain_timeout + round(2 * CUT_TIMEOUT) + 3,
        timeout_keep_alive=KEEP_ALIVE_TIMEOUT,
        lifespan="on",
        root_path=settings.root_path,
        log_config=None,
        access_log=False,  # http.record logs requests, with their outcomes
        http=connection,
        ws="none",
    )
    return kind(config, draining, settings.drain_timeout, ready)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The kind of event loop that uvicorn takes; None: asyncio's own."""
    return uvicorn.Config(lambda: None).get_loop_factory()


def run(app: ASGIApp, listener: socket.socket, settings: Settings, ready: Callable[[], None]) -> None:
    """Serves until SIGTERM or SIGINT, and then drains: refuses new requests, and waits up to `settings.drain_timeout`.

    A second signal cuts running answers at once; streams end with an error event.
    """
    # Signals that arrive after the server has stopped are ignored: a requested stop exits with status 0.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, signal.SIG_IGN)
    logging.config.dictConfig(dict(log_config(settings.log_format, settings.log_content)))
    create_server(app, settings, ready).run(sockets=[listener])
