"""The socket and the process: bind first, load, say when it is ready, drain when told to stop."""

from __future__ import annotations

import gc
import ipaddress
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from middleware import logs
from middleware.logs import LogFormat


class CannotListen(Exception):
    """The address cannot be listened on; the message says why."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that holds the address but does not listen yet: clients are refused until the model is loaded."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
    """uvicorn, which calls `ready` once requests are really accepted."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            # What is loaded by now stays. Each time the collector went through it, all streams would stand still.
            gc.collect()
            gc.freeze()
            self._ready()


def run(
    app: Any,
    listener: socket.socket,
    *,
    drain_timeout: int,
    ready: Callable[[], None],
    log_format: LogFormat = "text",
) -> None:
    """Serves until SIGTERM or SIGINT, then lets running answers finish within `drain_timeout` seconds."""
    # uvicorn raises the signal once more when it has drained; ignored there, a stop that was asked for is a success.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, signal.SIG_IGN)
    config = uvicorn.Config(
        app,
        timeout_graceful_shutdown=drain_timeout,
        lifespan="on",
        log_config=dict(logs.config(log_format)),
        access_log=False,  # each chat completion is told of, with what became of it
    )
    Server(config, ready).run(sockets=[listener])
