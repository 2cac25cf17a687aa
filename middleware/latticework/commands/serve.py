"""`latticework serve`: settings and engine arguments, from wherever they are said; then a server."""

from __future__ import annotations

import os
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from latticework import config
from latticework.commands import engines
from latticework.commands.command import DONE, IMPOSSIBLE, Command, Impossible, WrongUsage, known_format, say
from latticework.config import CONFIG, Config
from latticework.settings import OPTIONS, Option, Settings, in_environ

if TYPE_CHECKING:
    import socket

DESCRIPTION = """Serve a model over OpenAI's chat API, on real vLLM. Every option that is not listed here is one of
vLLM's engine arguments (--model, --tensor-parallel-size, --quantization ...) and goes to vLLM as it stands;
--help-engine lists them. Without --model, the embedded SmolLM2-135M-Instruct is served, which a CPU can run.
Where vLLM does not run (macOS, a laptop), --engine portable does, with arguments of its own.

Several models are told in a file, each in a table [[models]].

What the command line does not say, its variable does; else the file that --config names; else the default holds."""

OPEN_DOOR = """--host {} can be reached from other machines, and there is no API key: set LATTICEWORK_API_KEYS or
--api-key-file, or say --no-auth to let everyone in"""


def _options(parser: ArgumentParser) -> None:
    for option in OPTIONS:
        if not option.secret:
            _add(parser, option)
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=os.environ.get(CONFIG),
        help=f"a TOML file of settings by their names, and of an engine's arguments in its table, as [vllm] ({CONFIG})",
    )
    parser.add_argument("--help-engine", action="store_true", help="show the engine's arguments and exit")


def _add(parser: ArgumentParser, option: Option) -> None:
    default = getattr(Settings, option.field)
    shown = ",".join(default) if isinstance(default, tuple) else default
    told = f" ({option.variable})" if default in (None, False) else f" ({option.variable}; {shown})"
    shared: dict[str, Any] = {"dest": option.field, "default": SUPPRESS, "help": option.help + told}
    if isinstance(default, bool):
        parser.add_argument(option.flag, action="store_true", **shared)
    else:
        shared["action"] = "extend" if isinstance(default, tuple) else "store"
        parser.add_argument(
            option.flag, type=option.read, choices=option.choices, metavar=option.metavar or None, **shared
        )


def _run(given: Namespace) -> int:
    settings, file = _said(given)
    if given.help_engine:
        print(engines.help_text(settings))
        return DONE
    return _serve(settings, given.rest, file)


def read(arguments: Sequence[str]) -> tuple[Settings, list[str], Config]:
    """What is to be served, as those arguments of `latticework serve` and the environment say. For other servers.

    Raises WrongUsage and InvalidSetting, and exits where an option's value is wrong, as the command does.
    """
    parser = ArgumentParser(engines.SERVE, allow_abbrev=False)
    _options(parser)
    given, rest = parser.parse_known_args(arguments)
    settings, file = _said(given)
    return settings, rest, file


def _said(given: Namespace) -> tuple[Settings, Config]:
    file = config.read(given.config) if given.config else Config()
    return _settings(given, file), file


def _settings(given: Namespace, file: Config) -> Settings:
    """The file's settings, over them the environment's, and over them those of the command line."""
    from latticework.http.keys import Keys

    on_line = {option.field: _frozen(vars(given)[option.field]) for option in OPTIONS if option.field in given}
    settings = Settings(**{**file.settings, **in_environ(os.environ), **on_line})
    Keys(settings.api_keys, settings.api_key_file)  # known to be of use before anything is loaded
    formats = {f"{model.file}: tool_format": model.settings.get("tool_format") for model in file.models}
    for place, name in {"--tool-format": settings.tool_format, **formats}.items():
        if name is not None:
            known_format(place, name)
    return settings


def _frozen(value: Any) -> Any:
    """An option that can be said several times comes as a list."""
    return tuple(value) if isinstance(value, list) else value


def _serve(settings: Settings, engine_arguments: Sequence[str], file: Config) -> int:
    with _listener(settings) as listener:
        _trace()
        models = engines.models(engine_arguments, settings, file)
        from latticework.app import create_app
        from latticework.serving import server
        from latticework.serving.welcome import welcome

        def ready() -> None:
            names = [model.engine.model_ids[0] for model in models]
            say(welcome(server.url(listener), names, guarded=settings.guarded, plays=settings.plays))

        app = create_app(*models, settings=settings)
        say(f"Loading {' and '.join(model.engine.model_ids[0] for model in models)} ...")
        try:
            server.run(app, listener, settings, ready)
        except SystemExit:  # uvicorn's own: the app could not be started, and the log says why
            return IMPOSSIBLE
    return DONE


def _listener(settings: Settings) -> socket.socket:
    """Bound before the model is loaded: a port that is taken is known at once, not in a minute."""
    from latticework.serving import server

    try:
        listener = server.bind(settings.host, settings.port)
    except server.CannotListen as error:
        raise Impossible(f"{error}. Choose another with --host and --port.") from error
    if not (server.is_loopback(listener) or settings.guarded or settings.no_auth):
        listener.close()
        raise WrongUsage(OPEN_DOOR.format(settings.host))
    return listener


def _trace() -> None:
    from latticework.telemetry import tracing

    try:
        tracing.configure_tracing(os.environ)
    except tracing.TracingUnavailable as error:
        raise Impossible(str(error)) from error


COMMAND = Command("serve a model", DESCRIPTION, _options, _run, passes_on=True)
