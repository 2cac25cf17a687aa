"""Asking for compiles: made once however many ask, kept while there is room, and waited for without a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from typing import Any

import pytest

from latticework.compiling.child import Broken, Busy, Crashed, Died, Done, Late, OutOfMemory, WorkerError
from latticework.compiling.compiled import Compiled
from latticework.compiling.compiler import REMEMBERED_FOR, Compiler, limits
from latticework.compiling.messages import Ask
from latticework.compiling.wanted import Wanted, wanted
from latticework.compiling.workers import Workers
from latticework.engines.vocabulary import Trial, Vocabulary
from latticework.errors import ApiError, BadRequest, ServerFault, Unavailable
from latticework.settings import Settings
from latticework.telemetry.metrics import Metrics
from turngrammar.errors import BeyondLimit, InvalidGrammar
from turngrammar.formats import FORMATS
from turngrammar.limits import DEFAULTS
from turngrammar.plan import compile_turn
from turngrammar.turn import JsonContent, Tool, Turn


class ByHand(Workers):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[Ask, Future[Done]]] = []

    def learn(self, digest: str, vocabulary: Vocabulary) -> None: ...

    def submit(self, ask: Ask) -> Future[Done]:
        future: Future[Done] = Future()
        self.asked.append((ask, future))
        return future

    def answer(self, index: int, weight: int = 1) -> None:
        ask, future = self.asked[index]
        future.set_result(Done(Compiled(compile_turn(ask.turn), Trial()), weight))


def turn(value: Any = 1) -> Turn:
    return Turn(FORMATS["hermes"], content=JsonContent({"const": value}))


def one(value: Any = 1) -> Wanted:
    return wanted(turn(value), "v")


def asking(settings: Settings | None = None) -> tuple[ByHand, Compiler]:
    workers = ByHand()
    return workers, Compiler(settings or Settings(), workers, Metrics())


async def settled(*waiting: Awaitable[Any]) -> list[asyncio.Task[Any]]:
    """Tasks that have got as far as they can by themselves."""
    tasks = [asyncio.ensure_future(one) for one in waiting]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_however_many_ask_one_compile_is_made_and_no_thread_waits() -> None:
    async def once() -> None:
        workers, compiler = asking()
        threads = threading.active_count()
        tasks = await settled(*(compiler.compiled(one()) for _ in range(200)))
        assert threading.active_count() == threads
        assert len(workers.asked) == 1
        workers.answer(0)
        answers = await asyncio.gather(*tasks)
        assert all(answer is answers[0] for answer in answers)
        assert await compiler.compiled(one()) is answers[0]
        assert len(workers.asked) == 1

    asyncio.run(once())


DIFFERENT = (1, 1.0, True, None, float("inf"), "1", [1], {"a": 1, "b": 2}, {"b": 2, "a": 1})


def test_what_differs_in_a_request_is_another_compile() -> None:
    async def once() -> None:
        workers, compiler = asking()
        different = [turn(value) for value in DIFFERENT]
        different += [Turn(FORMATS[format], (Tool(name),)) for format in ("hermes", "llama3") for name in "ab"]
        each = [wanted(asked, vocabulary) for asked in different for vocabulary in ("v", "w")]
        await settled(*map(compiler.compiled, [*each, *each]))
        assert len(workers.asked) == len(each)
        for _, future in workers.asked:
            future.cancel()

    asyncio.run(once())


def test_the_cache_is_bounded_in_bytes() -> None:
    async def once() -> None:
        workers, compiler = asking(Settings(compile_cache_bytes=100))
        for value in range(3):
            task = (await settled(compiler.compiled(one(value))))[0]
            workers.answer(value, weight=50)
            await task
        assert [compiler.find(one(value)) is not None for value in range(3)] == [False, True, True]

    asyncio.run(once())


def test_a_refusal_is_kept_too_and_raised_afresh() -> None:
    async def once() -> None:
        workers, compiler = asking()
        task = (await settled(compiler.compiled(one())))[0]
        workers.asked[0][1].set_result(Done(InvalidGrammar("no", pointer="/tools"), 1))
        again = [compiler.compiled(one()) for _ in range(2)]
        raised = await asyncio.gather(task, *again, return_exceptions=True)
        assert list(map(str, raised)) == ["no (at /tools)"] * 3
        assert len(set(map(id, raised))) == 3
        assert len(workers.asked) == 1

    asyncio.run(once())


def test_who_leaves_takes_nothing_from_those_who_stay() -> None:
    async def once() -> None:
        workers, compiler = asking()
        leaving, staying = await settled(compiler.compiled(one()), compiler.compiled(one()))
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        workers.answer(0)
        assert isinstance(await staying, Compiled)

    asyncio.run(once())


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    async def once() -> None:
        workers, compiler = asking()
        tasks = await settled(compiler.compiled(one()), compiler.compiled(one()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert workers.asked[0][1].cancelled()
        again = (await settled(compiler.compiled(one())))[0]
        workers.answer(1)
        assert isinstance(await again, Compiled)

    asyncio.run(once())


@pytest.mark.parametrize(
    ("failure", "error", "code", "recurs"),
    [
        (Late(), BadRequest, "compile_timeout", True),
        (OutOfMemory(), BadRequest, "compile_memory", True),
        (Crashed(), BadRequest, "compile_crash", True),
        (Died(), Unavailable, "compile_failed", False),
        (Busy(), Unavailable, "compile_busy", False),
        (Broken("a bug"), ServerFault, "internal_error", False),
    ],
)
def test_a_failure_is_told_with_its_setting_and_remembered_for_a_while_where_it_would_recur(
    failure: WorkerError, error: type[ApiError], code: str, recurs: bool
) -> None:
    now = 0.0

    async def once() -> None:
        nonlocal now
        workers = ByHand()
        compiler = Compiler(Settings(), workers, Metrics(), lambda: now)
        task = (await settled(compiler.compiled(one())))[0]
        workers.asked[0][1].set_exception(failure)
        with pytest.raises(error) as raised:
            await task
        assert raised.value.envelope.error.code == code
        assert "bug" not in raised.value.envelope.error.message
        if recurs:
            with pytest.raises(error):
                await compiler.compiled(one())
            assert len(workers.asked) == 1
            now = REMEMBERED_FOR
        again = (await settled(compiler.compiled(one())))[0]
        workers.answer(1)
        assert isinstance(await again, Compiled)

    asyncio.run(once())


def test_what_is_too_large_is_refused_before_all_else_and_the_largest_part_is_named() -> None:
    compiler = asking(Settings(max_schema_bytes=100))[1]
    tools = (
        Tool("a", parameters={"type": "object"}),
        Tool("b", parameters={"type": "object", "title": "x" * 100}, name_pointer="/tools/1/function/name"),
    )
    with pytest.raises(BeyondLimit, match="max_schema_bytes") as raised:
        compiler.refuse_bulk(Turn(FORMATS["hermes"], tools))
    assert raised.value.pointer == "/tools/1/function"


def test_the_settings_have_the_defaults_of_the_limits() -> None:
    assert limits(Settings()) == DEFAULTS
