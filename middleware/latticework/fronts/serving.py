"""Serves with several front ends, until a signal."""

from __future__ import annotations

import asyncio
import logging.config
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from latticework.fronts.owner import FrontEndOwner
from latticework.logs import log_config
from latticework.options import InvalidSetting
from latticework.served import Served
from latticework.serving.server import loop_factory
from latticework.settings import Settings

NO_DESCRIPTORS = """api_servers: {}: this system can't hand connections from one process to another. Set \
--api-servers 1, and run several servers on ports of their own."""


def refuse_fronts(settings: Settings) -> None:
    """Raises InvalidSetting where there can't be several front ends."""
    if settings.api_servers > 1 and sys.platform == "win32":
        raise InvalidSetting(NO_DESCRIPTORS.format(settings.api_servers))


def serve_with_fronts(
    models: Sequence[Served], listener: socket.socket, settings: Settings, ready: Callable[[], None]
) -> None:
    """As `run` in serving/server.py, with the same signals. Raises EngineDead, InvalidSetting and FrontEndFailed."""
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, signal.SIG_IGN)
    logging.config.dictConfig(dict(log_config(settings.log_format, settings.log_content)))

    async def serve() -> None:
        await FrontEndOwner(models, settings).serve(listener, ready)

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve())
    for stop in (signal.SIGTERM, signal.SIGINT):  # the loop has reset them
        signal.signal(stop, signal.SIG_IGN)
