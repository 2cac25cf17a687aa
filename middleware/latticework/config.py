"""The TOML file of `latticework serve --config FILE`: settings by their names, and an engine's arguments by theirs.

port = 8001
requests_per_minute = 60

[vllm]
model = "Qwen/Qwen2.5-7B-Instruct"
tensor_parallel_size = 2

Or several models, each with those settings that are a model's and with its engine's table:

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

from latticework.settings import OPTIONS, InvalidSetting, Option, invalid

CONFIG = "LATTICEWORK_CONFIG"
# Tables of engine arguments, and what those are called where there is no such one.
TABLES: Mapping[str, str] = {
    "vllm": "one of vLLM's engine arguments",
    "portable": "one of the portable engine's arguments",
    "remote": "one of the arguments that engines elsewhere take here",
}
MODELS = "models"


@dataclass(frozen=True)
class Config:
    """What a file says, or what one of its [[models]] does.

    Attributes:
        file: where it stands, for messages.
        settings: by name, with values as Settings takes them.
        engines: their tables, by the engine's name, with values as TOML has them.
        models: one for each of [[models]]; none where the file has no such table.
    """

    file: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    engines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    models: tuple[Config, ...] = ()

    def engine_arguments(self, table: str, parser: ArgumentParser) -> list[str]:
        """An engine's table as a command line for its own parser. Raises InvalidSetting."""
        actions = {action.dest: action for action in parser._actions}
        spelled: list[str] = []
        for name, value in self.engines.get(table, {}).items():
            if name not in actions:
                raise _unknown(f"{self.file}: [{table}]", name, actions, TABLES[table])
            spelled += _spelled(f"{self.file}: [{table}] {name}", actions[name], value)
        return spelled


def read(file: str) -> Config:
    """Raises InvalidSetting, which names the file and tells no key."""
    try:
        found = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSetting(f"--config {file}: {error.strerror}") from None
    except UnicodeDecodeError:  # it would carry what the file holds
        raise InvalidSetting(f"--config {file}: it is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidSetting(f"--config {file}: it is not TOML: {error}") from None
    models = _models(file, found)
    whole = _config(file, found, {option.field: option for option in OPTIONS}, "a setting")
    return replace(whole, models=models)


def _models(file: str, found: dict[str, Any]) -> tuple[Config, ...]:
    """Takes [[models]] out of what was found."""
    models = found.pop(MODELS, None)
    if models is None:
        return ()
    if not isinstance(models, list) or not models or not all(isinstance(model, dict) for model in models):
        raise InvalidSetting(f"{file}: {MODELS!r} must be tables, each of which begins with [[{MODELS}]]")
    for table in found.keys() & TABLES.keys():
        raise InvalidSetting(f"{file}: [{table}] says what [[{MODELS}]] says: give each model its [{MODELS}.{table}]")
    known = {option.field: option for option in OPTIONS if option.of != "app"}
    return tuple(
        _config(f"{file}: [[{MODELS}]] {number}", model, known, "a model's own setting")
        for number, model in enumerate(models, 1)
    )


def _config(place: str, found: Mapping[str, Any], known: Mapping[str, Option], what: str) -> Config:
    engines = {name: _table(place, name, found[name]) for name in found if name in TABLES}
    settings = {name: _value(place, name, found[name], known, what) for name in found if name not in TABLES}
    return Config(place, settings, engines)


def _table(place: str, name: str, given: Any) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise InvalidSetting(f"{place}: {name!r} must be a table")
    return given


def _value(place: str, name: str, given: Any, known: Mapping[str, Option], what: str) -> Any:
    if name not in known:
        raise _unknown(place, name, known, f"{what}; {_elsewhere(name)}")
    try:
        return _converted(known[name], given)
    except (TypeError, ValueError, KeyError):
        raise invalid(f"{place}: {name}", known[name], given) from None


def _elsewhere(name: str) -> str:
    """Where a name that is none here would be one."""
    if any(option.field == name for option in OPTIONS):
        return f"one of the whole server goes above the first [[{MODELS}]]"
    return f"an engine's arguments go into its table, [{'] or ['.join(TABLES)}]"


def _converted(option: Option, given: Any) -> Any:
    """Strings are read as the environment's are; other values must be of the setting's own type."""
    value = option.value(_text(given))
    if not isinstance(given, str) and type(given) not in _LIKE[type(value)]:
        raise TypeError(given)
    return value


def _text(given: Any) -> str:
    match given:
        case bool():
            return str(given).lower()
        case list():
            return ",".join(given)
    return str(given)


_LIKE: Mapping[type, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (int, float), str: (), tuple: (list,)}


def _unknown(where: str, name: str, known: Iterable[str], what: str) -> InvalidSetting:
    near = get_close_matches(name, known, n=1)
    return InvalidSetting(f"{where}: {name!r} is not {what}" + (f". Did you mean {near[0]!r}?" if near else ""))


def _spelled(where: str, action: Action, value: Any) -> list[str]:
    flag = next(flag for flag in action.option_strings if flag.startswith("--"))
    match value:
        case True:
            return [flag]
        case False if action.nargs == 0:
            return [negation for negation in action.option_strings if negation.startswith("--no-")]
        case False:
            raise InvalidSetting(f"{where}: false is not valid")
        case list() if action.nargs in ("+", "*"):
            return [flag, *map(str, value)]
        case list() | dict():
            return [f"{flag}={json.dumps(value, default=str)}"]
    return [f"{flag}={value}"]
