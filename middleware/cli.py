"""The command `latticework`. Nothing heavy is imported before it is needed: --help answers at once."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from middleware import embedded, tracing
from middleware.keys import Keys
from middleware.settings import OPTIONS, InvalidSetting, Settings, from_environ

if TYPE_CHECKING:
    import socket

    from middleware.engines.vllm import VllmEngine

SERVE = "latticework serve"

DESCRIPTION = """Serve a model over OpenAI's chat API, on real vLLM. Every option that is not listed here is one of
vLLM's engine arguments (--model, --tensor-parallel-size, --quantization ...) and goes to vLLM as it stands;
--help-engine lists them. Without --model, the embedded SmolLM2-135M-Instruct is served, which a CPU can run."""

NO_VLLM = """vLLM is not installed. In a checkout of latticework, on a machine with a GPU:
    pip install '.[gpu]'
and on a CPU: make install"""


OPEN_DOOR = """--host {} can be reached from other machines, and there is no API key: set LATTICEWORK_API_KEYS or
--api-key-file, or say --no-auth to let everyone in"""


class Refused(Exception):
    """What is asked for is wrong or unsafe; the message says what to ask for instead. Exit status 2."""


class CannotServe(Exception):
    """Something outside of the command line is missing or taken; the message says what. Exit status 1."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 after a stop by SIGTERM or SIGINT, 1 where serving is impossible, 2 on wrong usage."""
    parser = argparse.ArgumentParser("latticework", description="Structured output and tool calls for any open model.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    serve = commands.add_parser("serve", prog=SERVE, help="serve a model", description=DESCRIPTION, allow_abbrev=False)
    _add_options(serve)
    given, engine_arguments = parser.parse_known_args(arguments)
    try:
        return _help_engine() if given.help_engine else _serve(_settings(given), engine_arguments)
    except (Refused, InvalidSetting) as error:
        serve.error(str(error))
    except (CannotServe, embedded.EmbeddedModelMissing, tracing.TracingUnavailable) as error:
        print(f"{SERVE}: {error}", file=sys.stderr)
        return 1


def _add_options(parser: argparse.ArgumentParser) -> None:
    for option in OPTIONS:
        default = getattr(Settings, option.field)
        told = f" ({option.variable})" if default in (None, False) else f" ({option.variable}; {default})"
        shared: dict[str, Any] = {"dest": option.field, "default": argparse.SUPPRESS, "help": option.help + told}
        if option.secret:
            continue
        if isinstance(default, bool):
            parser.add_argument(option.flag, action="store_true", **shared)
        else:
            parser.add_argument(
                option.flag, type=option.read, choices=option.choices, metavar=option.metavar or None, **shared
            )
    parser.add_argument("--help-engine", action="store_true", help="show vLLM's engine arguments and exit")


def _settings(given: argparse.Namespace) -> Settings:
    """The environment's settings, and over them those of the command line."""
    settings = from_environ(os.environ)
    settings = replace(settings, **{name: value for name, value in vars(given).items() if hasattr(settings, name)})
    Keys(settings.api_keys, settings.api_key_file)  # known to be of use before anything is loaded
    if settings.tool_format:
        _check_format(settings.tool_format)
    return settings


def _check_format(name: str) -> None:
    from grammars.formats import FORMATS

    if name not in FORMATS:
        raise Refused(f"--tool-format {name}: none of {', '.join(sorted(FORMATS))}")


def _serve(settings: Settings, engine_arguments: Sequence[str]) -> int:
    with _listener(settings) as listener:
        tracing.configure(os.environ)
        engine = _engine(engine_arguments, settings)
        from middleware import server
        from middleware.app import create_app
        from middleware.welcome import welcome

        name = engine.model_ids[0]

        def ready() -> None:
            _say(welcome(server.url(listener), name, guarded=settings.guarded))

        _say(f"Loading {name} into vLLM, which tells how it goes:")
        server.run(create_app(engine, settings=settings), listener, settings, ready)
    return 0


def _listener(settings: Settings) -> socket.socket:
    """Bound before the model is loaded: a port that is taken is known at once, not in a minute."""
    from middleware import server

    try:
        listener = server.bind(settings.host, settings.port)
    except server.CannotListen as error:
        raise CannotServe(f"{error}. Choose another with --host and --port.") from error
    if not (server.is_loopback(listener) or settings.guarded or settings.no_auth):
        listener.close()
        raise Refused(OPEN_DOOR.format(settings.host))
    return listener


def _engine(arguments: Sequence[str], settings: Settings) -> VllmEngine:
    if importlib.util.find_spec("vllm") is None:
        raise CannotServe(NO_VLLM)
    _say("Starting vLLM ...")
    from middleware.engines.vllm import VllmEngine
    from middleware.engines.vllm.arguments import engine_args

    return VllmEngine(engine_args(arguments, SERVE, _embedded), drafts=settings.drafts)


def _embedded() -> Mapping[str, Any]:
    """vLLM's arguments for the embedded model: small, and sooner ready than a compiled one."""
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB; vLLM would take half of the memory
    return {
        "model": str(embedded.model_path(_say)),
        "served_model_name": [embedded.MODEL_ID],
        "enforce_eager": True,
        # In full precision an answer does not depend on what else is in its batch, so a seed repeats.
        "dtype": "float32",
    }


def _help_engine() -> int:
    if importlib.util.find_spec("vllm") is None:
        raise CannotServe(NO_VLLM)
    from middleware.engines.vllm.arguments import help_text

    print(help_text(SERVE))
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
