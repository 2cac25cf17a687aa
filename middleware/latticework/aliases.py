"""Aliases: names by which requests may call a model besides its own. `claude-*=MODEL` is one for each such name."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from latticework.options import InvalidSetting, Kind, listed

WILDCARD = "*"
# The longest name that a prefix matches: each chunk of a stream repeats the name of its request.
MOST_LETTERS = 256
EXPECTED = f"NAME=MODEL, where NAME may have one {WILDCARD} at its end"


def _aliases(given: str) -> tuple[str, ...]:
    """Separated by commas, or a JSON list, or a JSON object of models by alias. Raises ValueError."""
    if not given.lstrip().startswith("{"):
        return tuple("=".join(_pair(alias)) for alias in listed(given))
    pairs: list[tuple[Any, Any]] = json.loads(given, object_pairs_hook=list)
    return tuple("=".join(_checked(name, model)) for name, model in pairs)


def _pair(alias: str) -> tuple[str, str]:
    """The name may have no `=`; the model's, which may be a path, may. Raises ValueError."""
    name, _, model = alias.partition("=")
    return _checked(name.strip(), model.strip())


def _checked(name: Any, model: Any) -> tuple[str, str]:
    """Raises ValueError."""
    if not (isinstance(name, str) and isinstance(model, str) and name and model):
        raise ValueError(name)
    if WILDCARD in name[:-1] or "=" in name:
        raise ValueError(name)
    return name, model


ALIASES: Kind[tuple[str, ...]] = Kind(_aliases, EXPECTED, "NAME=MODEL", table=True)


class Aliases:
    """The aliases of an app.

    Attributes:
        models: the name of a model by alias, in the order of the setting.
    """

    def __init__(self, aliases: Iterable[str]) -> None:
        """As in `Settings.aliases`. Raises InvalidSetting, also for two aliases of one name."""
        self.models: dict[str, str] = {}
        for alias in aliases:
            try:
                name, model = _pair(alias)
            except (AttributeError, ValueError):
                raise InvalidSetting(f"aliases: must be {EXPECTED}, not {alias!r}") from None
            if name in self.models:
                raise InvalidSetting(f"aliases: {name!r} is set twice, for {self.models[name]!r} and for {model!r}")
            self.models[name] = model
        wildcards = (name.removesuffix(WILDCARD) for name in self.models if name.endswith(WILDCARD))
        self._prefixes = sorted(wildcards, key=len, reverse=True)

    @property
    def exact(self) -> Mapping[str, str]:
        """Those that are one name each."""
        return {name: model for name, model in self.models.items() if not name.endswith(WILDCARD)}

    def model_of(self, name: str) -> str | None:
        """The name of the model that an alias is for: an exact one, or else the one with the longest prefix."""
        if name in self.models or len(name) > MOST_LETTERS:
            return self.models.get(name)
        prefix = next((prefix for prefix in self._prefixes if name.startswith(prefix)), None)
        return None if prefix is None else self.models[prefix + WILDCARD]

    def refuse_taken(self, served: Collection[str]) -> None:
        """Raises InvalidSetting for an alias that is the name of a served model."""
        for name in self.models.keys() & set(served):
            raise InvalidSetting(f"aliases: {name!r} is the name of a model that this server has")

    def refuse_unknown(self, served: Collection[str]) -> None:
        """Raises InvalidSetting for an alias of a model that is not served."""
        for name, model in self.models.items():
            if model not in served:
                known = ", ".join(map(repr, served))
                raise InvalidSetting(f"aliases: {name!r} is an alias of {model!r}, but this server has {known}")
