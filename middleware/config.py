"""The TOML file of `latticework serve --config FILE`: settings by their names, and vLLM's engine arguments by theirs.

port = 8001
requests_per_minute = 60

[vllm]
model = "Qwen/Qwen2.5-7B-Instruct"
tensor_parallel_size = 2
"""

from __future__ import annotations

import json
import tomllib
from argparse import Action, ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from middleware.settings import OPTIONS, InvalidSetting, Option, invalid

CONFIG = "LATTICEWORK_CONFIG"
VLLM = "vllm"


@dataclass(frozen=True)
class Config:
    """What a file says. `settings` has values as Settings takes them, `engine` as TOML has them."""

    file: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    engine: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def engine_arguments(self, parser: ArgumentParser) -> list[str]:
        """The table [vllm] as a command line for the engine's own parser. Raises InvalidSetting."""
        actions = {action.dest: action for action in parser._actions}
        spelled: list[str] = []
        for name, value in self.engine.items():
            if name not in actions:
                raise _unknown(f"{self.file}: [{VLLM}]", name, actions, "one of vLLM's engine arguments")
            spelled += _spelled(f"{self.file}: [{VLLM}] {name}", actions[name], value)
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
    engine = found.pop(VLLM, {})
    if not isinstance(engine, dict):
        raise InvalidSetting(f"{file}: {VLLM!r} must be a table")
    return Config(file, {name: _value(file, name, value) for name, value in found.items()}, engine)


def _value(file: str, name: str, given: Any) -> Any:
    known = {option.field: option for option in OPTIONS}
    if name not in known:
        raise _unknown(file, name, known, f"a setting; vLLM's engine arguments go into the table [{VLLM}]")
    try:
        return _converted(known[name], given)
    except (TypeError, ValueError, KeyError):
        raise invalid(f"{file}: {name}", known[name], given) from None


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
