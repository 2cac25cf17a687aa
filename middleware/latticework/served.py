"""A model to serve: its engine, and the settings that it has its own value of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec

from latticework.engines.base import Engine
from latticework.options import InvalidSetting
from latticework.settings import MODEL_OPTIONS, OPTIONS, ModelSettings, Settings

P = ParamSpec("P")

MODEL_NAMES = tuple(option.name for option in MODEL_OPTIONS)
# Reported to clients, though nothing but the engine reads them.
_REPORTED = frozenset(option.name for option in OPTIONS if option.scope == "engine" and not option.private)


def _with_keywords_of(
    settings: Callable[P, object],
) -> Callable[[Callable[..., None]], Callable[Concatenate[Served, Engine, P], None]]:
    """Type checkers see the fields of a dataclass as the keywords of `Served`."""
    return lambda initialize: initialize


class Served:
    """`create_app(Served(engine, tool_format="hermes"), another_engine)`.

    Attributes:
        engine: not started yet.
        own: the settings of this model alone.
        engine_settings: those that its engine was made with, to be reported.
    """

    @_with_keywords_of(ModelSettings)
    def __init__(self, engine: Engine, /, **own: Any) -> None:
        """Raises InvalidSetting for a setting that is not one of ModelSettings."""
        for name in own:
            if name not in MODEL_NAMES:
                raise InvalidSetting(f"{name!r} is not a setting of a model: those are {', '.join(MODEL_NAMES)}")
        self.engine: Engine = engine
        self.own: Mapping[str, Any] = own
        self.engine_settings: Mapping[str, Any] = {}

    @classmethod
    def of_config(cls, engine: Engine, settings: Mapping[str, Any]) -> Served:
        """A model with all settings of its [[models]] table: its own, and those that its engine was made with."""
        model = cls(engine, **{name: value for name, value in settings.items() if name in MODEL_NAMES})
        model.engine_settings = {name: value for name, value in settings.items() if name in _REPORTED}
        return model

    def settings(self, shared: Settings) -> Settings:
        """The app's settings, with this model's own in their places."""
        return replace(shared, **self.own)


def as_served(model: Engine | Served) -> Served:
    """An engine by itself has the settings of the app."""
    return model if isinstance(model, Served) else Served(model)
