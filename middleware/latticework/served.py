"""A model to serve: its engine, and its own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypedDict, Unpack

from latticework.engines.base import Engine
from latticework.settings import OPTIONS, InvalidSetting, Settings

MODEL_OPTIONS = tuple(option.field for option in OPTIONS if option.of == "model")


class ModelSettings(TypedDict, total=False):
    """The options that a model can set for itself; the app's settings are the defaults."""

    schema_in_prompt: Literal["auto", "always", "never"]
    tool_format: str | None
    markup_in_text: bool
    chat_template: str | None
    max_queue: int
    engine_restarts: int
    attempts: int
    max_tool_calls: int


@dataclass(frozen=True, init=False)
class Served:
    """`create_app(Served(engine, tool_format="hermes"), another_engine)`.

    Attributes:
        engine: not started yet.
        own: the settings of this model alone.
        engine_settings: the settings that its engine was created with, for information.
    """

    engine: Engine
    own: Mapping[str, Any]
    engine_settings: Mapping[str, Any]

    def __init__(
        self, engine: Engine, engine_settings: Mapping[str, Any] = {}, /, **own: Unpack[ModelSettings]
    ) -> None:
        """Raises InvalidSetting for a setting that models can't set for themselves."""
        for name in own:
            if name not in MODEL_OPTIONS:
                raise InvalidSetting(f"{name!r} is not a model's own setting: those are {', '.join(MODEL_OPTIONS)}")
        for field, value in (("engine", engine), ("own", dict(own)), ("engine_settings", dict(engine_settings))):
            object.__setattr__(self, field, value)

    def settings(self, app: Settings) -> Settings:
        """The app's, overridden by the model's own."""
        return replace(app, **self.own)


def as_served(model: Engine | Served) -> Served:
    """An engine alone has the settings of the app."""
    return model if isinstance(model, Served) else Served(model)
