"""The models that this app serves, by name."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from latticework.aliases import Aliases
from latticework.compiling.compiler import Compiler
from latticework.compiling.workers import WorkerPool
from latticework.engines.base import Engine, EngineDead
from latticework.errors import BadRequest, UnknownModel
from latticework.model import Model, ModelState
from latticework.options import InvalidSetting
from latticework.peers import Peers
from latticework.served import Served, as_served
from latticework.settings import PRIVATE, Settings
from latticework.supervisor import Backoff, Supervisor
from latticework.telemetry import Metrics, merge_metrics

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Models:
    """All models of an app. The app's lifespan loads them, or else the first request."""

    def __init__(self, models: Sequence[Engine | Served], settings: Settings, peers: Peers | None = None) -> None:
        """`peers`: the other processes that serve the app; None: there are none.

        Raises InvalidSetting, also for two models with the same name, and for aliases that lead to none.
        """
        self.metrics = Metrics()
        self.peers = peers
        self._settings = settings
        own = settings.of_process
        self._compiler = Compiler(own, WorkerPool(own.compile_workers, own.compile_memory), self.metrics)
        self._models = tuple(self._model(as_served(model)) for model in models)
        self._loading = asyncio.Lock()
        self._loaded = False
        self._shared: dict[type[Any], Any] = {}
        self._aliases = Aliases(settings.aliases)
        self._refuse_names()

    def _model(self, model: Served) -> Model:
        settings = model.settings(self._settings)
        supervisor = Supervisor(
            model.engine,
            Backoff(settings.engine_restarts),
            self.metrics,
            hang_timeout=settings.engine_hang_timeout,
        )
        own = {name: value for name, value in model.own.items() if name not in PRIVATE}
        return Model(supervisor, settings, self._compiler, {**model.engine_settings, **own}, self.peers)

    def _refuse_names(self, *, loaded: bool = False) -> None:
        """Raises InvalidSetting. Some engines know their names only once they are loaded."""
        self._refuse_twins()
        if not self._aliases.models:
            return
        names = [name for model in self._models for name in model.names]
        self._aliases.refuse_taken(names)
        if loaded or not any(model.engine.learns_names for model in self._models):
            self._aliases.refuse_unknown(names)

    def _refuse_twins(self) -> None:
        for name, many in Counter(name for model in self._models for name in set(model.names)).items():
            if many > 1:
                raise InvalidSetting(
                    f"{many} models have the name {name!r}: names must be unique, set them by served_model_name"
                )

    def share(self, kind: type[T], value: T) -> None:
        """What `shared` returns for that kind."""
        self._shared[kind] = value

    def shared(self, kind: type[T], make: Callable[[], T]) -> T:
        """The app's one object of a kind that several doors have in common, made on first use."""
        if kind not in self._shared:
            self._shared[kind] = make()
        return cast(T, self._shared[kind])

    @property
    def all(self) -> tuple[Model, ...]:
        return self._models

    async def load(self) -> None:
        """Starts the engines that are not running, even if the waiting request is cancelled. Raises EngineDead."""
        if not self._loaded:
            self._load = asyncio.ensure_future(self._load_once())
            await asyncio.shield(self._load)

    async def _load_once(self) -> None:
        async with self._loading:
            if not self._loaded:
                await self._load_each()
                await self._compiler.start()
                self._loaded = True

    async def _load_each(self) -> None:
        """One after the other: vLLM measures a device's free memory, which another loading model would distort.

        If one fails, all are unloaded.
        """
        loaded: list[Model] = []
        try:
            for model in self._models:
                loaded.append(model)
                await model.load()
                self.metrics.initialize(model.names[0])
            self._refuse_names(loaded=True)
        except BaseException:
            await asyncio.gather(*(model.unload() for model in loaded))
            raise

    async def unload(self) -> None:
        """Stops all engines."""
        async with self._loading:
            self._loaded = False
            await asyncio.gather(self._compiler.stop(), *(model.unload() for model in self._models))

    @property
    def by_name(self) -> Mapping[str, Model]:
        """Every model under each of its names, and then under each alias that is one name. Complete once loaded."""
        own = {name: model for model in self._models for name in model.names}
        exact = self._aliases.exact.items()
        return own | {alias: own[name] for alias, name in exact if name in own}

    async def find(self, name: str) -> Model:
        """The model of that name or alias, loaded. Raises UnknownModel."""
        await self.load()  # some engines know their names only then
        for known in (name, self._aliases.model_of(name)):
            for model in self._models:
                if known in model.names:
                    return model
        raise self._unknown(name)

    def adapter_of(self, name: str) -> str | None:
        """The adapter that a request for this name or alias is for; None for a model itself."""
        for known in (name, self._aliases.model_of(name)):
            if known is not None and any(known in model.adapters for model in self._models):
                return known
        return None

    async def named(self, name: str | None) -> Model:
        """The same for a request that may leave the name out if there is only one model. Raises BadRequest."""
        await self.load()
        if name is None and len(self._models) > 1:
            raise BadRequest("Missing required parameter: 'model'.", param="model", code="missing_required_parameter")
        return await self.find(self._models[0].names[0] if name is None else name)

    def _unknown(self, name: str) -> UnknownModel:
        own = (other for model in self._models for other in model.names)
        known = ", ".join(f"'{other}'" for other in (*own, *self._aliases.models))
        return UnknownModel(f"The model '{name}' does not exist. This server has {known}.", param="model")

    async def metrics_text(self) -> bytes:
        """The metrics of the app and of its engines, in Prometheus' text format."""
        if self.peers is not None:
            return await self.peers.metrics()
        for name, state in (await self.states()).items():
            self.metrics.up.labels(name).set(state.status == "ok")
        return merge_metrics([self.metrics.text(), *(model.engine.metrics() for model in self._models)])

    async def warnings(self) -> Mapping[str, int]:
        """Counters that should stay near 0, over all models and all processes."""
        return self.metrics.warnings if self.peers is None else self.metrics.warnings_in(await self.peers.counts())

    async def states(self) -> Mapping[str, ModelState]:
        """The state of each model, by its first name."""
        return {model.names[0]: await model.state() for model in self._models}

    async def health(self) -> Mapping[str, ModelState]:
        """The same. Raises EngineDead if all models are down."""
        states = await self.states()
        if states and all(state.status == "down" for state in states.values()):
            raise EngineDead(_reasons_down(states))
        return states


def _reasons_down(states: Mapping[str, ModelState]) -> str:
    """The reasons of all models, with their names if there are several."""
    if len(states) == 1:
        return "".join(state.reason or "" for state in states.values())
    return " ".join(f"{name}: {state.reason}" for name, state in states.items())
