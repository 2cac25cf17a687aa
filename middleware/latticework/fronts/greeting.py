"""What a front end gets when it starts: all that the owner knows of its models, and the settings."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latticework.engines.base import Adapter
from latticework.options import InvalidSetting
from latticework.served import Served
from latticework.settings import Settings

NOT_SENT = """api_servers: {}: the tokenizer of this model can't be sent to other processes: {}. Set --api-servers 1, \
or save the tokenizer as a tokenizer.json and name that with --tokenizer."""


@dataclass(frozen=True)
class ModelFacts:
    """A loaded model.

    Attributes:
        tokenizer: pickled, for it is the same in all front ends.
        own, engine_settings: as `Served` has them.
        created: seconds since the epoch, of the owner.
    """

    model_ids: tuple[str, ...]
    adapters: Mapping[str, Adapter] | None
    max_model_len: int
    max_running: int
    tokenizer: bytes
    own: Mapping[str, Any]
    engine_settings: Mapping[str, Any]
    created: int


@dataclass(frozen=True)
class Greeting:
    settings: Settings
    models: Sequence[ModelFacts]


def facts_of_model(model: Served, created: int) -> ModelFacts:
    """Of a model whose engine is started. Raises InvalidSetting for one that several processes can't serve."""
    engine = model.engine
    try:
        tokenizer = pickle.dumps(engine.tokenizer, 5)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise InvalidSetting(NOT_SENT.format(engine.model_ids[0], error)) from None
    return ModelFacts(
        engine.model_ids,
        None if engine.adapters is None else dict(engine.adapters.loaded),
        engine.max_model_len,
        engine.max_running,
        tokenizer,
        model.own,
        model.engine_settings,
        created,
    )
