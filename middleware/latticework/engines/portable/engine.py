"""A model in this process. Forward passes run in a single thread, where concurrent answers take turns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, generate_latest

from latticework.engines.base import EngineDead, EngineError, EngineFailed, Piece, Sampling
from latticework.engines.portable.answer import PortableAnswer
from latticework.engines.portable.arguments import PortableArgs
from latticework.engines.portable.loading import LoadedModel, load_model
from latticework.engines.portable.prefixes import MOST_BYTES, Prefixes
from latticework.engines.sampling import unsupported
from latticework.engines.tokenizer import ModelTokenizer

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Shared by all portable engines of this process: a metric can't be registered twice.
REGISTRY = CollectorRegistry()
PASSES = Counter(
    "latticework_forward_passes", "Forward passes of the model, each for one answer.", ["model"], registry=REGISTRY
)


@dataclass(frozen=True)
class _Running:
    """The parts of a started engine. Only `thread` runs the model."""

    loaded: LoadedModel
    prefixes: Prefixes
    thread: ThreadPoolExecutor
    places: asyncio.Semaphore


class PortableEngine:
    """Nothing is loaded before `start`. What is known of the model stays after `stop`."""

    adapters = None
    recovers = False
    learns_names = False
    degraded: tuple[str, ...] = ()
    details: Mapping[str, str] = MappingProxyType({})

    def __init__(self, args: PortableArgs, *, forced: bool = True) -> None:
        """`forced`: whether tokens that the grammar forces are read together, not in a forward pass each."""
        self._args = args
        self._forced = forced
        self._running: _Running | None = None
        self._tokenizer: ModelTokenizer | None = None
        self._max_model_len = 0
        self._answers = 0
        self._passes = PASSES.labels(self.model_ids[0])

    @property
    def model_ids(self) -> tuple[str, ...]:
        return tuple(self._args.served_model_name) or (self._args.model,)

    @property
    def max_model_len(self) -> int:
        return self._max_model_len

    @property
    def max_running(self) -> int:
        return self._args.max_num_seqs

    @property
    def tokenizer(self) -> ModelTokenizer:
        if self._tokenizer is None:
            raise EngineDead(NOT_STARTED)
        return self._tokenizer

    async def start(self) -> None:
        thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        try:
            loaded = await asyncio.get_running_loop().run_in_executor(thread, load_model, self._args)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        # Large vocabularies take seconds: what is made of them is made before the first request.
        await asyncio.to_thread(lambda: loaded.tokenizer.token_bytes)
        self._tokenizer, self._max_model_len = loaded.tokenizer, loaded.max_model_len
        prefixes = Prefixes(MOST_BYTES if self._args.enable_prefix_caching else 0)
        self._running = _Running(loaded, prefixes, thread, asyncio.Semaphore(self.max_running))

    async def stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await asyncio.to_thread(running.thread.shutdown)

    async def check_health(self) -> None:
        self._started()

    def heartbeat(self) -> None:
        """Its thread can't be asked while it computes, and can't be ended."""

    def running(self) -> int:
        return self._answers

    def metrics(self) -> bytes:
        return generate_latest(REGISTRY)

    async def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        return unsupported(sampling, "portable")

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        running = self._started()
        self._answers += 1
        try:
            async with running.places:
                parts = (running.loaded, running.prefixes, prompt, sampling)
                answer = await _failing_alone(asyncio.to_thread(PortableAnswer, *parts, forces=self._forced))
                finished = False
                try:
                    while not finished:
                        piece = await self._step(running, answer)
                        if piece is not None:
                            finished = piece.finish is not None
                            yield piece
                finally:
                    if self._running is running:
                        running.thread.submit(answer.leave)  # after a step that may be running
        finally:
            self._answers -= 1

    def _started(self) -> _Running:
        if self._running is None:
            raise EngineDead(NOT_STARTED)
        return self._running

    async def _step(self, running: _Running, answer: PortableAnswer) -> Piece | None:
        """One turn; turns are in the order in which they were requested."""
        if self._running is not running:
            raise EngineDead("The engine was stopped.")
        self._passes.inc()
        return await _failing_alone(asyncio.get_running_loop().run_in_executor(running.thread, answer.step))


async def _failing_alone(work: Awaitable[Result]) -> Result:
    """Work on one answer. What it raises fails this answer alone; others go on."""
    try:
        return await work
    except EngineError:
        raise
    except Exception as error:  # the outermost boundary of a thread, in which torch and the model fail in many ways
        logger.exception("An answer failed")
        raise EngineFailed(f"The model failed: {error}") from error


NOT_STARTED = "The engine has not been started."
