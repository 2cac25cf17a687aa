"""Replicas under Ray Serve: each is an app with its own engine, behind Serve's proxy.

    pip install '.[ray]'
    serve run latticework.deployments.ray:app arguments="--model Qwen/Qwen2.5-7B-Instruct" num_replicas=4 num_gpus=1

`arguments` are those of `latticework serve`, with `--config FILE`; environment variables apply too. The address
to listen on is set in Serve. docs/scaling.md has more, such as a file for `serve deploy`.
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

from latticework.commands import WrongUsage
from latticework.commands.engines import PROG, served_models
from latticework.commands.launch import launch_of_words
from latticework.engines.base import Engine
from latticework.http.record import REQUEST_ID
from latticework.logs import export_settings, log_config
from latticework.options import InvalidSetting
from latticework.served import Served
from latticework.settings import Settings

OK = 200
# At least as many as an engine generates at once. Further requests wait in Serve for the first replica that is free.
ONGOING = 1024
# Seconds; short, because a replica that refuses every request looks idle to Serve's router, and gets even more of them.
HEALTH_CHECK_PERIOD = 2

NEEDS_KEY = """anyone who reaches Serve's port could use the model: set LATTICEWORK_API_KEYS, or put --api-key-file or
--no-auth into arguments="..." """

# Accepted beside `arguments`: options of Serve's deployments, and of Ray's actors.
DEPLOYMENT_OPTIONS: Mapping[str, Callable[[str], Any]] = {"num_replicas": int}
ACTOR_OPTIONS: Mapping[str, Callable[[str], Any]] = {"num_cpus": float, "num_gpus": float}
ACCEPTED = ("arguments", *DEPLOYMENT_OPTIONS, *ACTOR_OPTIONS)


def app(options: Mapping[str, str]) -> Application:
    """What `serve run` and `serve deploy` build, once for all replicas. Raises WrongUsage and InvalidSetting."""
    if unknown := sorted(options.keys() - set(ACCEPTED)):
        raise WrongUsage(f"{', '.join(unknown)}: unknown option; the options are {', '.join(ACCEPTED)}")
    launch = launch_of_words(shlex.split(options.get("arguments", "")), PROG)
    if not (launch.settings.guarded or launch.settings.no_auth):
        raise WrongUsage(NEEDS_KEY)
    models = partial(served_models, launch.engine_arguments, launch.settings, launch.config)
    actor = _parsed(ACTOR_OPTIONS, options)
    return deployment(models, launch.settings, ray_actor_options=actor, **_parsed(DEPLOYMENT_OPTIONS, options))


def _parsed(parsers: Mapping[str, Callable[[str], Any]], options: Mapping[str, str]) -> dict[str, Any]:
    return {name: parse(options[name]) for name, parse in parsers.items() if name in options}


def deployment(models: Callable[[], Sequence[Engine | Served]], settings: Settings, **options: Any) -> Application:
    """`models` is called in each replica; `options` are those of `serve.deployment`. Raises InvalidSetting."""
    if settings.api_servers > 1:
        raise InvalidSetting(f"api_servers: a replica is one process, not {settings.api_servers}. Use num_replicas.")

    def replica_app() -> ASGIApp:
        from latticework.app import create_app

        export_settings(settings.log_format, settings.log_content)
        logging.config.dictConfig(dict(log_config(settings.log_format, settings.log_content)))
        return WithoutRequestId(create_app(*models(), settings=settings))

    class Latticework:
        """Serve adds the app, and runs its lifespan: a replica is ready once its models are loaded."""

        app: ASGIApp

        async def check_health(self) -> None:
            """A replica that fails it three times in a row is replaced; a single model that is down is a failure."""
            status, body = await _get_without_socket(self.app, "/health")
            if status != OK or json.loads(body)["status"] != "ok":
                raise RuntimeError(f"/health is {status}: {body.decode()}")

    defaults = {
        "max_ongoing_requests": ONGOING,
        "health_check_period_s": HEALTH_CHECK_PERIOD,
        "graceful_shutdown_timeout_s": settings.drain_timeout,
    }
    return serve.deployment(**{**defaults, **options})(serve.ingress(replica_app)(Latticework)).bind()


class WithoutRequestId:
    """The app without the x-request-id header in its responses: Serve's proxy adds the same header itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def without(message: Message) -> None:
            if message["type"] == "http.response.start":
                del MutableHeaders(scope=message)[REQUEST_ID]
            await send(message)

        await self._app(scope, receive, without)


async def _get_without_socket(app: ASGIApp, path: str) -> tuple[int, bytes]:
    """Status and body."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    head = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await app(head, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)
