"""How a setting is read from text: its kind of value, and the option with its flag, its variable and its help."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Literal, TypeVar, get_args, get_type_hints

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# A setting configures the app, each of its models, or the engine of each model.
Scope = Literal["app", "model", "engine"]


class InvalidSetting(ValueError):
    """A setting that can't be used. The message names it and its value, but never a key."""


@dataclass(frozen=True)
class Kind(Generic[T_co]):
    """A kind of value.

    Attributes:
        parse: raises ValueError or KeyError for text that is not of this kind.
        expected: ends the error message `must be ...`.
        metavar: the placeholder in help texts; empty for a switch and for a choice.
        choices: the values of a choice.
        table: whether a configuration file may also have it as a table, which is parsed as JSON.
    """

    parse: Callable[[str], T_co]
    expected: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    table: bool = False


def text(metavar: str) -> Kind[str]:
    return Kind(str, "a string", metavar)


def integer(metavar: str, least: int, most: int) -> Kind[int]:
    return Kind(lambda given: _in_range(int(given), least, most), f"an integer from {least} to {most}", metavar)


def _one_of(choices: tuple[str, ...]) -> Kind[str]:
    def parse(given: str) -> str:
        if given not in choices:
            raise ValueError(given)
        return given

    return Kind(parse, f"one of {', '.join(choices)}", "", choices)


def comma_separated(given: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in given.split(",") if item.strip())


def api_keys(given: str) -> tuple[str, ...]:
    """Separated by commas or line ends. A line that starts with # is a comment."""
    lines = (line for line in given.splitlines() if not line.lstrip().startswith("#"))
    return tuple(key for line in lines for key in comma_separated(line))


def listed(given: str) -> tuple[str, ...]:
    """Separated by commas, or a JSON list, as vLLM takes it."""
    if not given.lstrip().startswith("["):
        return comma_separated(given)
    items = json.loads(given)
    if not all(isinstance(item, str) for item in items):
        raise ValueError(given)
    return tuple(items)


def _origins(given: str) -> tuple[str, ...]:
    origins = listed(given)
    if not all(origin == "*" or re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s?#]+", origin) for origin in origins):
        raise ValueError(given)
    return origins


def _path_prefix(given: str) -> str:
    """Without a slash at its end, so that "/" is the empty prefix."""
    if not re.fullmatch(r"(/[\w.~-]+)*/?", given, re.ASCII):
        raise ValueError(given)
    return given.rstrip("/")


def _in_range(value: Any, least: float, most: float) -> Any:
    if not least <= value <= most:  # not the other way round: NaN compares false
        raise ValueError(value)
    return value


_SWITCH: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("", "0", "false", "no", "off"), False),
}

SWITCH: Kind[bool] = Kind(lambda given: _SWITCH[given.strip().lower()], "true or false")
SECONDS: Kind[float] = Kind(
    lambda given: _in_range(float(given), 0.001, 86400.0), "a number of seconds from 0.001 to 86400", "SECONDS"
)
PATIENCE: Kind[float] = Kind(
    lambda given: _in_range(float(given), 0.0, 86400.0), "a number of seconds from 0 to 86400", "SECONDS"
)
BYTES = integer("BYTES", 1, 2**40)
POSITIVE = integer("N", 1, 2**40)
API_KEYS = Kind(api_keys, "a comma-separated list of keys", "KEYS")
NAMES: Kind[tuple[str, ...]] = Kind(listed, "names, separated by commas", "NAMES")
ORIGINS: Kind[tuple[str, ...]] = Kind(
    _origins, "origins such as https://example.com, without a path and separated by commas, or *", "ORIGINS"
)
PATH_PREFIX = Kind(_path_prefix, "a URL path such as /llm", "PATH")


def setting(
    default: T, kind: Kind[T], help: str, *, secret: bool = False, private: bool = False, singular: str = ""
) -> T:
    """A field of a dataclass of settings, with all that makes an option of it.

    Args:
        secret: not for the command line, where every user of the machine can read it, and in no message.
        private: not for clients: addresses and paths of the server's machine.
        singular: the flag's name, where each flag has one of several values.
    """
    return _field(default, kind=kind, help=help, secret=secret, private=private, singular=singular)


def switch(help: str) -> bool:
    """A setting that is off by default."""
    return _field(False, kind=SWITCH, help=help)


def choice(default: T, help: str) -> T:
    """A setting whose values are those of its Literal type."""
    return _field(default, kind=None, help=help)


def _field(default: T, **option: Any) -> T:
    described: T = field(default=default, repr=not option.get("secret"), metadata=option)  # what dataclass() expects
    return described


def _literals(kind: Any) -> tuple[str, ...]:
    """The values of a Literal, also of one that may be None."""
    values = get_args(kind)
    return values if all(isinstance(value, str) for value in values) else get_args(values[0])


@dataclass(frozen=True)
class Option:
    """A setting, and how it is called on the command line and in the environment."""

    name: str
    default: Any
    scope: Scope
    kind: Kind[Any]
    help: str
    secret: bool = False
    private: bool = False
    singular: str = ""

    @property
    def flag(self) -> str:
        return "--" + (self.singular or self.name).replace("_", "-")

    @property
    def variable(self) -> str:
        return "LATTICEWORK_" + self.name.upper()

    def value(self, place: str, given: str) -> Any:
        """`place` is where the text comes from. Raises InvalidSetting."""
        try:
            return self.kind.parse(given)
        except (ValueError, KeyError):
            raise self.invalid(place, given) from None

    def invalid(self, place: str, given: Any) -> InvalidSetting:
        """The error for a value that is not of this kind."""
        return InvalidSetting(f"{place}: must be {self.kind.expected}" + ("" if self.secret else f", not {given!r}"))


def options_of(settings: type, scope: Scope) -> tuple[Option, ...]:
    """The options of a dataclass of settings, without those that it inherits."""
    hints = get_type_hints(settings)
    return tuple(
        Option(
            of.name,
            of.default,
            scope,
            **{**of.metadata, "kind": of.metadata["kind"] or _one_of(_literals(hints[of.name]))},
        )
        for of in fields(settings)
        if of.name in settings.__annotations__
    )
