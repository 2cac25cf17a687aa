"""A model in this process. Forward passes run in one thread: answers that are generated at once take turns there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, generate_latest

from latticework.engines.base import EngineDead, EngineError, EngineFailed, Piece, Sampling
from latticework.engines.portable.answer import Answer
from latticework.engines.portable.arguments import PortableArgs
from latticework.engines.portable.loading import Loaded, load
from latticework.engines.portable.prefixes import MOST_BYTES, Prefixes
from latticework.engines.sampling import unsupported
from latticework.engines.tokenizer import ModelTokenizer

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Of all portable engines of this process together: a metric must not be told twice.
REGISTRY = CollectorRegistry()
PASSES = Counter(
    "latticework_forward_passes", "Forward passes of the model, over one answer each.", ["model"], registry=REGISTRY
)


@dataclass(frozen=True)
class _Running:
    """What there is from `start` to `stop`. `thread` is the only one that runs the model."""

    loaded: Loaded
    prefixes: Prefixes
    thread: ThreadPoolExecutor
    places: asyncio.Semaphore


class PortableEngine:
    """Nothing is loaded before `start`. What is told of the model stays after `stop`."""

    recovers = False
    degraded: tuple[str, ...] = ()

    def __init__(self, args: PortableArgs, *, forced: bool = True) -> None:
        """`forced`: whether tokens that the grammar forces are read together, and not a forward pass each."""
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
            loaded = await asyncio.get_running_loop().run_in_executor(thread, load, self._args)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        # Vocabularies are large: what is made of one is made before the first request.
        await asyncio.to_thread(lambda: loaded.tokenizer.token_bytes)
        self._tokenizer, self._max_model_len = loaded.tokenizer, loaded.max_model_len
        prefixes = Prefixes(MOST_BYTES if self._args.enable_prefix_caching else 0)
        self._running = _Running(loaded, prefixes, thread, asyncio.Semaphore(self.max_running))

    async def stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await asyncio.to_thread(running.thread.shutdown)

    async def check_health(self) -> None:
        self._alive()

    def running(self) -> int:
        return self._answers

    def metrics(self) -> bytes:
        return generate_latest(REGISTRY)

    def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        return unsupported(sampling, "portable")

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        running = self._alive()
        self._answers += 1
        try:
            async with running.places:
                parts = (running.loaded, running.prefixes, prompt, sampling)
                answer = await _own(asyncio.to_thread(Answer, *parts, forces=self._forced))
                finished = False
                try:
                    while not finished:
                        piece = await self._step(running, answer)
                        if piece is not None:
                            finished = piece.finish is not None
                            yield piece
                finally:
                    if self._running is running:
                        running.thread.submit(answer.leave)  # behind a step that may be in hand
        finally:
            self._answers -= 1

    def _alive(self) -> _Running:
        if self._running is None:
            raise EngineDead(NOT_STARTED)
        return self._running

    async def _step(self, running: _Running, answer: Answer) -> Piece | None:
        """One turn: whoever asked for theirs before has it before."""
        if self._running is not running:
            raise EngineDead("The engine was stopped.")
        self._passes.inc()
        return await _own(asyncio.get_running_loop().run_in_executor(running.thread, answer.step))


async def _own(work: Awaitable[Result]) -> Result:
    """Work on one answer. Whatever it raises is of this answer alone: others go on."""
    try:
        return await work
    except EngineError:
        raise
    except Exception as error:  # the outermost boundary of a thread, in which torch and the model fail in many ways
        logger.exception("An answer failed")
        raise EngineFailed(f"The model failed: {error}") from error


NOT_STARTED = "The engine has not been started."
