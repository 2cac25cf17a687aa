"""LoRA adapters of a vLLM engine, each under a name of its own."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vllm.lora.request import LoRARequest

from latticework.engines.base import Adapter, AdapterRefused, EngineDead
from latticework.engines.children import reason_of
from latticework.options import InvalidSetting
from turngrammar.errors import cut

logger = logging.getLogger(__name__)

OPTION = "--lora-modules"
FORMS = 'must be NAME=PATH, or a JSON object: {"name": ..., "path": ...}'
# vLLM's names in a JSON object, and those of `Adapter`.
FIELDS = {"name": "name", "path": "path", "base_model_name": "parent", "is_3d_lora_weight": "fused_experts"}
REASON_LENGTH = 300
# How vLLM passes on what its workers say.
_OF_WORKER = re.compile(r"failed with error '(?P<why>.*)', please check the stack trace", re.DOTALL)


def parse_adapters(words: Iterable[str]) -> Sequence[Adapter]:
    """In both of vLLM's forms. Raises InvalidSetting."""
    return [adapter for word in words for adapter in _parsed(word)]


def _parsed(word: str) -> Sequence[Adapter]:
    if not word.lstrip().startswith(("{", "[")):
        name, _, path = word.partition("=")
        return [_checked(word, {"name": name, "path": path})]
    try:
        value = json.loads(word)
    except ValueError as error:
        raise InvalidSetting(f"{OPTION} {word}: not valid JSON: {error}") from None
    return [_checked(word, each) for each in (value if isinstance(value, list) else [value])]


def _checked(word: str, given: Any) -> Adapter:
    if not isinstance(given, dict) or not given.keys() <= FIELDS.keys():
        raise InvalidSetting(f"{OPTION} {word}: {FORMS}")
    name, path = given.get("name"), given.get("path")
    if not (isinstance(name, str) and isinstance(path, str) and name and path):
        raise InvalidSetting(f"{OPTION} {word}: {FORMS}")
    return Adapter(**{FIELDS[key]: value for key, value in given.items()})


class VllmAdapters:
    """Those that are named at start, and those that are loaded later. A restarted engine loads them all again."""

    def __init__(self, named: Sequence[Adapter], models: Sequence[str]) -> None:
        """`models`: the names of the model itself. Raises InvalidSetting."""
        taken = set(models)
        for adapter in named:
            if adapter.name in taken:
                raise InvalidSetting(f"{OPTION}: {adapter.name!r} is a name of the model, or of another adapter")
            taken.add(adapter.name)
        self._adapters: dict[str, Adapter] = {adapter.name: adapter for adapter in named}
        self._requests: dict[str, LoRARequest] = {}
        self._numbers = itertools.count(1)
        self._changing = asyncio.Lock()
        self._llm: Any = None
        self._started = False

    @property
    def loaded(self) -> Mapping[str, Adapter]:
        return self._adapters

    async def start(self, llm: Any) -> None:
        """Raises EngineDead for one that is named at start. Later starts leave out what can't be loaded any more."""
        self._llm = llm
        for adapter in tuple(self._adapters.values()):
            try:
                await self._add(adapter, again=False)
            except AdapterRefused as error:
                if not self._started:
                    raise EngineDead(f"{OPTION} {adapter.name}={adapter.path}: {error}") from error
                logger.error("The adapter %s is gone: %s", adapter.name, error)
                self.unload(adapter.name)
        self._started = True

    async def load(self, adapter: Adapter) -> None:
        async with self._changing:
            known = self._adapters.get(adapter.name)
            await self._add(adapter, again=known is not None)
            if known is not None and known.path == adapter.path:
                logger.warning(
                    "The adapter %s is loaded again from %s. The prefix cache keeps what its old weights computed: "
                    "load changed weights from another path.",
                    adapter.name,
                    adapter.path,
                )
            self._adapters[adapter.name] = adapter

    def unload(self, name: str) -> None:
        del self._adapters[name]
        self._requests.pop(name, None)

    def request(self, name: str | None) -> LoRARequest | None:
        """What vLLM gets of it with a prompt. Raises KeyError for one that has been unloaded."""
        return None if name is None else self._requests[name]

    async def _add(self, adapter: Adapter, *, again: bool) -> None:
        """Raises AdapterRefused."""
        known = self._requests.get(adapter.name)
        request = LoRARequest(
            adapter.name,
            next(self._numbers) if known is None else known.lora_int_id,
            adapter.path,
            base_model_name=adapter.parent,
            load_inplace=again,
            is_3d_lora_weight=adapter.fused_experts,
        )
        try:
            await self._llm.add_lora(request)
        except Exception as error:  # the boundary of vLLM, which says in a bare Exception what went wrong in a worker
            raise AdapterRefused(_why(error)) from error
        # Requests must not load it once more.
        self._requests[adapter.name] = LoRARequest(
            request.lora_name,
            request.lora_int_id,
            request.lora_path,
            base_model_name=request.base_model_name,
            is_3d_lora_weight=request.is_3d_lora_weight,
        )


def _why(error: Exception) -> str:
    found = _OF_WORKER.search(str(error))
    text = found["why"] if found else reason_of(error).removeprefix("Exception: ")
    return cut(" ".join(text.split()), REASON_LENGTH)
