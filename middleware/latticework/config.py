"""The TOML file of `latticework serve --config FILE`: settings, and a table of arguments for the engine.

port = 8001
requests_per_minute = 60

[vllm]
model = "Qwen/Qwen2.5-7B-Instruct"
tensor_parallel_size = 2

For several models, each has a table with its engine's table and, if they differ, its settings:

[[models]]
tool_format = "hermes"
[models.vllm]
model = "Qwen/Qwen2.5-7B-Instruct"
"""

from __future__ import annotations

import json
import tomllib
from argparse import Action, ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from latticework.options import InvalidSetting, Option
from latticework.settings import OPTIONS

CONFIG = "LATTICEWORK_CONFIG"
ENGINE_TABLES = ("vllm", "portable", "remote")
MODELS = "models"


@dataclass(frozen=True)
class Config:
    """A configuration file, or one of its [[models]].

    Attributes:
        file: its path, for messages; of a model, with its place in the file.
        settings: by name, with values as Settings takes them.
        engines: tables of engine arguments, by the engine's name, with values as TOML has them.
        models: one per [[models]]; empty without such tables.
    """

    file: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    engines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    models: tuple[Config, ...] = ()

    def engine_arguments(self, table: str, parser: ArgumentParser) -> list[str]:
        """An engine's table as a command line for its own parser. Raises InvalidSetting."""
        actions = {action.dest: action for action in parser._actions}
        words: list[str] = []
        for name, value in self.engines.get(table, {}).items():
            if name not in actions:
                raise InvalidSetting(f"{self.file}: [{table}]: unknown argument {name!r}{_suggestion(name, actions)}")
            words += _argument_words(f"{self.file}: [{table}] {name}", actions[name], value)
        return words


def load_config(file: str) -> Config:
    """Raises InvalidSetting, whose message names the file and has no key."""
    try:
        tables = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSetting(f"--config {file}: {error.strerror}") from None
    except UnicodeDecodeError:  # it would carry the contents of the file
        raise InvalidSetting(f"--config {file}: not valid UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidSetting(f"--config {file}: not valid TOML: {error}") from None
    models = _model_configs(file, tables)
    return replace(_config_of_table(file, tables, {option.name: option for option in OPTIONS}), models=models)


def _model_configs(file: str, tables: dict[str, Any]) -> tuple[Config, ...]:
    """Takes [[models]] out of the file's tables."""
    models = tables.pop(MODELS, None)
    if models is None:
        return ()
    if not isinstance(models, list) or not models or not all(isinstance(model, dict) for model in models):
        raise InvalidSetting(f"{file}: {MODELS} must be one or more tables that begin with [[{MODELS}]]")
    for table in tables.keys() & set(ENGINE_TABLES):
        raise InvalidSetting(f"{file}: [{table}] and [[{MODELS}]] can't both be set: use [{MODELS}.{table}]")
    known = {option.name: option for option in OPTIONS if option.scope != "app"}
    return tuple(
        _config_of_table(f"{file}: [[{MODELS}]] {number}", model, known) for number, model in enumerate(models, 1)
    )


def _config_of_table(place: str, table: Mapping[str, Any], known: Mapping[str, Option]) -> Config:
    engines = {name: _engine_table(place, name, table[name]) for name in table if name in ENGINE_TABLES}
    settings = {name: _setting_value(place, name, table[name], known) for name in table if name not in ENGINE_TABLES}
    return Config(place, settings, engines)


def _engine_table(place: str, name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidSetting(f"{place}: {name} must be a table, not {value!r}")
    return value


def _setting_value(place: str, name: str, value: Any, known: Mapping[str, Option]) -> Any:
    if name not in known:
        raise InvalidSetting(f"{place}: {_unknown_setting(name, known)}")
    option = known[name]
    where = f"{place}: {name}"
    try:
        converted = option.value(where, _setting_text(value))
    except (TypeError, InvalidSetting):
        raise option.invalid(where, value) from None
    if isinstance(value, dict) and option.kind.table:
        return converted
    if not isinstance(value, str) and type(value) not in _TOML_TYPES[type(converted)]:
        raise option.invalid(where, value)
    return converted


def _unknown_setting(name: str, known: Mapping[str, Option]) -> str:
    if any(option.name == name for option in OPTIONS):
        return f"{name!r} is a setting of the whole server: put it above the first [[{MODELS}]]"
    tables = " or ".join(f"[{table}]" for table in ENGINE_TABLES)
    return f"unknown setting {name!r}{_suggestion(name, known)} Engine arguments go into {tables}."


def _suggestion(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name."""
    near = get_close_matches(name, known, n=1)
    return f". Did you mean {near[0]!r}?" if near else "."


def _setting_text(value: Any) -> str:
    """As the environment has it. Raises TypeError for a list of anything but strings, and for what JSON lacks."""
    match value:
        case bool():
            return str(value).lower()
        case list():
            return ",".join(value)
        case dict():
            return json.dumps(value)
    return str(value)


# By the type of a setting, the TOML types that it takes besides strings, which are parsed as in the environment.
_TOML_TYPES: Mapping[type, tuple[type, ...]] = {
    bool: (bool,),
    int: (int,),
    float: (int, float),
    str: (),
    tuple: (list,),
}


def _argument_words(where: str, action: Action, value: Any) -> list[str]:
    """An engine argument as words of a command line."""
    flag = next(flag for flag in action.option_strings if flag.startswith("--"))
    match value:
        case True:
            return [flag]
        case False if action.nargs == 0:
            return [negation for negation in action.option_strings if negation.startswith("--no-")]
        case False:
            raise InvalidSetting(f"{where}: can't be false")
        case list() if action.nargs in ("+", "*"):
            return [flag, *map(str, value)]
        case list() | dict():
            return [f"{flag}={json.dumps(value, default=str)}"]
    return [f"{flag}={value}"]
