"""`--engine`: a table of functions that make engines. Each imports its engine only when it is called."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from latticework import embedded
from latticework.commands import CommandFailed, WrongUsage, say
from latticework.config import MODELS, Config
from latticework.settings import Settings

if TYPE_CHECKING:
    from latticework.engines.base import Engine
    from latticework.served import Served

PROG = "latticework serve"

NO_VLLM = """vLLM is not installed. In a checkout of latticework: make install, which installs the build for GPUs where
`nvidia-smi -L` lists one, and else the one for CPUs. In an environment of your own, with a GPU:
    pip install '.[gpu]'
Where vLLM doesn't run, use --engine portable: pip install '.[portable]'"""

NO_PORTABLE = """--engine portable needs {}, which {} not installed. In a checkout of latticework:
    pip install '.[portable]'"""

NO_REMOTE = """A remote engine or server needs {}, which {} not installed. In a checkout of latticework:
    pip install '.[remote]'"""
NO_CACHE = """{}: {}: the embedded model can't be converted. Set LATTICEWORK_CACHE to a folder that can be written, \
with 700 MB free, or name another model with --model"""
REMOTE = "remote"
# vLLM's load formats of models whose weights are in the usual files.
READ_AS_FILES = ("auto", "hf", "safetensors", "LoadFormat.AUTO")
PORTABLE_NEEDS = ("outlines", "torch", "transformers")
REMOTE_NEEDS = ("aiohttp", "transformers")
REMOTE_TAKES = "--model, --tokenizer, --served-model-name and --trust-remote-code"

# Takes the engine's arguments, the settings, and the file, which has more of those arguments in a table like [vllm].
MakeEngine = Callable[[Sequence[str], Settings, Config], "Engine"]


def served_models(arguments: Sequence[str], settings: Settings, config: Config) -> list[Served]:
    """The file's [[models]], or else one model. Raises CommandFailed and WrongUsage."""
    from latticework.served import Served

    if not config.models:
        return [Served(make_engine(arguments, settings, config))]
    if arguments:
        raise WrongUsage(
            f"{' '.join(arguments)}: can't be combined with [[{MODELS}]] in {config.file}: "
            f"put engine arguments into the engine's table of each model"
        )
    return [_model_of_config(settings, model) for model in config.models]


def _model_of_config(settings: Settings, model: Config) -> Served:
    """A model's own settings override those for all models, wherever the latter come from."""
    from latticework.served import Served

    return Served.of_config(make_engine((), replace(settings, **model.settings), model), model.settings)


def make_engine(arguments: Sequence[str], settings: Settings, config: Config) -> Engine:
    """Not started yet. Raises CommandFailed and WrongUsage."""
    name = _engine_name(settings)
    for other in config.engines.keys() - {name}:
        raise WrongUsage(f"{config.file}: [{other}] can't be set with engine {name!r}")
    return ENGINES[name](arguments, settings, config)


def engine_help(settings: Settings) -> str:
    """The engine's own arguments. Raises CommandFailed and WrongUsage."""
    return HELP[_engine_name(settings)]()


def _engine_name(settings: Settings) -> str:
    match settings.engine:
        case (name,) if name in ENGINES and name != REMOTE:
            return name
        case addresses if addresses and all(map(_is_address, addresses)):
            return REMOTE
    known = ", ".join(name for name in ENGINES if name != REMOTE)
    raise WrongUsage(f"--engine {','.join(settings.engine)}: must be one of {known}, or addresses (http://HOST:PORT)")


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _vllm(arguments: Sequence[str], settings: Settings, config: Config) -> Engine:
    _require(("vllm",), NO_VLLM)
    say("Starting vLLM ...")
    from latticework.engines.vllm import VllmEngine
    from latticework.engines.vllm.arguments import parse_engine_arguments

    _require_device()
    args, adapters = parse_engine_arguments(arguments, PROG, _embedded_vllm, config)
    reads_weights = str(args.load_format) in READ_AS_FILES and not getattr(args, "model_weights", "")
    _refuse_broken(args.model, args.tokenizer, weights=reads_weights)
    return VllmEngine(args, drafts=settings.drafts, adapters=adapters)


def _vllm_help() -> str:
    _require(("vllm",), NO_VLLM)
    _require_device()
    from latticework.engines.vllm.arguments import vllm_help

    return vllm_help(PROG)


def _portable(arguments: Sequence[str], settings: Settings, config: Config) -> Engine:
    _require(PORTABLE_NEEDS, NO_PORTABLE)
    say("Starting Outlines ...")
    from latticework.engines.portable import PortableEngine
    from latticework.engines.portable.arguments import portable_args

    args = portable_args(arguments, PROG, _embedded_portable, config)
    _refuse_broken(args.model)
    return PortableEngine(args, forced=settings.drafts != "off")


def _portable_help() -> str:
    _require(PORTABLE_NEEDS, NO_PORTABLE)
    from latticework.engines.portable.arguments import portable_help

    return portable_help(PROG)


def require_remote() -> None:
    """Raises CommandFailed without the packages that send requests to servers."""
    _require(REMOTE_NEEDS, NO_REMOTE)


def _remote(arguments: Sequence[str], settings: Settings, config: Config) -> Engine:
    require_remote()
    from latticework.engines.checkpoint import load_tokenizer
    from latticework.engines.remote import RemoteEngine
    from latticework.engines.remote.arguments import base_url, parse_remote_arguments

    own, rest = parse_remote_arguments(arguments, PROG, config)
    if rest:
        raise WrongUsage(f"{rest[0]}: must be given to the remote engine. Here, it takes {REMOTE_TAKES}")
    try:
        addresses = [base_url(text) for text in settings.engine]
    except ValueError as error:
        raise WrongUsage(f"--engine: {error}") from None
    load = partial(load_tokenizer, trust_remote_code=own.trust_remote_code, stock_matcher=True)
    return RemoteEngine(addresses, load, names=own.names, tokenizer=own.tokenizer, key=settings.engine_api_key)


def _remote_help() -> str:
    from latticework.engines.remote.arguments import remote_help

    return remote_help(PROG)


def _refuse_broken(model: str, tokenizer: str | None = None, *, weights: bool = True) -> None:
    """Raises CommandFailed."""
    from latticework.engines.model_files import BrokenModel, refuse_broken_model

    try:
        refuse_broken_model(model, tokenizer, weights=weights)
    except BrokenModel as error:
        raise CommandFailed(f"{error}.") from None


def _require(packages: Sequence[str], message: str) -> None:
    """Raises CommandFailed with the packages that are not installed."""
    if missing := [name for name in packages if importlib.util.find_spec(name) is None]:
        raise CommandFailed(message.format(" and ".join(missing), "is" if len(missing) == 1 else "are"))


def _require_device() -> None:
    """Raises CommandFailed. vLLM's own error, a traceback, says neither what it has looked for nor what to do."""
    from latticework.engines.vllm.devices import no_device

    if (missing := no_device()) is not None:
        raise CommandFailed(missing)


def _embedded_vllm() -> Mapping[str, Any]:
    """vLLM's arguments for the embedded model, which make it small and quick to start."""
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB; by default vLLM takes half of the memory
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
        raise CommandFailed(str(error)) from error
    except OSError as error:
        raise CommandFailed(NO_CACHE.format(error.filename or embedded.cache_directory(), error.strerror)) from None


ENGINES: Mapping[str, MakeEngine] = {"vllm": _vllm, "portable": _portable, REMOTE: _remote}
HELP: Mapping[str, Callable[[], str]] = {"vllm": _vllm_help, "portable": _portable_help, REMOTE: _remote_help}
