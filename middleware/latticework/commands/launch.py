"""What `latticework serve` is to serve: collected from the command line, the environment and the configuration file."""

from __future__ import annotations

import os
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latticework.commands import known_format
from latticework.config import CONFIG, Config, load_config
from latticework.options import InvalidSetting, Option, Scope
from latticework.settings import OPTIONS, Settings, environment_settings

GROUPS: Mapping[Scope, str] = {
    "app": "server options",
    "engine": "engine options (each of [[models]] in a configuration file can have its own)",
    "model": "model options (each of [[models]] in a configuration file can have its own)",
}


@dataclass(frozen=True)
class Launch:
    """What to serve.

    Attributes:
        settings: of the command line, else of the environment, else of the file, else their defaults.
        engine_arguments: words of the command line that no option took.
        config: the file, for its engine tables and its models.
    """

    settings: Settings
    engine_arguments: Sequence[str]
    config: Config


def add_launch_options(parser: ArgumentParser, without: Collection[str] = ()) -> None:
    """`without`: the settings that have no flag."""
    groups = {scope: parser.add_argument_group(title) for scope, title in GROUPS.items()}
    for option in OPTIONS:
        if not option.secret and option.name not in without:
            groups[option.scope].add_argument(option.flag, **_argument(option))
    groups["app"].add_argument(
        "--config",
        metavar="FILE",
        default=os.environ.get(CONFIG),
        help=f"TOML file of settings and, in a table like [vllm], engine arguments ({CONFIG})",
    )


def _argument(option: Option) -> dict[str, Any]:
    default = ",".join(option.default) if isinstance(option.default, tuple) else option.default
    source = option.variable if default in (None, False, "") else f"{option.variable}; {default}"
    shared = {"dest": option.name, "default": SUPPRESS, "help": f"{option.help} ({source})"}
    if isinstance(default, bool):
        return {**shared, "action": "store_true"}
    return {
        **shared,
        "action": "extend" if isinstance(option.default, tuple) else "store",
        "type": _argument_value(option),
        "metavar": option.kind.metavar or f"{{{','.join(option.kind.choices)}}}",
    }


def _argument_value(option: Option) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        try:
            return option.value(option.flag, text)
        except InvalidSetting as error:  # argparse names the flag itself
            raise ArgumentTypeError(str(error).removeprefix(f"{option.flag}: ")) from None

    return value


def launch_of_words(arguments: Sequence[str], prog: str) -> Launch:
    """As `latticework serve` reads those words. Raises WrongUsage and InvalidSetting; exits for a wrong option."""
    parser = ArgumentParser(prog, allow_abbrev=False)
    add_launch_options(parser)
    given, rest = parser.parse_known_args(arguments)
    return collect_launch(given, rest)


def launch_flags(given: Namespace) -> list[str]:
    """The flags that were given on the command line, --config left out."""
    return [option.flag for option in OPTIONS if option.name in vars(given)]


def collect_launch(given: Namespace, engine_arguments: Sequence[str]) -> Launch:
    """Raises WrongUsage and InvalidSetting."""
    from latticework.aliases import Aliases
    from latticework.http.auth import ApiKeys

    config = load_config(given.config) if given.config else Config()
    flags = {name: _hashable(value) for name, value in vars(given).items() if name in _NAMES}
    settings = Settings(**{**config.settings, **environment_settings(os.environ), **flags})
    # Both raise for what is wrong in them, before a model is loaded.
    ApiKeys(settings.api_keys, settings.api_key_file)
    Aliases(settings.aliases)
    formats = {f"{model.file}: tool_format": model.settings.get("tool_format") for model in config.models}
    for place, name in {"--tool-format": settings.tool_format, **formats}.items():
        if name is not None:
            known_format(place, name)
    return Launch(settings, engine_arguments, config)


_NAMES = frozenset(option.name for option in OPTIONS)


def _hashable(value: Any) -> Any:
    """A flag that can be given several times comes as a list."""
    return tuple(value) if isinstance(value, list) else value
