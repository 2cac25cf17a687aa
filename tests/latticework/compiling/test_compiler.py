"""Equal requests are compiled once, results are cached while there is room, and no thread waits for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Hashable
from concurrent.futures import Future
from typing import Any

import pytest

from latticework.compiling import (
    CompileBug,
    CompileCrash,
    CompiledTurn,
    CompileOutOfMemory,
    CompileRequest,
    CompileTask,
    CompileTimeout,
    Task,
    WorkerDied,
    WorkerError,
    WorkersBusy,
)
from latticework.compiling.child import CompileResult
from latticework.compiling.compiler import FAILURE_LIFETIME, Compiler
from latticework.compiling.workers import WorkerPool
from latticework.engines.vocabulary import Trial, Vocabulary
from latticework.errors import ApiError, BadRequest, ServerFault, Unavailable
from latticework.settings import Settings
from latticework.telemetry import Metrics
from turngrammar.errors import BeyondLimit, InvalidGrammar
from turngrammar.formats import FORMATS
from turngrammar.plan import compile_turn
from turngrammar.turn import JsonContent, Tool, Turn


class ManualWorkers(WorkerPool):
    """Completes each task when the test says so."""

    def __init__(self) -> None:
        self.submitted: list[tuple[CompileTask, Future[CompileResult]]] = []

    def load(self, digest: str, vocabulary: Vocabulary) -> None: ...

    def submit(self, task: Task, caller: Hashable = None) -> Future[CompileResult]:
        future: Future[CompileResult] = Future()
        assert isinstance(task, CompileTask)
        self.submitted.append((task, future))
        return future

    def complete(self, index: int, weight: int = 1) -> None:
        task, future = self.submitted[index]
        future.set_result(CompileResult(CompiledTurn(compile_turn(task.request.turn), Trial()), weight))


def turn(value: Any = 1) -> Turn:
    return Turn(FORMATS["hermes"], content=JsonContent({"const": value}))


def request(value: Any = 1) -> CompileRequest:
    return CompileRequest(turn(value), "v")


def manual_compiler(settings: Settings | None = None) -> tuple[ManualWorkers, Compiler]:
    workers = ManualWorkers()
    return workers, Compiler(settings or Settings(), workers, Metrics())


async def settled(*waiting: Awaitable[Any]) -> list[asyncio.Task[Any]]:
    """Tasks that have got as far as they can by themselves."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in waiting]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_however_many_requests_one_compile_is_made_and_no_thread_waits() -> None:
    async def once() -> None:
        workers, compiler = manual_compiler()
        threads = threading.active_count()
        tasks = await settled(*(compiler.compile(request()) for _ in range(200)))
        assert threading.active_count() == threads
        assert len(workers.submitted) == 1
        workers.complete(0)
        answers = await asyncio.gather(*tasks)
        assert all(answer is answers[0] for answer in answers)
        assert await compiler.compile(request()) is answers[0]
        assert len(workers.submitted) == 1

    asyncio.run(once())


def test_free_text_is_compiled_at_once_and_needs_no_worker() -> None:
    workers, compiler = manual_compiler()
    for format in ("hermes", "mistral_v3"):
        free = Turn(FORMATS[format], reasoning="may")
        compiler.refuse_oversized(free)
        compiled = compiler.find(CompileRequest(free, "v"))
        assert compiled and compiled.plan == compile_turn(free)
        assert asyncio.run(compiler.compile(CompileRequest(free, "w"))) is compiled
    assert workers.submitted == []


DIFFERENT = (1, 1.0, True, None, float("inf"), "1", [1], {"a": 1, "b": 2}, {"b": 2, "a": 1})


def test_what_differs_in_a_request_is_another_compile() -> None:
    async def once() -> None:
        workers, compiler = manual_compiler()
        different = [turn(value) for value in DIFFERENT]
        different += [Turn(FORMATS[format], (Tool(name),)) for format in ("hermes", "llama3") for name in "ab"]
        each = [CompileRequest(turn, vocabulary) for turn in different for vocabulary in ("v", "w")]
        await settled(*map(compiler.compile, [*each, *each]))
        assert len(workers.submitted) == len(each)
        for _, future in workers.submitted:
            future.cancel()

    asyncio.run(once())


def test_the_cache_is_bounded_in_bytes() -> None:
    async def once() -> None:
        workers, compiler = manual_compiler(Settings(compile_cache_bytes=100))
        for value in range(3):
            task = (await settled(compiler.compile(request(value))))[0]
            workers.complete(value, weight=50)
            await task
        assert [compiler.find(request(value)) is not None for value in range(3)] == [False, True, True]

    asyncio.run(once())


def test_a_refusal_is_kept_too_and_raised_afresh() -> None:
    async def once() -> None:
        workers, compiler = manual_compiler()
        task = (await settled(compiler.compile(request())))[0]
        workers.submitted[0][1].set_result(CompileResult(InvalidGrammar("no", pointer="/tools"), 1))
        again = [compiler.compile(request()) for _ in range(2)]
        raised = await asyncio.gather(task, *again, return_exceptions=True)
        assert list(map(str, raised)) == ["/tools: no"] * 3
        assert len(set(map(id, raised))) == 3
        assert len(workers.submitted) == 1

    asyncio.run(once())


def test_who_leaves_takes_nothing_from_those_who_stay() -> None:
    async def once() -> None:
        workers, compiler = manual_compiler()
        leaving, staying = await settled(compiler.compile(request()), compiler.compile(request()))
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        workers.complete(0)
        assert isinstance(await staying, CompiledTurn)

    asyncio.run(once())


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    async def once() -> None:
        workers, compiler = manual_compiler()
        tasks = await settled(compiler.compile(request()), compiler.compile(request()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert workers.submitted[0][1].cancelled()
        again = (await settled(compiler.compile(request())))[0]
        workers.complete(1)
        assert isinstance(await again, CompiledTurn)

    asyncio.run(once())


@pytest.mark.parametrize(
    ("failure", "error", "code", "recurs"),
    [
        (CompileTimeout(), BadRequest, "compile_timeout", True),
        (CompileOutOfMemory(), BadRequest, "compile_memory", True),
        (CompileCrash(), BadRequest, "compile_crash", True),
        (WorkerDied(), Unavailable, "compile_failed", False),
        (WorkersBusy(), Unavailable, "compile_busy", False),
        (CompileBug("a bug"), ServerFault, "internal_error", False),
    ],
)
def test_a_failure_names_its_setting_and_is_remembered_for_a_while_where_it_would_recur(
    failure: WorkerError, error: type[ApiError], code: str, recurs: bool
) -> None:
    now = 0.0

    async def once() -> None:
        nonlocal now
        workers = ManualWorkers()
        compiler = Compiler(Settings(), workers, Metrics(), lambda: now)
        task = (await settled(compiler.compile(request())))[0]
        workers.submitted[0][1].set_exception(failure)
        with pytest.raises(error) as raised:
            await task
        assert raised.value.code == code
        assert "bug" not in raised.value.message
        if recurs:
            with pytest.raises(error):
                await compiler.compile(request())
            assert len(workers.submitted) == 1
            now = FAILURE_LIFETIME
        again = (await settled(compiler.compile(request())))[0]
        workers.complete(1)
        assert isinstance(await again, CompiledTurn)

    asyncio.run(once())


def test_what_is_too_large_is_refused_before_all_else_and_the_largest_part_is_named() -> None:
    compiler = manual_compiler(Settings(max_schema_bytes=100))[1]
    tools = (
        Tool("a", parameters={"type": "object"}),
        Tool("b", parameters={"type": "object", "title": "x" * 100}, name_pointer="/tools/1/function/name"),
    )
    with pytest.raises(BeyondLimit, match="max_schema_bytes") as raised:
        compiler.refuse_oversized(Turn(FORMATS["hermes"], tools))
    assert raised.value.pointer == "/tools/1/function"
