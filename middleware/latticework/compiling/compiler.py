"""Compiles each distinct request once, in the worker processes, and keeps the result while there is room."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import pickle
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, TypeAlias

import msgspec

from latticework.caller import CURRENT_CALLER
from latticework.compiling import (
    CompileBug,
    CompileCrash,
    CompiledTurn,
    CompileOutOfMemory,
    CompileRequest,
    CompileTask,
    CompileTimeout,
    NeverBegun,
    PromptTask,
    WorkerDied,
    WorkerError,
    WorkersBusy,
)
from latticework.compiling.child import CompileResult
from latticework.compiling.workers import WorkerPool
from latticework.engines.vocabulary import Trial, Vocabulary
from latticework.errors import ApiError, BadRequest, ServerFault, Unavailable
from latticework.prompt import PromptError
from latticework.prompt.writer import PromptWriter, Source, Written
from latticework.settings import Settings
from latticework.telemetry import Metrics
from turngrammar.cache import Cache
from turngrammar.errors import BeyondLimit, GrammarError
from turngrammar.limits import Limits, check_tool_count
from turngrammar.plan import compile_turn
from turngrammar.turn import JsonContent, Turn, enclosing

logger = logging.getLogger(__name__)

# Failures that another attempt would repeat. They are remembered for this many seconds, in case a busy moment was the
# reason, and up to this number.
RECURRING = (CompileTimeout, CompileOutOfMemory, CompileCrash)
FAILURE_LIFETIME = 60.0
MAX_FAILURES = 10_000

NO_TRIAL = Trial()

HINT = "Fewer nested alternatives, counts and patterns compile faster."
# What the client gets for each failure: the error, its code, its message.
Failures: TypeAlias = Mapping[type[WorkerError], tuple[type[ApiError], str, str]]
COMPILE_FAILURES: Failures = {
    CompileTimeout: (
        BadRequest,
        "compile_timeout",
        f"The request took longer to compile than compile_timeout ({{timeout:g}} s). {HINT}",
    ),
    CompileOutOfMemory: (
        BadRequest,
        "compile_memory",
        f"The request took more memory to compile than compile_memory ({{memory}} bytes). {HINT}",
    ),
    CompileCrash: (BadRequest, "compile_crash", f"The request is too deeply nested to be compiled. {HINT}"),
    NeverBegun: (Unavailable, "compile_failed", "No process could be started to compile the request. Try again."),
    WorkerDied: (Unavailable, "compile_failed", "The process that compiled the request died. Try again."),
    WorkersBusy: (Unavailable, "compile_busy", "Too many requests are being compiled. Try again."),
    CompileBug: (ServerFault, "internal_error", "The server failed to compile the request."),
}
PROMPT_FAILURES: Failures = {
    **COMPILE_FAILURES,
    CompileTimeout: (
        BadRequest,
        "compile_timeout",
        "The prompt took longer to render and to tokenize than compile_timeout ({timeout:g} s). Shorten it.",
    ),
    CompileOutOfMemory: (
        BadRequest,
        "compile_memory",
        "The prompt took more memory to render and to tokenize than compile_memory ({memory} bytes). Shorten it.",
    ),
    CompileCrash: (BadRequest, "compile_crash", "The prompt is nested too deeply to be rendered. Make it flatter."),
    WorkerDied: (Unavailable, "compile_failed", "The process that rendered the prompt died. Try again."),
}


@dataclass
class _Pending:
    """A compile in progress, and the number of requests that wait for it."""

    future: Future[CompileResult]
    waiting: int = 0


class Compiler:
    """One for all models of an app. Equal requests at the same time share one compile."""

    def __init__(
        self, settings: Settings, workers: WorkerPool, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._workers = workers
        self._limits = compile_limits(settings)
        self._results: Cache[bytes, CompileResult] = Cache(
            settings.compile_cache_bytes, lambda key, result: result.weight
        )
        self._failures: Cache[bytes, tuple[WorkerError, float]] = Cache(MAX_FAILURES, lambda key, failure: 1)
        # By format, reasoning and choice, of which there are few: a choice of tools that are not there is an error.
        self._free: dict[Any, CompiledTurn] = {}
        self._pending: dict[bytes, _Pending] = {}
        self._lock = threading.RLock()

    async def start(self) -> None:
        await asyncio.to_thread(self._workers.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._workers.stop)

    def load(self, vocabulary: Vocabulary) -> str:
        """The digest by which requests name the vocabulary."""
        digest = hashlib.blake2b(pickle.dumps(vocabulary, 5), digest_size=16).hexdigest()
        self._workers.load(digest, vocabulary)
        return digest

    def load_writer(self, writer: PromptWriter) -> str | None:
        """The digest by which `write` names it; None if its tokenizer can't be pickled."""
        try:
            digest = hashlib.blake2b(pickle.dumps(writer, 5), digest_size=16).hexdigest()
        except (pickle.PicklingError, TypeError, AttributeError):
            return None
        self._workers.load_writer(digest, writer)
        return digest

    async def write(self, writer: str, source: Source, *, cut: bool) -> Written:
        """A prompt, written in a process. Raises PromptError, GrammarError, BadRequest, Unavailable."""
        task = PromptTask(writer, source, cut, self._settings.compile_timeout)
        future = self._workers.submit(task, CURRENT_CALLER.get())
        try:
            await _until_done(future)
        finally:
            future.cancel()
        try:
            return _written(future.result())
        except WorkerError as error:
            raise self._api_error(error, PROMPT_FAILURES) from error

    def refuse_oversized(self, turn: Turn) -> None:
        """Raises BeyondLimit for a turn that is too large to be hashed. The other limits are checked in the worker."""
        if turn.constrained:
            check_tool_count(turn, self._limits)
            _refuse_bytes(turn, self._settings.max_schema_bytes)

    def find(self, request: CompileRequest) -> CompiledTurn | None:
        """The compiled turn if it is free text, which needs no worker, or cached. Raises a cached GrammarError."""
        if not request.turn.constrained:
            return self._free_turn(request.turn)
        result = self._results.find(request.key)
        if result is None:
            return None
        self._metrics.compile_hits.inc()
        return _compiled_turn(result)

    async def compile(self, request: CompileRequest) -> CompiledTurn:
        """Raises GrammarError, BadRequest where a compile limit was exceeded, Unavailable where no worker is free."""
        with self._lock:
            if (compiled := self.find(request)) is not None:
                return compiled
            if (failure := self._failures.find(request.key)) is not None and self._clock() < failure[1]:
                raise self._api_error(failure[0], COMPILE_FAILURES)
            pending = self._join(request)
        self._metrics.compile_misses.inc()
        try:
            with self._metrics.compile_time.time():
                await _until_done(pending.future)
        finally:
            self._leave(pending)
        try:
            return _compiled_turn(pending.future.result())
        except WorkerError as error:
            raise self._api_error(error, COMPILE_FAILURES) from error

    def _free_turn(self, turn: Turn) -> CompiledTurn:
        key = (turn.format.key, turn.reasoning, turn.choice)
        if key not in self._free:
            self._free[key] = CompiledTurn(compile_turn(turn), NO_TRIAL)
        return self._free[key]

    def _join(self, request: CompileRequest) -> _Pending:
        pending = self._pending.get(request.key)
        if pending is None:
            task = CompileTask(request, self._limits, self._settings.compile_timeout)
            pending = self._pending[request.key] = _Pending(self._workers.submit(task, CURRENT_CALLER.get()))
            pending.future.add_done_callback(partial(self._store, request.key))
        pending.waiting += 1
        return pending

    def _leave(self, pending: _Pending) -> None:
        """Cancels a compile that nobody waits for. One that a worker has begun is finished and cached."""
        with self._lock:
            pending.waiting -= 1
            if not pending.waiting:
                pending.future.cancel()

    def _store(self, key: bytes, future: Future[CompileResult]) -> None:
        with self._lock:
            del self._pending[key]
            if future.cancelled():
                return
            error = future.exception()
            if error is None:
                self._results.put(key, future.result())
            elif isinstance(error, RECURRING):
                self._failures.put(key, (error, self._clock() + FAILURE_LIFETIME))

    def _api_error(self, error: WorkerError, failures: Failures) -> ApiError:
        if isinstance(error, WorkerDied | CompileBug):
            logger.error("A compile failed: %s: %s", type(error).__name__, error)
        kind, code, message = failures[type(error)]
        settings = self._settings
        return kind(message.format(timeout=settings.compile_timeout, memory=settings.compile_memory), code=code)


def compile_limits(settings: Settings) -> Limits:
    """Each limit is the setting of the same name."""
    return Limits(**{limit.name: getattr(settings, limit.name) for limit in fields(Limits)})


def _refuse_bytes(turn: Turn, most: int) -> None:
    """Raises BeyondLimit, with a pointer to the largest part."""
    parts: list[tuple[str, Any]] = [
        (enclosing(tool.name_pointer), tool.input or tool.parameters) for tool in turn.tools
    ]
    if turn.content:
        content = turn.content.schema if isinstance(turn.content, JsonContent) else turn.content
        parts.append((turn.content.pointer, content))
    sizes = [(len(msgspec.json.encode(part)), pointer) for pointer, part in parts]
    if (size := sum(size for size, _ in sizes)) > most:
        message = f"Schemas and grammars have {size} bytes together, more than max_schema_bytes ({most})."
        raise BeyondLimit(message, pointer=max(sizes)[1])


def _compiled_turn(result: CompileResult) -> CompiledTurn:
    """Raises a new GrammarError each time: an exception that is raised twice collects both tracebacks."""
    if isinstance(result.outcome, GrammarError):
        raise result.outcome.inside("")
    assert isinstance(result.outcome, CompiledTurn)
    return result.outcome


def _written(result: CompileResult) -> Written:
    """Raises PromptError, and GrammarError where it nests too deeply."""
    if isinstance(result.outcome, PromptError | GrammarError):
        raise result.outcome
    assert isinstance(result.outcome, Written)
    return result.outcome


async def _until_done(future: Future[Any]) -> None:
    """Cancelling this wait does not cancel the future, which others may wait for."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    future.add_done_callback(lambda _: _wake(loop, done))
    await done


def _wake(loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]) -> None:
    with suppress(RuntimeError):  # the loop is closed, and nothing waits on it
        loop.call_soon_threadsafe(lambda: None if done.done() else done.set_result(None))
