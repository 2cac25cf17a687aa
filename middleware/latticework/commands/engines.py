"""`--engine`: what runs the model. A table of makers; each imports what it makes, when it is asked for."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from latticework import embedded
from latticework.commands.command import Impossible, WrongUsage, say
from latticework.config import MODELS, Config
from latticework.settings import OPTIONS, Settings

if TYPE_CHECKING:
    from latticework.engines.base import Engine
    from latticework.served import Served

SERVE = "latticework serve"

NO_VLLM = """vLLM is not installed. In a checkout of latticework, on a machine with a GPU:
    pip install '.[gpu]'
and on a CPU: make install
Where vLLM does not run, --engine portable does: pip install '.[portable]'"""

NO_PORTABLE = """{} must be installed for --engine portable. In a checkout of latticework:
    pip install '.[portable]'"""

NO_REMOTE = """{} is not installed, which engines elsewhere need. In a checkout of latticework:
    pip install '.[remote]'"""
REMOTE = "remote"
REMOTE_NEEDS = ("aiohttp", "transformers")
REMOTE_TAKES = "Here there are --model, --tokenizer, --served-model-name and --trust-remote-code"

# Of the arguments that no setting claimed, the settings, and the file: its table [vllm] has the same arguments.
Make = Callable[[Sequence[str], Settings, Config], "Engine"]


def models(arguments: Sequence[str], settings: Settings, file: Config) -> list[Served]:
    """The file's [[models]], or the one that command line and file describe. Raises Impossible and WrongUsage."""
    from latticework.served import Served

    if not file.models:
        return [Served(engine(arguments, settings, file))]
    if arguments:
        raise WrongUsage(
            f"{' '.join(arguments)}: whose? {file.file} has [[{MODELS}]], each with a table for its engine's arguments"
        )
    return [_of_file(settings, model) for model in file.models]


def _of_file(settings: Settings, model: Config) -> Served:
    """What a model says for itself goes before all that is said for every model, wherever that is."""
    from latticework.served import MODEL_OPTIONS, Served

    made = {option.field for option in OPTIONS if option.of == "engine" and not option.private}
    return Served(
        engine((), replace(settings, **model.settings), model),
        {name: value for name, value in model.settings.items() if name in made},
        **{name: value for name, value in model.settings.items() if name in MODEL_OPTIONS},
    )


def engine(arguments: Sequence[str], settings: Settings, file: Config) -> Engine:
    """Not started yet. Raises Impossible and WrongUsage."""
    name = _name(settings)
    for other in file.engines.keys() - {name}:
        raise WrongUsage(f"{file.file}: [{other}] is for another engine than {name!r}, which is to run the model")
    return ENGINES[name](arguments, settings, file)


def help_text(settings: Settings) -> str:
    """The engine's own arguments. Raises Impossible and WrongUsage."""
    return HELP[_name(settings)]()


def _name(settings: Settings) -> str:
    match settings.engine:
        case (name,) if name in ENGINES and name != REMOTE:
            return name
        case addresses if addresses and all(map(_is_address, addresses)):
            return REMOTE
    known = ", ".join(name for name in ENGINES if name != REMOTE)
    raise WrongUsage(f"--engine {' '.join(settings.engine)}: none of {known}, and not all are addresses")


def _vllm(arguments: Sequence[str], settings: Settings, file: Config) -> Engine:
    _need_vllm()
    say("Starting vLLM ...")
    from latticework.engines.vllm import VllmEngine
    from latticework.engines.vllm.arguments import engine_args

    return VllmEngine(engine_args(arguments, SERVE, _embedded, file), drafts=settings.drafts)


def _vllm_help() -> str:
    _need_vllm()
    from latticework.engines.vllm.arguments import help_text

    return help_text(SERVE)


def _portable(arguments: Sequence[str], settings: Settings, file: Config) -> Engine:
    _need_portable()
    say("Starting Outlines ...")
    from latticework.engines.portable import PortableEngine
    from latticework.engines.portable.arguments import portable_args

    args = portable_args(arguments, SERVE, _embedded_portable, file)
    return PortableEngine(args, forced=settings.drafts != "off")


def _portable_help() -> str:
    _need_portable()
    from latticework.engines.portable.arguments import help_text

    return help_text(SERVE)


def _need_portable() -> None:
    missing = [name for name in ("outlines", "torch", "transformers") if importlib.util.find_spec(name) is None]
    if missing:
        raise Impossible(NO_PORTABLE.format(" and ".join(missing)))


def _need_vllm() -> None:
    if importlib.util.find_spec("vllm") is None:
        raise Impossible(NO_VLLM)


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _remote(arguments: Sequence[str], settings: Settings, file: Config) -> Engine:
    if missing := [name for name in REMOTE_NEEDS if importlib.util.find_spec(name) is None]:
        raise Impossible(NO_REMOTE.format(" and ".join(missing)))
    from latticework.engines.checkpoint import load
    from latticework.engines.remote import RemoteEngine
    from latticework.engines.remote.arguments import address, read

    told, rest = read(arguments, SERVE, file)
    if rest:
        raise WrongUsage(f"{rest[0]}: what runs the model elsewhere is told there. {REMOTE_TAKES}")
    try:
        addresses = [address(text) for text in settings.engine]
    except ValueError as error:
        raise WrongUsage(f"--engine: {error}") from None
    loads = partial(load, trust_remote_code=told.trust_remote_code, stock_matcher=True)
    return RemoteEngine(addresses, loads, names=told.names, tokenizer=told.tokenizer, key=settings.engine_api_key)


def _remote_help() -> str:
    from latticework.engines.remote.arguments import help_text

    return help_text(SERVE)


def _embedded() -> Mapping[str, Any]:
    """vLLM's arguments for the embedded model: small, and sooner ready than a compiled one."""
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB; vLLM would take half of the memory
    return {
        **_embedded_portable(),
        "enforce_eager": True,
        # In full precision an answer does not depend on what else is in its batch, so a seed repeats.
        "dtype": "float32",
    }


def _embedded_portable() -> Mapping[str, Any]:
    try:
        return {"model": str(embedded.model_path(say)), "served_model_name": [embedded.MODEL_ID]}
    except embedded.EmbeddedModelMissing as error:
        raise Impossible(str(error)) from error


ENGINES: Mapping[str, Make] = {"vllm": _vllm, "portable": _portable, REMOTE: _remote}
HELP: Mapping[str, Callable[[], str]] = {"vllm": _vllm_help, "portable": _portable_help, REMOTE: _remote_help}
