"""`latticework serve`: a server, from its socket to its last answer."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from latticework.commands import DONE, FAILED, Command, CommandFailed, WrongUsage, engines, say
from latticework.commands.launch import Launch, add_launch_options, collect_launch
from latticework.options import InvalidSetting
from latticework.settings import Settings

if TYPE_CHECKING:
    import socket

    from latticework.served import Served

DESCRIPTION = """Serve a model over OpenAI's API, on vLLM. Options that are not listed here are vLLM's engine arguments
(--model, --tensor-parallel-size, --quantization, ...) and are passed to vLLM unchanged; --help-engine lists them.
Without --model, the embedded SmolLM2-135M-Instruct is served, which runs on a CPU. Where vLLM doesn't run (macOS,
Windows), use --engine portable, which has arguments of its own.

To serve several models, use --config with one [[models]] table per model.

Precedence: command line, environment variables, configuration file, defaults."""

NEEDS_KEY = """--host {} is reachable from other machines and no API key is set: set LATTICEWORK_API_KEYS or \
--api-key-file, or allow access without keys with --no-auth"""

WELCOME = """
{served} served at {url}/v1
{page}
From a shell:

curl -s {url}/v1/chat/completions -H 'Content-Type: application/json' {header}-d '{{
  "model": "{model}",
  "messages": [{{"role": "user", "content": "{text}"}}],
  "temperature": 0,
  "response_format": {{"type": "json_schema", "json_schema": {{"name": "person", "schema": {{
    "type": "object", "properties": {{"name": {{"type": "string"}}, "age": {{"type": "integer"}}}},
    "required": ["name", "age"], "additionalProperties": false}}}}}}}}'

From Python with the openai package (in a checkout: .venv/bin/python), a Pydantic model from a text:

from openai import OpenAI, pydantic_function_tool
from pydantic import BaseModel
class Person(BaseModel):
    name: str
    age: int

client = OpenAI(base_url="{url}/v1", api_key="{key}")
messages = [{{"role": "user", "content": "{text}"}}]
ask = dict(model="{model}", messages=messages, temperature=0)
print(client.chat.completions.parse(**ask, response_format=Person).choices[0].message.parsed)

A tool call:

tools = [pydantic_function_tool(Person, name="save_person")]
answer = client.chat.completions.parse(**ask, tools=tools, tool_choice="required", parallel_tool_calls=False)
print(answer.choices[0].message.tool_calls[0].function)
"""

LOADING = "Loading {} ..."
TEXT = "Save this person: Ada Lovelace, age 36."


def add_serve_options(parser: ArgumentParser) -> None:
    add_launch_options(parser)
    parser.add_argument("--help-engine", action="store_true", help="show the engine's arguments and exit")


def serve(given: Namespace) -> int:
    launch = collect_launch(given, given.rest)
    if given.help_engine:
        print(engines.engine_help(launch.settings))
        return DONE
    return run_server(launch)


def run_server(launch: Launch) -> int:
    settings = launch.settings
    _prepare_logs(settings)
    with _bound_listener(settings) as listener:
        _configure_tracing()
        models = engines.served_models(launch.engine_arguments, settings, launch.config)
        from latticework.app import create_app
        from latticework.serving import server

        names = [model.engine.model_ids[0] for model in models]

        def ready() -> None:
            # Not the names above: some engines learn them while they load.
            loaded = [model.engine.model_ids[0] for model in models]
            text = welcome(
                server.base_url(listener), loaded, guarded=settings.guarded, has_playground=settings.has_playground
            )
            say(text.split("\n")[1] if settings.log_format == "json" else text)

        if settings.api_servers > 1:
            return _run_front_ends(models, listener, settings, ready)
        app = create_app(*models, settings=settings)
        say(LOADING.format(" and ".join(names)))
        try:
            server.run(app, listener, settings, ready)
        except SystemExit:  # uvicorn's: the app failed to start, and the log has the reason
            return FAILED
    return DONE


def _run_front_ends(
    models: Sequence[Served], listener: socket.socket, settings: Settings, ready: Callable[[], None]
) -> int:
    from latticework.engines.base import EngineDead
    from latticework.fronts import serving
    from latticework.fronts.owner import FrontEndFailed
    from latticework.models import Models

    serving.refuse_fronts(settings)
    Models(models, replace(settings, api_servers=1))  # refuses names before the models are loaded
    say(LOADING.format(" and ".join(model.engine.model_ids[0] for model in models)))
    try:
        serving.serve_with_fronts(models, listener, settings, ready)
    except (EngineDead, InvalidSetting, FrontEndFailed) as error:
        say(f"{error}")
        return FAILED
    return DONE


def _prepare_logs(settings: Settings) -> None:
    """Before anything else that has something to say."""
    from latticework.logs import export_settings
    from latticework.serving.json_lines import write_json_lines

    export_settings(settings.log_format, settings.log_content)
    if settings.log_format == "json":
        write_json_lines()


def _bound_listener(settings: Settings) -> socket.socket:
    """Bound before the model is loaded, so that a port in use is reported at once."""
    from latticework.serving import server

    try:
        listener = server.bind(settings.host, settings.port)
    except server.CannotListen as error:
        raise CommandFailed(f"{error}. Choose another with --host and --port.") from error
    if not (server.is_loopback(listener) or settings.guarded or settings.no_auth):
        listener.close()
        raise WrongUsage(NEEDS_KEY.format(settings.host))
    return listener


def _configure_tracing() -> None:
    from latticework.telemetry import tracing

    try:
        tracing.configure_tracing(os.environ)
    except tracing.TracingUnavailable as error:
        raise CommandFailed(str(error)) from error


def welcome(url: str, models: Sequence[str], *, guarded: bool, has_playground: bool = False) -> str:
    """For the first model: curl, the openai client with a Pydantic model, and a tool call."""
    key = "YOUR-API-KEY" if guarded else "none"
    header = f"-H 'Authorization: Bearer {key}' " if guarded else ""
    page = f"In a browser: {url}/playground\n" if has_playground else ""
    served = f"{models[0]} is" if len(models) == 1 else f"{', '.join(models[:-1])} and {models[-1]} are"
    return WELCOME.format(url=url, served=served, model=models[0], key=key, header=header, text=TEXT, page=page)


SERVE = Command("serve models over OpenAI's API", DESCRIPTION, add_serve_options, serve, passes_on=True)
