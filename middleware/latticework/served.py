"""A model as it is to be served: its engine, and the settings that are its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypedDict, Unpack

from latticework.engines.base import Engine
from latticework.settings import OPTIONS, InvalidSetting, Settings

OWN = tuple(option.field for option in OPTIONS if option.of == "model")


class ModelSettings(TypedDict, total=False):
    """The options that are a model's; one that is left out is as the whole app has it."""

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
        made: those that its engine was made by, which are no more than told.
    """

    engine: Engine
    own: Mapping[str, Any]
    made: Mapping[str, Any]

    def __init__(self, engine: Engine, made: Mapping[str, Any] = {}, /, **own: Unpack[ModelSettings]) -> None:
        """Raises InvalidSetting for a setting that no model has for itself."""
        for name in own:
            if name not in OWN:
                raise InvalidSetting(f"{name!r} is not a model's own setting: those are {', '.join(OWN)}")
        for field, value in (("engine", engine), ("own", dict(own)), ("made", dict(made))):
            object.__setattr__(self, field, value)

    def settings(self, shared: Settings) -> Settings:
        """The app's, with the model's own in their places."""
        return replace(shared, **self.own)


def served(model: Engine | Served) -> Served:
    """An engine alone is served as the whole app is."""
    return model if isinstance(model, Served) else Served(model)
