"""Replicas under Ray Serve: each an app with its own engine, behind Serve's proxy.

    pip install '.[ray]'
    serve run latticework.deployments.ray:app arguments="--model Qwen/Qwen2.5-7B-Instruct" num_replicas=4 num_gpus=1

`arguments` is what would follow `latticework serve`, `--config FILE` among it; variables count as they do there. Where
Serve listens is Serve's to say. docs/scaling.md has the rest, such as a file for `serve deploy`.
"""

from __future__ import annotations

import json
import logging.config
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ray import serve
from ray.serve import Application
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latticework.commands import engines
from latticework.commands.command import WrongUsage
from latticework.commands.serve import read
from latticework.engines.base import Engine
from latticework.served import Served
from latticework.settings import Settings
from latticework.telemetry.record import REQUEST_ID, log_config

OK = 200
# As many as an engine generates at once, or more: what waits beyond that waits for whichever replica is free first.
ONGOING = 1024
# Seconds. A replica that refuses all looks idle to Serve's router, and gets the more requests.
LOOK = 2

OPEN_DOOR = """whoever reaches Serve's port may use the model: set LATTICEWORK_API_KEYS, or say --api-key-file or
--no-auth in arguments="..." """

# What may be said beside `arguments`: an option of Serve's deployments, or one of Ray's actors.
OPTIONS: Mapping[str, Callable[[str], Any]] = {"num_replicas": int}
ACTOR_OPTIONS: Mapping[str, Callable[[str], Any]] = {"num_cpus": float, "num_gpus": float}


def app(told: Mapping[str, str]) -> Application:
    """What `serve run` and `serve deploy` build, once for all replicas. Raises WrongUsage and InvalidSetting."""
    if unknown := told.keys() - {"arguments"} - OPTIONS.keys() - ACTOR_OPTIONS.keys():
        raise WrongUsage(f"{', '.join(sorted(unknown))}: none of arguments, {', '.join([*OPTIONS, *ACTOR_OPTIONS])}")
    settings, rest, file = read(shlex.split(told.get("arguments", "")))
    if not (settings.guarded or settings.no_auth):
        raise WrongUsage(OPEN_DOOR)
    options = {name: parse(told[name]) for name, parse in OPTIONS.items() if name in told}
    actor = {name: parse(told[name]) for name, parse in ACTOR_OPTIONS.items() if name in told}
    return deployment(partial(engines.models, rest, settings, file), settings, ray_actor_options=actor, **options)


def deployment(models: Callable[[], Sequence[Engine | Served]], settings: Settings, **options: Any) -> Application:
    """`models` makes them, in each replica; `options` are those of `serve.deployment`."""

    def served() -> ASGIApp:
        from latticework.app import create_app

        logging.config.dictConfig(dict(log_config(settings.log_format)))
        return OneId(create_app(*models(), settings=settings))

    class Latticework:
        """Serve adds the app, and runs its lifespan: a replica is ready once its models are loaded."""

        app: ASGIApp

        async def check_health(self) -> None:
            """A replica that fails it three times in a row is replaced: where one of its models is down, too."""
            status, body = await _got(self.app, "/health")
            if status != OK or json.loads(body)["status"] != "ok":
                raise RuntimeError(f"/health is {status}: {body.decode()}")

    defaults = {
        "max_ongoing_requests": ONGOING,
        "health_check_period_s": LOOK,
        "graceful_shutdown_timeout_s": settings.drain_timeout,
    }
    return serve.deployment(**{**defaults, **options})(serve.ingress(served)(Latticework)).bind()


class OneId:
    """The app without its x-request-id in responses: Serve's proxy writes it there, the one that it tells the app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def without(message: Message) -> None:
            if message["type"] == "http.response.start":
                del MutableHeaders(scope=message)[REQUEST_ID]
            await send(message)

        await self._app(scope, receive, without)


async def _got(app: ASGIApp, path: str) -> tuple[int, bytes]:
    """Status and body of a GET, without a socket."""
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    head = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await app(head, receive, send)
    return told[0]["status"], b"".join(message.get("body", b"") for message in told)
